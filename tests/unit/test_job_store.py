from __future__ import annotations

from pathlib import Path

import pytest

from serve_app import job_store
from serve_app.errors import ServiceError
from serve_app.job import Job
from serve_app.job_store import JobStore
from serve_app.requests import RenderRequest


def job(tmp_path: Path, name: str = "a") -> Job:
    request = RenderRequest(cad_path=f"{name}.ply", output_dir=name)
    return Job(request, tmp_path / f"{name}.ply", tmp_path / name, tmp_path / "log")


async def test_a_record_survives_the_store(tmp_path: Path) -> None:
    first = job(tmp_path)
    store = JobStore(tmp_path)
    await store.put(first.record())
    store.close()
    again = JobStore(tmp_path)
    assert await again.get(first.job_id) == first.record()
    assert await again.get("unknown") is None
    again.close()


async def test_newest_first_filtered_and_counted(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    jobs = [job(tmp_path, name) for name in "abcd"]
    for item in jobs:
        await store.put(item.record())
    jobs[1].move_to("running")
    await store.put(jobs[1].record())
    records, total = await store.newest(None, 3)
    assert [record.cad_path for record in records] == ["d.ply", "c.ply", "b.ply"] and total == 4
    running, count = await store.newest("running", 10)
    assert [record.job_id for record in running] == [jobs[1].job_id] and count == 1
    store.close()


async def test_jobs_of_an_earlier_server_end_as_failed(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    unfinished, finished = job(tmp_path, "a"), job(tmp_path, "b")
    finished.move_to("running")
    finished.move_to("succeeded")
    for item in (unfinished, finished):
        await store.put(item.record())
    failed = await store.fail_unfinished(ServiceError("server_restarted", "stopped before it ended"))
    assert [record.job_id for record in failed] == [unfinished.job_id]
    record = await store.get(unfinished.job_id)
    assert record is not None and record.status == "failed" and record.returncode == 1 and record.success is False
    assert record.error is not None and record.error.code == "server_restarted"
    kept = await store.get(finished.job_id)
    assert kept is not None and kept.status == "succeeded"
    store.close()


def test_impossible_transitions_are_errors(tmp_path: Path) -> None:
    item = job(tmp_path)
    with pytest.raises(RuntimeError, match="queued to succeeded"):
        item.move_to("succeeded")
    item.move_to("running")
    item.move_to("failed", ServiceError("render_failed", "no"))
    with pytest.raises(RuntimeError):
        item.move_to("running")
    record = item.record()
    assert record.returncode != 0 and record.success is False and record.error_message == "no"


def test_two_servers_never_share_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_store, "_LOCK_PATIENCE_SEC", 0.1)
    store = JobStore(tmp_path)
    with pytest.raises(RuntimeError, match="RENDER_DATA_DIR"):
        JobStore(tmp_path)
    store.close()
    JobStore(tmp_path).close()
