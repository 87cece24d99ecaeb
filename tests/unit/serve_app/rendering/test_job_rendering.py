"""A job's work with renderers that draw a square, and CADs that are only named."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from render_actor.contract.types import Failure, Sink
from serve_app.base.errors import ServiceError
from serve_app.base.metrics import CACHE_COPIED_BYTES, CACHE_LOOKUPS
from serve_app.base.settings import Settings
from serve_app.jobs.job import Job
from serve_app.jobs.record import record_of
from serve_app.rendering.retry_policy import MAX_LOST_RENDERERS
from serve_app.templates.arrivals import Arrivals
from serve_app.templates.layouts.layout import MANIFEST
from serve_app.templates.staging import StagingFolder
from tests.unit.serve_app.rendering.fakes import all_turns, until
from tests.unit.serve_app.rendering.job_server import EVERYTHING, LOST, VIEWS, Server, accepted, files_of, put_back, restarted, started
from tests.unit.serve_app.templates_made import leftover, leftovers_of, template


async def test_what_jobs_find_in_the_cache_is_counted(tmp_path: Path, server: Server) -> None:
    CACHE_LOOKUPS.take(), CACHE_COPIED_BYTES.take()
    first, second = [await accepted(server, tmp_path, name) for name in ("first", "second")]
    await server.do(first)
    assert CACHE_LOOKUPS.take() == {("miss",): 1} and CACHE_COPIED_BYTES.take() == {(): 0}
    await server.do(second)
    templates = [path for path in second.spec.templates_dir.iterdir() if path.name != MANIFEST]
    assert CACHE_LOOKUPS.take() == {("hit",): 1}
    assert CACHE_COPIED_BYTES.take() == {(): sum(path.stat().st_size for path in templates)}


async def test_a_job_of_an_earlier_server_without_a_view_of_its_own_is_copied_from_the_cache(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server]
) -> None:
    first = await accepted(server, tmp_path, "first")
    await server.do(first)
    assert sorted(server.rendered) == list(range(VIEWS)) and not first.progress.cached
    assert dict(first.progress.view_seconds) == dict.fromkeys(range(VIEWS), 0.5)
    waiting = await accepted(server, tmp_path, "second")
    left = leftover(waiting.spec.templates_dir, waiting.job_id, "rgb_0.png")
    os.truncate(left / "rgb_0.png", 20)

    later = restarted(servers, settings)
    again = started(Job(waiting.spec, recovered=True))
    await later.do(again)
    assert again.progress.cached and again.progress.published and later.rendered == []
    assert len(again.progress.view_seconds) == VIEWS
    assert os.listdir(tmp_path / "second") == ["templates"] and files_of(again) == EVERYTHING


async def test_a_job_of_an_earlier_server_goes_on_from_its_views(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server]
) -> None:
    server.stalls_at = 10
    job = await accepted(server, tmp_path, "out")
    task = asyncio.create_task(server.do(job))
    await until(lambda: server.all_taken(job))
    done = set(job.progress.view_seconds)
    job.progress.request_stop("put_back")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    later = restarted(servers, settings)
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert sorted(later.rendered) == sorted(set(range(VIEWS)) - done) and not again.progress.cached
    assert files_of(again) == EVERYTHING and os.listdir(tmp_path / "out") == ["templates"]


async def test_a_view_of_an_earlier_server_whose_files_were_damaged_is_rendered_again(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server]
) -> None:
    server.stalls_at = 10
    job = await accepted(server, tmp_path, "out")
    done = await put_back(server, job)
    (left,) = leftovers_of(job.spec.templates_dir, job.job_id)
    with (left / "mask_3.png").open("ab") as file:
        file.write(b"damaged")

    later = restarted(servers, settings)
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert sorted(later.rendered) == sorted(set(range(VIEWS)) - done | {3}) and files_of(again) == EVERYTHING


async def test_a_job_that_an_earlier_server_has_published_is_not_done_again(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server]
) -> None:
    job = await accepted(server, tmp_path, "out")
    await server.do(job)
    left = leftover(job.spec.templates_dir, job.job_id)
    later = restarted(servers, settings.model_copy(update={"cache_max_bytes": 0}))
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert again.progress.published and later.rendered == [] and not left.exists()
    assert len(again.progress.view_seconds) == VIEWS

    (job.spec.templates_dir / "rgb_5.png").write_bytes(template("rgb", 7))
    once_more = started(Job(job.spec, recovered=True))
    await later.do(once_more)
    assert once_more.progress.published and sorted(later.rendered) == list(range(VIEWS))


@pytest.mark.parametrize("cache_bytes", [0, 10**9])
async def test_identical_jobs_at_the_same_time_are_rendered_once(
    tmp_path: Path, settings: Settings, servers: list[Server], cache_bytes: int
) -> None:
    server = restarted(servers, settings.model_copy(update={"cache_max_bytes": cache_bytes}))
    jobs = [await accepted(server, tmp_path, name) for name in "abc"]
    await asyncio.gather(*(server.do(job) for job in jobs))
    assert sorted(server.rendered) == list(range(VIEWS))
    assert sorted(job.progress.cached for job in jobs) == [False, True, True]
    assert all(job.progress.published and files_of(job) == EVERYTHING for job in jobs)
    contents = [(job.spec.templates_dir / "xyz_7.npy").read_bytes() for job in jobs]
    assert contents[0] == contents[1] == contents[2]


async def test_an_identical_job_of_an_earlier_server_is_copied_over_the_views_that_it_has(
    tmp_path: Path, settings: Settings, servers: list[Server]
) -> None:
    server = restarted(servers, settings.model_copy(update={"cache_max_bytes": 0}))
    leader = await accepted(server, tmp_path, "a")
    follower = started(Job((await accepted(server, tmp_path, "b")).spec, recovered=True))
    leftover(follower.spec.templates_dir, follower.job_id, "rgb_4096.png")
    server.stalls_at = 10
    leading = asyncio.create_task(server.do(leader))
    await until(lambda: len(server.rendered) >= 10)
    following = asyncio.create_task(server.do(follower))
    await until(lambda: bool(server.log.of("waits for a job that renders the same")))
    server.go_on.set()
    await asyncio.gather(leading, following)
    assert follower.progress.cached and files_of(follower) == EVERYTHING and len(server.rendered) == VIEWS


async def test_files_of_every_sink_are_the_same_bytes(tmp_path: Path, settings: Settings, servers: list[Server]) -> None:
    folders = []
    for sink in ("auto", "direct", "object_store"):
        server = restarted(servers, settings.model_copy(update={"sink": sink, "cache_max_bytes": 0}))
        job = await accepted(server, tmp_path, sink)
        await server.do(job)
        assert len(server.fetched) == (VIEWS if sink == "object_store" else 0) and files_of(job) == EVERYTHING
        folders.append({path.name: path.read_bytes() for path in job.spec.templates_dir.iterdir() if path.name != MANIFEST})
        assert os.listdir(tmp_path / sink) == ["templates"]
        files = json.loads((job.spec.templates_dir / MANIFEST).read_text())["views"][7]["files"]
        assert files["xyz_7.npy"]["sha256"] == hashlib.sha256(folders[-1]["xyz_7.npy"]).hexdigest()
    assert folders[0] == folders[1] == folders[2]


async def test_renderers_whose_folder_is_hidden_from_them_send_their_files(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Arrivals, "sink", lambda self, required: Sink(str(tmp_path / "elsewhere"), "0" * 32, "out", required))
    job = await accepted(server, tmp_path, "out")
    await server.do(job)
    assert len(server.fetched) == VIEWS and files_of(job) == EVERYTHING
    assert all("No such file" in event["reason"] for event in server.log.of("the renderer's files came through the object store"))


async def test_where_renderers_must_write_and_cannot_the_job_fails_as_if_the_server_could_not(
    tmp_path: Path, settings: Settings, servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = restarted(servers, settings.model_copy(update={"sink": "direct"}))
    monkeypatch.setattr(Arrivals, "sink", lambda self, required: Sink(str(tmp_path / "elsewhere"), "0" * 32, "my/out", required))
    with pytest.raises(ServiceError) as caught:
        await server.do(await accepted(server, tmp_path, "out"))
    assert (caught.value.code, caught.value.field) == ("output_not_writable", "output_dir") and "'my/out'" in caught.value.detail
    assert not (tmp_path / "out").exists()


async def test_a_canceled_job_leaves_nothing(tmp_path: Path, server: Server) -> None:
    server.stalls_at = 10
    job = await accepted(server, tmp_path, "out")
    task = asyncio.create_task(server.do(job))
    await until(lambda: server.all_taken(job))
    job.progress.request_stop("cancel")
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not job.progress.published and not (tmp_path / "out").exists()


@pytest.mark.parametrize(("sink", "method"), [("object_store", "write"), ("direct", "take_over")])
async def test_a_job_that_is_canceled_again_and_again_while_a_view_is_written_leaves_nothing(
    tmp_path: Path, settings: Settings, servers: list[Server], monkeypatch: pytest.MonkeyPatch, sink: str, method: str
) -> None:
    server = restarted(servers, settings.model_copy(update={"sink": sink}))
    begun, go_on = threading.Event(), threading.Event()
    real = getattr(StagingFolder, method)

    def slow(self: StagingFolder, *args: Any) -> None:
        begun.set()
        go_on.wait(10)
        real(self, *args)

    monkeypatch.setattr(StagingFolder, method, slow)
    job = await accepted(server, tmp_path, "out")
    task = asyncio.create_task(server.do(job))
    await asyncio.to_thread(begun.wait, 10)
    job.progress.request_stop("cancel")
    for _ in range(3):
        task.cancel()
        await all_turns()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.get_running_loop().shutdown_default_executor()  # A write that nobody waited for has ended, too.
    assert not (tmp_path / "out").exists()


async def test_a_job_that_is_canceled_while_it_is_published_is_published(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real = StagingFolder.publish

    def slow(self: StagingFolder, files: dict[str, int], **more: bool) -> list[str]:
        begun.set()
        go_on.wait(10)
        return real(self, files, **more)

    monkeypatch.setattr(StagingFolder, "publish", slow)
    job = await accepted(server, tmp_path, "out")
    task = asyncio.create_task(server.do(job))
    assert await asyncio.to_thread(begun.wait, 60)
    task.cancel()
    await all_turns()
    go_on.set()
    await task
    assert job.progress.published and files_of(job) == EVERYTHING


async def test_a_lost_renderer_is_told_in_the_log_and_costs_no_view(tmp_path: Path, server: Server) -> None:
    server.fails = {3: [LOST]}
    job = await accepted(server, tmp_path, "out")
    await server.do(job)
    (again,) = server.log.of("views are rendered again")
    assert sorted(server.rendered) == sorted([*range(VIEWS), *again["views"]]) and files_of(job) == EVERYTHING
    assert 3 in again["views"] and again["code"] == "renderer_lost" and again["cause"] == "said by Ray"
    assert server.log.of("Blender printed") == [{"renderer": "r0", "text": "Blender's words"}]
    assert sorted(fields["view"] for fields in server.log.of("view rendered")) == list(range(VIEWS))


async def test_a_cad_that_renderers_are_lost_on_is_refused_from_then_on(tmp_path: Path, server: Server) -> None:
    server.fails = {3: [LOST] * MAX_LOST_RENDERERS}
    with pytest.raises(ServiceError) as caught:
        await server.do(await accepted(server, tmp_path, "out"))
    assert caught.value.code == "renderer_lost" and not (tmp_path / "out").exists()
    assert len(server.log.of("views failed")) == 1
    with pytest.raises(ServiceError) as refused:
        await server.do(await accepted(server, tmp_path, "other"))
    assert refused.value.code == "cad_quarantined" and "job out lost" in refused.value.detail


async def test_a_cad_whose_views_cannot_be_rendered_is_not_refused(tmp_path: Path, server: Server) -> None:
    server.fails = {3: [Failure("view_blank", "view 3 is empty", "recenter")]}
    with pytest.raises(ServiceError) as caught:
        await server.do(await accepted(server, tmp_path, "out"))
    assert (caught.value.code, caught.value.field) == ("view_blank", "recenter") and not (tmp_path / "out").exists()
    assert server.quarantine.empty


async def test_files_that_are_no_template_fail_the_job_and_nothing_is_left(tmp_path: Path, server: Server) -> None:
    server.spoiled = {5}
    with pytest.raises(ServiceError) as caught:
        await server.do(await accepted(server, tmp_path, "out"))
    assert caught.value.code == "render_failed" and not (tmp_path / "out").exists()


async def test_views_that_cannot_be_stored_cost_no_job(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any) -> None:
        raise ServiceError("store_unavailable", "the disk is full")

    monkeypatch.setattr(server.store, "add_views", refuse)
    job = await accepted(server, tmp_path, "out")
    await server.do(job)
    assert job.progress.published and files_of(job) == EVERYTHING
    assert server.log.of("views could not be stored")


async def test_a_job_says_that_it_waits_for_a_renderer_until_its_first_view_is_there(tmp_path: Path, server: Server) -> None:
    server.renderer_ready, server.stalls_at = False, 0
    job = await accepted(server, tmp_path, "out")
    task = asyncio.create_task(server.do(job))
    await until(lambda: record_of(job).waiting_for == "a renderer to start")
    assert server.log.of("waits for a renderer to start") == [{}]
    server.stalls_at = 1
    server.go_on.set()
    await until(lambda: bool(job.progress.view_seconds))
    assert record_of(job).waiting_for is None
    await task


async def test_one_that_is_stopped_waits_for_nothing(tmp_path: Path, server: Server) -> None:
    server.renderer_ready, server.stalls_at = False, 0
    job = await accepted(server, tmp_path, "out")
    task = asyncio.create_task(server.do(job))
    await until(lambda: record_of(job).waiting_for is not None)
    task.cancel()
    await asyncio.wait({task})
    job.progress.cancel(ServiceError("canceled", "by its client"))
    assert record_of(job).waiting_for is None
