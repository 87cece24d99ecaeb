"""What renderers say of their sampling, from a batch to the manifest and the job's warnings."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from render_actor.contract.view_quality import ViewQuality
from serve_app.base.settings import Settings
from serve_app.jobs.database import DATABASE
from serve_app.jobs.job import Job
from serve_app.jobs.record import record_of
from tests.unit.serve_app.rendering.fakes import until
from tests.unit.serve_app.rendering.job_server import USUAL, VIEWS, Server, accepted, restarted, started

NOISY = ViewQuality(256, 1.4142, 1.25)
TOLD = "view 3: the error bound of standard (1.25 of 255) was not reached with 256 samples a pixel, its cap or where more bring little"


def manifest(job: Job) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((job.spec.templates_dir / "manifest.json").read_text())
    return content


def qualities(job: Job) -> list[tuple[Any, ...]]:
    return [tuple(view[name] for name in ("index", "samples", "estimated_error", "error_bound")) for view in manifest(job)["views"]]


EXPECTED = [(view, 256, 1.414, 1.25) if view == 3 else (view, USUAL.samples, USUAL.estimated_error, 1.25) for view in range(VIEWS)]


def check(job: Job) -> None:
    """The manifest, the job and its record say the same of each view."""
    assert qualities(job) == EXPECTED
    assert len(job.progress.warnings) == 1 and job.progress.warnings[0].startswith(TOLD)
    assert manifest(job)["warnings"] == job.progress.warnings == list(record_of(job).warnings)


async def put_back(server: Server, job: Job) -> set[int]:
    """Stop a job after some views, as a server does that stops; returns which are done."""
    server.stalls_at = 10
    task = asyncio.create_task(server.do(job))
    await until(lambda: server.all_taken(job))
    done = set(job.progress.view_seconds)
    job.progress.request_stop("put_back")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return done


async def test_the_manifest_and_the_warnings_tell_what_the_renderer_measured(tmp_path: Path, server: Server) -> None:
    server.qualities = {3: NOISY}
    job = await accepted(server, tmp_path, "out")
    await server.do(job)
    check(job)
    assert manifest(job)["sampling"]["max_samples"] == 256
    (told,) = [fields for fields in server.log.of("view rendered") if fields["view"] == 3]
    assert (told["samples"], told["estimated_error"], told["error_bound"]) == (256, 1.414, 1.25)
    assert [fields["text"] for fields in server.log.of("warning")] == job.progress.warnings


async def test_exact_samples_promise_nothing(tmp_path: Path, server: Server) -> None:
    server.qualities = dict.fromkeys(range(VIEWS), ViewQuality(4))
    job = await accepted(server, tmp_path, "out")
    await server.do(job)
    assert qualities(job) == [(view, 4, None, None) for view in range(VIEWS)] and job.progress.warnings == []


async def test_templates_from_the_cache_say_the_same(tmp_path: Path, settings: Settings, server: Server, servers: list[Server]) -> None:
    server.qualities = {3: NOISY}
    await server.do(await accepted(server, tmp_path, "first"))
    later = restarted(servers, settings)
    job = await accepted(later, tmp_path, "second")
    await later.do(job)
    assert job.progress.cached and later.rendered == []
    check(job)


async def test_identical_jobs_at_the_same_time_say_the_same(tmp_path: Path, settings: Settings, servers: list[Server]) -> None:
    server = restarted(servers, settings.model_copy(update={"cache_max_bytes": 0}))
    server.qualities = {3: NOISY}
    jobs = [await accepted(server, tmp_path, name) for name in "abc"]
    await asyncio.gather(*(server.do(job) for job in jobs))
    assert sorted(job.progress.cached for job in jobs) == [False, True, True]
    for job in jobs:
        check(job)


async def test_a_restart_in_the_middle_of_a_job_changes_nothing(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server]
) -> None:
    server.qualities = {3: NOISY}
    job = await accepted(server, tmp_path, "out")
    done = await put_back(server, job)
    assert 3 in done
    later = restarted(servers, settings)
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert sorted(later.rendered) == sorted(set(range(VIEWS)) - done)
    check(again)


async def test_a_restart_just_after_the_folder_was_published_changes_nothing(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server]
) -> None:
    server.qualities = {3: NOISY}
    job = await accepted(server, tmp_path, "out")
    await server.do(job)
    later = restarted(servers, settings)
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert later.rendered == []
    check(again)


def without_quality(view: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in view.items() if name not in ("samples", "estimated_error", "error_bound")}


async def test_views_of_a_server_that_did_not_tell_are_rendered_anew(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server]
) -> None:
    job = await accepted(server, tmp_path, "out")
    done = await put_back(server, job)
    server.store.close()
    with sqlite3.connect(settings.data_dir / DATABASE) as db:
        for view, text in db.execute("SELECT view, rendered FROM views").fetchall():
            stored = json.loads(text)
            stored["entry"] = without_quality(stored["entry"])
            if view != 5:
                db.execute("UPDATE views SET rendered = ? WHERE view = ?", (json.dumps(stored), view))
    db.close()
    assert 5 in done
    servers[-1] = later = Server(settings)
    later.qualities = {3: NOISY}
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert sorted(later.rendered) == [view for view in range(VIEWS) if view != 5]
    check(again)


@pytest.mark.parametrize(("change", "kept"), [(without_quality, True), (lambda view: view | {"samples": "many"}, False)])
async def test_of_a_folder_that_a_server_published_which_did_not_tell_nothing_is_said(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server], change: Any, kept: bool
) -> None:
    server.qualities = {3: NOISY}
    job = await accepted(server, tmp_path, "out")
    await server.do(job)
    path = job.spec.templates_dir / "manifest.json"
    content = manifest(job)
    path.write_text(json.dumps(content | {"views": [change(view) for view in content["views"]]}))
    later = restarted(servers, settings.model_copy(update={"cache_max_bytes": 0}))
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert again.progress.published and (later.rendered == []) == kept and again.progress.warnings == []


async def test_another_cap_is_another_rendering(tmp_path: Path, settings: Settings, server: Server, servers: list[Server]) -> None:
    await server.do(await accepted(server, tmp_path, "first"))
    later = restarted(servers, settings.model_copy(update={"max_samples": 512}))
    job = await accepted(later, tmp_path, "second")
    await later.do(job)
    assert not job.progress.cached and manifest(job)["sampling"]["max_samples"] == 512
