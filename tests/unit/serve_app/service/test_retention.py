from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from serve_app.base.settings import Settings
from serve_app.jobs.record import JobRecord, record_of
from serve_app.jobs.states import JobState
from serve_app.jobs.store import JobStore
from serve_app.service.retention import tidy
from serve_app.templates.leftovers import staging_name
from tests.unit.serve_app.made import make_job
from tests.unit.serve_app.templates_made import leftover, template


def record(
    tmp_path: Path, output: str, job_id: str, status: JobState = "queued", *, subfolder: bool = True, ended_in_sec: float = 60
) -> JobRecord:
    made = record_of(make_job(str(tmp_path / output), job_id=job_id, templates_subfolder=subfolder))
    return dataclasses.replace(made, status=status, ended_at=time.time() + ended_in_sec if status == "succeeded" else None)


def left(target: Path, job_id: str, *names: str, age_days: float = 0) -> Path:
    folder = leftover(target, job_id, *names)
    moment = folder.stat().st_mtime - age_days * 86400
    os.utime(folder, (moment, moment))
    return folder


@pytest.fixture
def quiet(tmp_path: Path) -> Settings:
    return Settings(output_roots=[tmp_path], data_dir=tmp_path / "data", log_dir=tmp_path / "logs", keep_jobs_days=30)


async def test_staging_folders_of_ended_jobs_and_old_ones_that_nobody_knows_go(tmp_path: Path, quiet: Settings) -> None:
    store = JobStore(quiet.data_dir)
    await store.insert(record(tmp_path, "out", "waits"))
    await store.insert(record(tmp_path, "out", "runs-1", "running"))
    await store.insert(record(tmp_path, "out", "ended-1.b", "succeeded"))
    await store.insert(record(tmp_path, "out", "of-both", "succeeded", ended_in_sec=-60))
    target = tmp_path / "out" / "templates"
    kept = [
        left(target, "of-both", "rgb_0.png"),  # Of another server, whose client chose the same id.
        left(target, "waits", age_days=90),
        left(target, "runs-1", "rgb_0.png"),
        left(target, "of-another-server", "rgb_0.png", age_days=29),
    ]
    kept += [left(target, "ended-1", "letter.txt", age_days=90), left(tmp_path / "elsewhere" / "templates", "unknown", age_days=90)]
    gone = [left(target, "ended-1.b", "rgb_0.png", "xyz_0.npy"), left(target, "unknown", "rgb_0.png", age_days=31)]
    await tidy(quiet, store, live=set())
    assert all(folder.is_dir() for folder in kept) and not any(folder.exists() for folder in gone)
    store.close()


async def test_a_staging_folder_of_an_earlier_version_goes_when_it_is_old(tmp_path: Path, quiet: Settings) -> None:
    store = JobStore(quiet.data_dir)
    await store.insert(record(tmp_path, "out", "one"))
    parent = tmp_path / "out"
    for name, days in ((".templates-one.partial", 29), (".templates-old.partial", 31)):
        (parent / name).mkdir(parents=True)
        (parent / name / "rgb_0.png").write_bytes(template("rgb_0.png"))
        moment = (parent / name).stat().st_mtime - days * 86400
        os.utime(parent / name, (moment, moment))
    await tidy(quiet, store, live=set())
    assert os.listdir(parent) == [".templates-one.partial"]
    store.close()


async def test_links_and_files_that_are_named_as_staging_folders_stay(tmp_path: Path, quiet: Settings) -> None:
    store = JobStore(quiet.data_dir)
    await store.insert(record(tmp_path, "out", "ended", "succeeded"))
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "rgb_0.png").write_bytes(template("rgb_0.png"))
    (tmp_path / "out").mkdir()
    names = [staging_name("ended", f"{number:016x}") for number in range(2)]
    (tmp_path / "out" / names[0]).symlink_to(tmp_path / "theirs")
    (tmp_path / "out" / names[1]).write_text("x")
    await tidy(quiet, store, live=set())
    assert sorted(os.listdir(tmp_path / "out")) == names and os.listdir(tmp_path / "theirs") == ["rgb_0.png"]
    store.close()


async def test_what_is_odd_in_the_log_folder_stops_no_tidying(tmp_path: Path, quiet: Settings) -> None:
    settings = quiet.model_copy(update={"log_max_bytes": 0, "keep_jobs": 1})
    store = JobStore(settings.data_dir)
    for number in range(3):
        await store.insert(record(tmp_path, "out", f"j{number}", "succeeded"))
    (settings.log_dir / "j0.log").mkdir(parents=True)
    (settings.log_dir / "j1.log").symlink_to(tmp_path / "theirs")
    (settings.log_dir / "j9.log").write_text("x")
    await tidy(settings, store, live=set())
    assert os.listdir(settings.log_dir) == ["j0.log"]
    assert await store.get("j0") is None and await store.get("j2") is not None
    store.close()


async def test_old_logs_go_when_they_take_too_much_room(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(6):
        (logs / f"j{number}.log").write_bytes(b"x" * 1000)
        os.utime(logs / f"j{number}.log", (number, number))
    store = JobStore(tmp_path / "data")
    settings = Settings(output_roots=[tmp_path], data_dir=tmp_path / "data", log_dir=logs, log_max_bytes=2500)
    await tidy(settings, store, live={"j0"})
    assert sorted(path.stem for path in logs.iterdir()) == ["j0", "j5"]
    store.close()
