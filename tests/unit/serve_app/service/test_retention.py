from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from serve_app.base.settings import Settings
from serve_app.jobs.record import JobRecord, record_of
from serve_app.jobs.states import JobState
from serve_app.jobs.store import JobStore
from serve_app.service.retention import tidy
from serve_app.templates.staging import staging_path
from tests.unit.serve_app.made import make_job


def record(tmp_path: Path, output: str, job_id: str, status: JobState = "queued", *, subfolder: bool = True) -> JobRecord:
    made = record_of(make_job(str(tmp_path / output), job_id=job_id, templates_subfolder=subfolder))
    return dataclasses.replace(made, status=status)


def left(target: Path, job_id: str, *names: str, age_days: float = 0) -> Path:
    folder = staging_path(target, job_id)
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("x")
    moment = folder.stat().st_mtime - age_days * 86400
    os.utime(folder, (moment, moment))
    return folder


@pytest.fixture
def quiet(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs", keep_jobs_days=30)


async def test_staging_folders_of_ended_jobs_and_old_ones_that_nobody_knows_go(tmp_path: Path, quiet: Settings) -> None:
    store = JobStore(quiet.data_dir)
    await store.insert(record(tmp_path, "out", "waits"))
    await store.insert(record(tmp_path, "out", "runs-1", "running"))
    await store.insert(record(tmp_path, "out", "ended-1.b", "succeeded"))
    target = tmp_path / "out" / "templates"
    kept = [
        left(target, "waits", age_days=90),
        left(target, "runs-1", "rgb_0.png"),
        left(target, "of-another-server", "rgb_0.png", age_days=29),
    ]
    kept += [left(target, "ended-1", "letter.txt", age_days=90), left(tmp_path / "elsewhere" / "templates", "unknown", age_days=90)]
    gone = [left(target, "ended-1.b", "rgb_0.png", "manifest.json"), left(target, "unknown", "rgb_0.png", age_days=31)]
    await tidy(quiet, store, live=set())
    assert all(folder.is_dir() for folder in kept) and not any(folder.exists() for folder in gone)
    store.close()


async def test_a_name_that_can_be_read_in_two_ways_is_kept_for_the_job_that_goes_on(tmp_path: Path, quiet: Settings) -> None:
    store = JobStore(quiet.data_dir)
    await store.insert(record(tmp_path, "part", "old", subfolder=False))
    await store.insert(record(tmp_path, "part-b", "one", subfolder=False))
    folder = left(tmp_path / "part-b", "one", "rgb_0.png", age_days=90)
    await tidy(quiet, store, live=set())
    assert folder.is_dir()
    store.close()


async def test_old_logs_go_when_they_take_too_much_room(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(6):
        (logs / f"j{number}.log").write_bytes(b"x" * 1000)
        os.utime(logs / f"j{number}.log", (number, number))
    store = JobStore(tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data", log_dir=logs, log_max_bytes=2500)
    await tidy(settings, store, live={"j0"})
    assert sorted(path.stem for path in logs.iterdir()) == ["j0", "j5"]
    store.close()
