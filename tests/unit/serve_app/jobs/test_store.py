from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs import store as job_store
from serve_app.jobs.job import Job
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.states import ImpossibleMoveError
from serve_app.jobs.store import JobStore


def job(tmp_path: Path, name: str = "a") -> Job:
    request = RenderRequest(cad_path=f"{name}.ply", output_dir=name)
    return Job(request, tmp_path / f"{name}.ply", tmp_path / name, tmp_path / "log")


async def test_a_record_survives_the_store(tmp_path: Path) -> None:
    first = job(tmp_path)
    store = JobStore(tmp_path)
    assert await store.insert(first.record(), "g") is None
    store.close()
    again = JobStore(tmp_path)
    stored = await again.get(first.job_id)
    assert stored is not None and stored.record == first.record() and stored.group == "g"
    assert await again.get("unknown") is None
    again.close()


async def test_newest_first_filtered_and_counted(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    jobs = [job(tmp_path, name) for name in "abcd"]
    for item in jobs:
        await store.insert(item.record(), "")
    jobs[1].move_to("running")
    await store.update(jobs[1].record())
    records, total = await store.newest(None, 3)
    assert [record.cad_path for record in records] == ["d.ply", "c.ply", "b.ply"] and total == 4
    running, count = await store.newest("running", 10)
    assert [record.job_id for record in running] == [jobs[1].job_id] and count == 1
    store.close()


async def test_unfinished_jobs_and_their_views_are_found_by_the_next_server(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    queued, running, finished = job(tmp_path, "a"), job(tmp_path, "b"), job(tmp_path, "c")
    for item in (queued, running, finished):
        await store.insert(item.record(), "")
    for item in (running, finished):
        item.move_to("running")
        await store.update(item.record())
        await store.add_views(item.job_id, "key", [(3, {"entry": 1}), (5, {"entry": 2})])
    finished.move_to("succeeded")
    await store.update(finished.record())
    epoch = store.epoch
    store.close()
    later = JobStore(tmp_path)
    assert later.epoch > epoch
    assert [stored.record.job_id for stored in await later.unfinished()] == [queued.job_id, running.job_id]
    assert await later.views(running.job_id, "key") == {3: {"entry": 1}, 5: {"entry": 2}}
    assert await later.views(running.job_id, "another key") == {}
    assert await later.views(finished.job_id, "key") == {}
    later.close()


async def test_one_key_and_one_id_are_one_job_even_at_the_same_moment(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    jobs = [job(tmp_path) for _ in range(20)]
    outcomes = await asyncio.gather(*(store.insert(item.record(), "", "key", "hash") for item in jobs))
    assert outcomes.count(None) == 1
    winner = jobs[outcomes.index(None)].job_id
    assert {stored.record.job_id for stored in outcomes if stored} == {winner}
    found = await store.by_key("key")
    assert found is not None and found.record.job_id == winner and found.request_hash == "hash"
    assert await store.insert(jobs[outcomes.index(None)].record(), "") is not None
    store.close()


async def test_a_quarantine_survives_the_server_and_ends(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    await store.quarantine("abc", 100, "it killed")
    await store.quarantine("old", -1, "it killed")
    store.close()
    later = JobStore(tmp_path)
    found = await later.quarantined()
    assert list(found) == ["abc"] and 90 < found["abc"][0] <= 100
    later.close()


async def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / job_store.DATABASE) as db:
        db.execute("CREATE TABLE jobs (sequence INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE, status TEXT, record TEXT)")
        old = job(tmp_path)
        db.execute("INSERT INTO jobs (job_id, status, record) VALUES (?, 'queued', ?)", (old.job_id, old.record().model_dump_json()))
    db.close()
    store = JobStore(tmp_path)
    assert [stored.record.job_id for stored in await store.unfinished()] == [old.job_id]
    assert await store.insert(job(tmp_path, "b").record(), "", "key") is None
    assert await store.insert(job(tmp_path, "c").record(), "", "key") is not None
    store.close()


@pytest.mark.parametrize("damage", ["noise", "header", "page", "cut", "emptied"])
async def test_a_damaged_store_is_refused_and_left_alone(tmp_path: Path, damage: str) -> None:
    store = JobStore(tmp_path)
    for number in range(200):
        await store.insert(job(tmp_path, f"cad{number}").record(), "")
    store.close()
    path = tmp_path / job_store.DATABASE
    content = bytearray(path.read_bytes())
    if damage == "noise":
        content[:] = os.urandom(len(content))
    elif damage == "header":
        content[:16] = b"no database here"
    elif damage == "cut":
        del content[4096 * 5 + 100 :]
    elif damage == "emptied":
        content.clear()
    else:
        content[4096 * 3 : 4096 * 6] = os.urandom(4096 * 3)
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match="does not start, so that no job is lost silently"):
        JobStore(tmp_path)
    assert path.read_bytes() == content


async def test_a_store_that_is_gone_is_missed_until_the_operator_moves_the_rest_away_too(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    await store.insert(job(tmp_path).record(), "")
    await store._run(lambda: os.link(tmp_path / "jobs.sqlite3-wal", tmp_path / "kept"))  # As a kill would leave it.
    store.close()
    (tmp_path / job_store.DATABASE).unlink()
    (tmp_path / "kept").rename(tmp_path / "jobs.sqlite3-wal")
    with pytest.raises(RuntimeError, match=r"missing or empty.*move jobs\.sqlite3 and all jobs\.sqlite3-\* files away"):
        JobStore(tmp_path)
    assert not (tmp_path / job_store.DATABASE).exists() and (tmp_path / "jobs.sqlite3-wal").stat().st_size > 0
    for path in tmp_path.glob("jobs.sqlite3*"):
        path.unlink()
    anew = JobStore(tmp_path)
    assert await anew.unfinished() == []
    anew.close()


async def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    await store._run(lambda: store._db.execute("PRAGMA query_only=1").close())
    with pytest.raises(ServiceError) as caught:
        await store.insert(job(tmp_path).record(), "")
    assert caught.value.code == "store_unavailable"
    await store._run(lambda: store._db.execute("PRAGMA query_only=0").close())
    assert await store.insert(job(tmp_path).record(), "") is None
    store.close()


async def test_old_jobs_are_forgotten_and_unfinished_ones_are_not(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    jobs = [job(tmp_path, name) for name in "abcde"]
    for item in jobs:
        await store.insert(item.record(), "")
    for item in jobs[1:]:
        item.move_to("running")
        item.move_to("succeeded")
        await store.update(item.record())
    assert await store.forget(0, keep=10) == []
    gone = await store.forget(0, keep=2)
    assert {record.cad_path for record in gone} == {"b.ply", "c.ply"}
    assert await store.forget(time.time() + 60, keep=100) == []  # A clock that runs ahead costs nobody a job.
    gone = await store.forget(time.time() + 60, keep=100, at_least=0)
    assert {record.cad_path for record in gone} == {"d.ply", "e.ply"}
    assert [stored.record.cad_path for stored in await store.unfinished()] == ["a.ply"]
    store.close()


def test_impossible_transitions_are_errors(tmp_path: Path) -> None:
    item = job(tmp_path)
    with pytest.raises(ImpossibleMoveError, match="queued to succeeded"):
        item.move_to("succeeded")
    item.move_to("running")
    item.move_to("failed", ServiceError("render_failed", "no"))
    with pytest.raises(ImpossibleMoveError):
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
