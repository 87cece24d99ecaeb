from __future__ import annotations

import os
from pathlib import Path

import pytest

from serve_app.base.settings import Settings
from serve_app.jobs.job import Job
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.store import JobStore
from serve_app.service.retention import tidy
from serve_app.templates.staging import staging_path


def job(tmp_path: Path, output: str, job_id: str, *, subfolder: bool = True) -> Job:
    request = RenderRequest(cad_path="a.ply", output_dir=output, templates_subfolder=subfolder)
    return Job(request, tmp_path / "a.ply", tmp_path / output, tmp_path / "log", job_id)


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
    waits, runs, ended = job(tmp_path, "out", "waits"), job(tmp_path, "out", "runs-1"), job(tmp_path, "out", "ended-1.b")
    for item in (waits, runs, ended):
        await store.insert(item.record(), "")
    for item in (runs, ended):
        item.move_to("running")
        await store.update(item.record())
    ended.move_to("succeeded")
    await store.update(ended.record())
    target = waits.templates_dir
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
    for item in (job(tmp_path, "part", "old", subfolder=False), job(tmp_path, "part-b", "one", subfolder=False)):
        await store.insert(item.record(), "")
    folder = left(tmp_path / "part-b", "one", "rgb_0.png", age_days=90)
    await tidy(quiet, store, live=set())
    assert folder.is_dir()
    store.close()
