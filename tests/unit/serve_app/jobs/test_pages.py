"""Pages of the list of jobs."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs.database import DATABASE
from serve_app.jobs.pages import LISTED, JobQuery, select_page
from serve_app.jobs.record import JobRecord, record_of
from serve_app.jobs.states import JobState
from serve_app.jobs.store import JobStore
from tests.unit.serve_app.made import make_job


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path)
    yield store
    store.close()


async def add(store: JobStore, job_id: str, cad: str, output: str = "/out/a", status: JobState = "queued") -> JobRecord:
    record = dataclasses.replace(record_of(make_job(output, cad, job_id=job_id)), status=status)
    assert await store.insert(record) is None
    return record


async def ids(store: JobStore, **query: object) -> list[str]:
    return [record.job_id for record in (await store.page(JobQuery(**query))).records]  # type: ignore[arg-type]


async def test_newest_first_filtered_and_counted(store: JobStore) -> None:
    states: list[JobState] = ["queued", "running", "failed", "queued"]
    for name, state in zip("abcd", states, strict=True):
        await add(store, name, f"/in/{name}.ply", status=state)
    page = await store.page(JobQuery(limit=3))
    assert [record.job_id for record in page.records] == ["d", "c", "b"] and (page.total, page.next) == (4, "b")
    assert await ids(store, statuses=("running",)) == ["b"]
    page = await store.page(JobQuery(statuses=("queued", "failed", "queued"), limit=2))
    assert [record.job_id for record in page.records] == ["d", "c"] and (page.total, page.next) == (3, "c")


async def test_pages_follow_each_other_while_jobs_come_in(store: JobStore) -> None:
    for number in range(7):
        await add(store, f"j{number}", "/in/a.ply")
    seen, before = list[str](), None
    while True:
        page = await store.page(JobQuery(before=before, limit=3))
        seen += [record.job_id for record in page.records]
        await add(store, f"late{len(seen)}", "/in/a.ply")
        if page.next is None:
            break
        before = page.next
    assert seen == [f"j{number}" for number in range(6, -1, -1)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("flange", ["b", "a"]),
        ("FLANGE", ["b", "a"]),
        ("/out/left", ["b"]),
        ("c", ["c"]),
        ("100%", ["d"]),
        ("a_b", ["d"]),
        ("\\", []),
        ("'", []),
    ],
)
async def test_text_is_looked_for_in_id_and_paths_as_it_stands(store: JobStore, text: str, found: list[str]) -> None:
    await add(store, "a", "/in/flange.stl", "/out/right")
    await add(store, "b", "/in/Flange.stl", "/out/left")
    await add(store, "c", "/in/gear.stl", "/out/right")
    await add(store, "d", "/in/100%.stl", "/out/a_b")
    assert await ids(store, text=text) == found


async def test_a_job_that_is_not_there_has_no_older_ones(store: JobStore) -> None:
    with pytest.raises(ServiceError, match="leave `before` out") as caught:
        await store.page(JobQuery(before="nobody"))
    assert (caught.value.code, caught.value.field) == ("job_not_found", "before")


@pytest.mark.parametrize("query", [JobQuery(), JobQuery(text="x"), JobQuery(statuses=("failed",), text="x", before="a")])
async def test_whatever_is_asked_reads_the_long_rows_of_the_page_alone(store: JobStore, tmp_path: Path, query: JobQuery) -> None:
    await add(store, "a", "/in/a.ply")
    with sqlite3.connect(tmp_path / DATABASE) as db:
        asked: list[str] = []
        db.set_trace_callback(asked.append)
        select_page(db, query)
        db.set_trace_callback(None)
        plans = [" ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")) for sql in asked]
    db.close()
    assert any(LISTED in plan for plan in plans)
    assert not [plan for plan in plans if "SCAN jobs" in plan.replace("SCAN jobs USING COVERING INDEX", "")]
