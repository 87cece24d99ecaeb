from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs import database, migrations
from serve_app.jobs.database import DATABASE
from serve_app.jobs.pages import JobQuery
from serve_app.jobs.record import JobError, JobRecord, failed_record, record_of
from serve_app.jobs.states import JobState
from serve_app.jobs.store import JobStore
from tests.unit.serve_app.made import make_job


def new_record(name: str = "a", **more: Any) -> JobRecord:
    return record_of(make_job(name, f"{name}.ply", **more))


def moved(record: JobRecord, status: JobState) -> JobRecord:
    return dataclasses.replace(record, status=status)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[JobStore]:
    store = JobStore(tmp_path)
    yield store
    store.close()


async def test_a_record_survives_the_store(tmp_path: Path) -> None:
    job = make_job("out", "a.ply", group="g", request_hash="h", quality="draft")
    job.progress.accept()
    job.progress.start()
    job.progress.warn(["thin \N{MICRO SIGN}"])
    job.progress.cad = {"unit": "mm", "size_mm": [1.5, 2.0, 3.0]}
    job.progress.total_poses = 42
    job.progress.views_done({3: 0.5, 11: 0.25})
    job.progress.fail(ServiceError("render_failed", "no", "cad_path"))
    record = record_of(job)
    assert record.error == JobError("render_failed", "no", "cad_path") and record.options["quality"] == "draft"
    store = JobStore(tmp_path)
    assert await store.insert(record) is None
    store.close()
    again = JobStore(tmp_path)
    assert await again.get(job.job_id) == record
    assert await again.get("unknown") is None
    again.close()


async def test_unfinished_jobs_and_their_views_are_found_by_the_next_server(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    queued, running, ended = new_record("a"), new_record("b"), new_record("c")
    for record in (queued, running, ended):
        await store.insert(record)
    for record in (running, ended):
        await store.update(moved(record, "running"))
        await store.add_views(record.job_id, "key", [(3, {"entry": 1}), (5, {"entry": 2})], "folder")
    await store.update(moved(ended, "succeeded"))
    epoch = store.epoch
    store.close()
    later = JobStore(tmp_path)
    assert later.epoch > epoch
    assert [record.job_id for record in await later.unfinished()] == [queued.job_id, running.job_id]
    assert await later.views(running.job_id, "key") == {3: {"entry": 1}, 5: {"entry": 2}}
    assert await later.views(running.job_id, "another key") == {}
    assert await later.views(ended.job_id, "key") == {}
    later.close()


async def test_one_key_and_one_id_are_one_job_even_at_the_same_moment(store: JobStore) -> None:
    records = [new_record(request_hash="hash") for _ in range(20)]
    outcomes = await asyncio.gather(*(store.insert(record, "key") for record in records))
    assert outcomes.count(None) == 1
    winner = records[outcomes.index(None)]
    assert {found.job_id for found in outcomes if found} == {winner.job_id}
    found = await store.by_key("key")
    assert found == winner and found.request_hash == "hash"
    assert await store.insert(winner) == winner


async def test_restarts_are_counted_until_a_view_is_rendered_and_no_update_forgets_them(store: JobStore) -> None:
    record = new_record()
    await store.insert(record)
    for count in (1, 2):
        await store.update(moved(record, "running"))
        await store.count_restart(record.job_id)
        found = await store.get(record.job_id)
        assert found is not None and (found.status, found.restarts_without_view) == ("queued", count)
    await store.add_views(record.job_id, "key", [(0, {})], "folder")
    found = await store.get(record.job_id)
    assert found is not None and found.restarts_without_view == 0


async def test_a_quarantine_survives_the_server_and_ends(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    await store.quarantine("abc", 100, "it killed")
    await store.quarantine("old", -1, "it killed")
    store.close()
    later = JobStore(tmp_path)
    found = await later.quarantined()
    assert list(found) == ["abc"] and 90 < found["abc"][0] <= 100
    later.close()


# What the server before this format answered of a job, and kept as text.
OLD_ANSWER: dict[str, Any] = {
    "status": "running",
    "cad_path": "a.ply",
    "output_dir": "out",
    "templates_dir": "/work/out/templates",
    "created_at": "2026-11-20T10:00:00.250+00:00",
    "started_at": "2026-11-20T10:00:01.500+00:00",
    "ended_at": None,
    "elapsed_sec": 3.5,
    "log_path": "/work/logs/j.log",
    "returncode": None,
    "rendered_count": 2,
    "total_poses": 42,
    "view_seconds": {"0": 0.5, "10": 0.25},
    "error": None,
    "warnings": ["grey"],
    "cached": False,
    "options": {"quality": "draft", "samples": None},
}
FIRST_TABLE = "CREATE TABLE jobs (sequence INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE, status TEXT, record TEXT)"
SECOND_TABLE = (
    "CREATE TABLE jobs (sequence INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, "
    "record TEXT NOT NULL, job_group TEXT NOT NULL DEFAULT '', request_key TEXT UNIQUE, request_hash TEXT NOT NULL DEFAULT '', "
    "resumed INTEGER NOT NULL DEFAULT 0)"
)


@pytest.mark.parametrize("version", [0, 1, 2])
async def test_a_store_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    with sqlite3.connect(tmp_path / DATABASE) as db:
        db.execute(SECOND_TABLE if version == 2 else FIRST_TABLE)
        db.execute("CREATE INDEX jobs_by_status ON jobs (status, sequence)")
        for sequence, job_id in ((5, "one"), (9, "two")):
            row: dict[str, Any] = {"sequence": sequence, "job_id": job_id, "status": "running"}
            row["record"] = json.dumps(OLD_ANSWER | {"job_id": job_id})
            if version == 2:
                row |= {"job_group": "g", "request_key": f"key-{job_id}", "request_hash": "hash", "resumed": 3}
            db.execute(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
        db.execute(f"PRAGMA user_version={version}")
    db.close()
    store = JobStore(tmp_path)
    first, second = await store.unfinished()
    assert (first.job_id, second.job_id) == ("one", "two")
    assert first.created_at == 1795168800.25 and first.started_at == 1795168801.5 and first.ended_at is None
    assert first.view_seconds == {0: 0.5, 10: 0.25} and first.warnings == ("grey",) and first.options["quality"] == "draft"
    if version == 2:
        assert (first.group, first.request_hash, first.restarts_without_view) == ("g", "hash", 3)
        assert await store.by_key("key-two") == second
    assert await store.insert(new_record("b"), "key") is None
    newest = (await store.page(JobQuery(limit=1))).records
    assert newest[0].cad_path == "b.ply"
    store.close()
    again = JobStore(tmp_path)  # Nothing is left to bring up to date.
    assert len(await again.unfinished()) == 3
    again.close()


NEWEST = "results_expire_at"


@pytest.mark.parametrize(("version", "missing"), [(3, ("staging", "cad", NEWEST)), (4, ("cad", NEWEST)), (5, (NEWEST,))])
async def test_what_an_earlier_version_did_not_keep_is_not_known(tmp_path: Path, version: int, missing: tuple[str, ...]) -> None:
    store, record = JobStore(tmp_path), new_record(unit="mm")
    await store.insert(record)
    store.close()
    with sqlite3.connect(tmp_path / DATABASE) as db:
        for column in missing:
            db.execute(f"ALTER TABLE jobs DROP COLUMN {column}")
        db.execute(f"PRAGMA user_version={version}")
    db.close()
    store = JobStore(tmp_path)
    assert await store.unfinished() == [record] and record.cad is None
    await store.add_views(record.job_id, "key", [(0, {})], "folder")
    assert await store.staging(record.job_id) == "folder"
    store.close()


def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    JobStore(tmp_path).close()
    with sqlite3.connect(tmp_path / DATABASE) as db:
        db.execute(f"PRAGMA user_version={migrations.VERSION + 1}")
    db.close()
    with pytest.raises(RuntimeError, match=r"written by a newer version of the server \(format 7, this one reads up to 6\)"):
        JobStore(tmp_path)
    with sqlite3.connect(tmp_path / DATABASE) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (migrations.VERSION + 1,)
    db.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / DATABASE) as db:
        db.execute(SECOND_TABLE)
        db.execute("INSERT INTO jobs (job_id, status, record) VALUES ('one', 'queued', '{}')")
        db.execute("PRAGMA user_version=2")
    db.close()
    with pytest.raises(RuntimeError, match="is damaged or cannot be used"):
        JobStore(tmp_path)
    with sqlite3.connect(tmp_path / DATABASE) as db:
        assert db.execute("SELECT job_id, record FROM jobs").fetchall() == [("one", "{}")]
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()


@pytest.mark.parametrize("damage", ["noise", "header", "page", "cut", "emptied"])
async def test_a_damaged_store_is_refused_and_left_alone(tmp_path: Path, damage: str) -> None:
    store = JobStore(tmp_path)
    for number in range(200):
        await store.insert(new_record(f"cad{number}"))
    store.close()
    path = tmp_path / DATABASE
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
    await store.insert(new_record())
    os.link(tmp_path / "jobs.sqlite3-wal", tmp_path / "kept")  # As a kill would leave it.
    store.close()
    (tmp_path / DATABASE).unlink()
    (tmp_path / "kept").rename(tmp_path / "jobs.sqlite3-wal")
    with pytest.raises(RuntimeError, match=r"missing or empty.*move jobs\.sqlite3 and all jobs\.sqlite3-\* files away"):
        JobStore(tmp_path)
    assert not (tmp_path / DATABASE).exists() and (tmp_path / "jobs.sqlite3-wal").stat().st_size > 0
    for path in tmp_path.glob("jobs.sqlite3*"):
        path.unlink()
    anew = JobStore(tmp_path)
    assert await anew.unfinished() == []
    anew.close()


async def test_a_store_that_cannot_be_written_says_so(store: JobStore, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / DATABASE) as other:  # Its lock stands for a disk that refuses.
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ServiceError) as caught:
            await store.insert(new_record())
        assert caught.value.code == "store_unavailable" and "RENDER_DATA_DIR" in caught.value.detail
        other.rollback()
    other.close()
    assert await store.insert(new_record()) is None


async def test_old_jobs_are_forgotten_and_unfinished_ones_are_not(store: JobStore) -> None:
    records = [new_record(name) for name in "abcde"]
    for record in records:
        await store.insert(record)
    for record in records[1:]:
        await store.update(moved(record, "succeeded"))
    _, b, c, d, e = (record.job_id for record in records)
    assert await store.forget(0, keep=10) == []
    assert set(await store.forget(0, keep=2)) == {b, c}
    assert await store.forget(time.time() + 60, keep=100) == []  # A clock that runs ahead costs nobody a job.
    assert set(await store.forget(time.time() + 60, keep=100, at_least=0)) == {d, e}
    assert [record.cad_path for record in await store.unfinished()] == ["a.ply"]


async def test_the_folders_of_all_jobs_are_known(store: JobStore) -> None:
    for name in ("/out/a", "/out/b", "/out/a"):
        await store.insert(new_record(name))
    assert sorted(map(str, await store.templates_dirs())) == ["/out/a/templates", "/out/b/templates"]


def test_a_job_that_cannot_be_taken_up_is_failed() -> None:
    failed = failed_record(moved(new_record(), "running"), ServiceError("server_restarted", "gone"))
    assert failed.status == "failed" and failed.ended_at is not None and failed.error == JobError("server_restarted", "gone")


def test_two_servers_never_share_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_TIME_LIMIT_SEC", 0.1)
    store = JobStore(tmp_path)
    with pytest.raises(RuntimeError, match="RENDER_DATA_DIR"):
        JobStore(tmp_path)
    store.close()
    JobStore(tmp_path).close()


async def test_of_many_jobs_at_once_each_is_on_disk_when_it_is_answered(store: JobStore, tmp_path: Path) -> None:
    """They share transactions; another program, which reads the file as a later server would, finds each."""
    missing: list[str] = []

    async def insert(record: JobRecord) -> None:
        await store.insert(record)
        with sqlite3.connect(tmp_path / DATABASE) as other:
            if not other.execute("SELECT 1 FROM jobs WHERE job_id = ?", (record.job_id,)).fetchone():
                missing.append(record.job_id)
        other.close()

    records = [new_record(f"cad{number}") for number in range(100)]
    await asyncio.gather(*map(insert, records))
    assert missing == []
    assert [record.job_id for record in await store.unfinished()] == [record.job_id for record in records]  # In the order of their coming.


async def test_a_disk_that_fills_up_in_between_refuses_each_change_for_itself(store: JobStore) -> None:
    """Those that fit are stored, those that do not leave nothing behind, and each caller knows which."""
    pages = await store._run(lambda: store._db.execute("PRAGMA page_count").fetchone()[0])
    await store._run(lambda: store._db.execute(f"PRAGMA max_page_count={pages + 3}").fetchone())
    large = {1, 4, 7}
    records = [dataclasses.replace(new_record(), warnings=("x" * 200_000,) if number in large else ()) for number in range(12)]
    outcomes = await asyncio.gather(*map(store.insert, records), return_exceptions=True)
    for number, (record, outcome) in enumerate(zip(records, outcomes, strict=True)):
        if number in large:
            assert isinstance(outcome, ServiceError) and outcome.code == "store_unavailable"
            assert await store.get(record.job_id) is None
        else:
            assert outcome is None and await store.get(record.job_id) == record
