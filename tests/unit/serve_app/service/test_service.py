"""The service without HTTP, renderers and Ray: ids and keys of the client's own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from render_actor.contract.types import BatchResult, RendererStatus, ViewBatch
from render_actor.contract.view_files import PackedView, RenderedView
from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.jobs.job import Job
from serve_app.jobs.pages import JobQuery
from serve_app.jobs.record import JobRecord
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.store import JobStore
from serve_app.rendering.renderers import Told
from serve_app.service.service import RenderService
from tests.unit.serve_app.rendering.fakes import until


class NoRenderers:
    """Renderers that are never there."""

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult:
        raise ConnectionError

    async def fetch(self, view: RenderedView) -> PackedView:
        raise NotImplementedError

    async def statuses(self) -> list[RendererStatus]:
        return []

    async def wait_idle(self) -> None:
        return


@pytest.fixture
async def service(settings: Settings, tmp_path: Path) -> AsyncIterator[RenderService]:
    (tmp_path / "cad.ply").write_bytes(b"ply")
    service = RenderService(settings.model_copy(update={"min_free_bytes": 0}), NoRenderers(), 2)
    yield service
    await service.drain()
    service.close()


def request(folder: Path, **options: Any) -> RenderRequest:
    return RenderRequest(**{"cad_path": str(folder / "cad.ply"), "output_dir": str(folder / "out"), **options})


@pytest.mark.parametrize("refused", [False, True])
async def test_of_two_puts_at_once_none_is_answered_before_the_job_is_on_disk(
    service: RenderService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    begun, written, insert, inserts = asyncio.Event(), asyncio.Event(), JobStore.insert, 0

    async def slow(store: JobStore, record: JobRecord, *more: str | None) -> JobRecord | None:
        nonlocal inserts
        inserts += 1
        begun.set()
        await written.wait()
        if refused and inserts == 1:
            raise ServiceError("store_unavailable", "the disk is full")
        return await insert(store, record, *more)

    monkeypatch.setattr(JobStore, "insert", slow)
    puts = [asyncio.create_task(service.accept(request(tmp_path), job_id="mine")) for _ in range(2)]
    await asyncio.wait_for(begun.wait(), 10)
    done, _ = await asyncio.wait(puts, timeout=0.2)
    assert not done
    with pytest.raises(ServiceError, match="job not found"):
        await service.job_record("mine")
    written.set()
    answers = await asyncio.gather(*puts, return_exceptions=True)
    jobs = [answer for answer in answers if isinstance(answer, Job)]
    assert {job.job_id for job in jobs} == {"mine"} and len(jobs) == (1 if refused else 2)
    assert inserts == (2 if refused else 1) and (await service.job_record("mine")).job_id == "mine"


async def test_a_key_is_one_job_and_another_request_under_it_is_a_conflict(service: RenderService, tmp_path: Path) -> None:
    first = await service.accept(request(tmp_path), request_key="key")
    again = await service.accept(request(tmp_path), request_key="key")
    assert isinstance(first, Job) and first.job_id == again.job_id
    given = first.spec.request.model_dump_json(include={"cad_path", "output_dir", "priority"})
    assert first.spec.request_hash == hashlib.sha256(given.encode()).hexdigest()  # Options that later servers have do not count.
    with pytest.raises(ServiceError) as caught:
        await service.accept(request(tmp_path, samples=3), request_key="key")
    assert caught.value.code == "idempotency_conflict" and first.job_id in caught.value.detail
    canceled = await service.cancel(first.job_id)
    later = await service.accept(request(tmp_path), request_key="key")
    assert isinstance(later, JobRecord) and later == canceled
    assert await service.cancel(first.job_id) == canceled  # It can be repeated.


async def test_jobs_are_listed_with_what_is_known_of_them_now(service: RenderService, tmp_path: Path) -> None:
    ids = [(await service.accept(request(tmp_path).model_copy(update={"output_dir": str(tmp_path / n)}))).job_id for n in "abc"]
    page = await service.job_list(JobQuery(limit=2))
    assert [record.job_id for record in page.records] == ids[:0:-1] and page.total == 3


async def test_a_job_that_nobody_knows_is_said_to_be_so(service: RenderService) -> None:
    for ask in (service.job_record, service.cancel, service.job_log):
        with pytest.raises(ServiceError) as caught:
            await ask("unknown")
        assert (caught.value.code, caught.value.detail) == ("job_not_found", "job not found")


@pytest.fixture
async def full(service: RenderService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RenderService:
    """A service whose queue one job fills, which has the id `mine`; the job of the key `ended` has ended."""
    ended = await service.accept(request(tmp_path, output_dir=str(tmp_path / "ended")), request_key="ended")
    await service.cancel(ended.job_id)
    service._runner.pause_starts()
    monkeypatch.setattr(service._runner, "_settings", service._settings.model_copy(update={"max_queued_jobs": 1}))
    await service.accept(request(tmp_path), job_id="mine")
    return service


@pytest.mark.parametrize("draining", [False, True])
async def test_a_refusal_at_the_door_looks_at_no_disk(
    full: RenderService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, draining: bool
) -> None:
    """A path that is not there, outside the roots even, is not found so."""
    if draining:
        monkeypatch.setattr(full._runner, "_draining", True)

    async def asked(*words: object) -> None:
        raise AssertionError("the store was asked")

    monkeypatch.setattr(full._store, "get", asked)
    monkeypatch.setattr(full._store, "by_key", asked)
    for nowhere in ("/not/there.ply", str(tmp_path / "not there.ply")):
        with pytest.raises(ServiceError) as caught:
            await full.accept(request(tmp_path, cad_path=nowhere))
        assert caught.value.code == ("draining" if draining else "queue_full") and caught.value.retry_after_sec


@pytest.mark.parametrize("draining", [False, True])
async def test_a_repetition_is_answered_however_full_the_queue_is(
    full: RenderService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, draining: bool
) -> None:
    if draining:
        monkeypatch.setattr(full._runner, "_draining", True)
    assert isinstance(await full.accept(request(tmp_path), job_id="mine"), Job)
    ended = await full.accept(request(tmp_path, output_dir=str(tmp_path / "ended")), request_key="ended")
    assert isinstance(ended, JobRecord) and ended.status == "canceled"
    again = await full.accept(request(tmp_path, output_dir=str(tmp_path / "ended")), job_id=ended.job_id)
    assert again == ended
    with pytest.raises(ServiceError, match="another request"):
        await full.accept(request(tmp_path, samples=3), job_id="mine")
    for keys in ({"job_id": "new"}, {"request_key": "new"}):
        with pytest.raises(ServiceError) as caught:
            await full.accept(request(tmp_path, cad_path="/not/there.ply"), **keys)
        assert caught.value.code == ("draining" if draining else "queue_full")


async def test_a_key_of_a_live_job_is_found_without_the_store(
    service: RenderService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service._runner.pause_starts()
    first = await service.accept(request(tmp_path), request_key="key")

    async def asked(request_key: str) -> None:
        raise AssertionError("the store was asked")

    monkeypatch.setattr(service._store, "by_key", asked)
    assert await service.accept(request(tmp_path), request_key="key") is first


async def test_of_many_requests_at_once_no_more_are_accepted_than_the_queue_holds(
    service: RenderService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service._runner.pause_starts()
    monkeypatch.setattr(service._runner, "_settings", service._settings.model_copy(update={"max_queued_jobs": 5}))
    asked = (service.accept(request(tmp_path, output_dir=str(tmp_path / str(number)))) for number in range(40))
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, ServiceError)]
    assert len(outcomes) - len(refused) == 5 and {error.code for error in refused} == {"queue_full"}
    assert (await service.state()).jobs_queued == 5


@pytest.mark.parametrize(("min_renderers", "code"), [(1, "not_ready"), (0, None)])
async def test_a_server_is_ready_when_a_renderer_is_or_none_is_kept_warm(settings: Settings, min_renderers: int, code: str | None) -> None:
    service = RenderService(settings, NoRenderers(), 2, min_renderers)
    assert refusal_of_readiness(service) == code
    await service.drain()
    assert refusal_of_readiness(service) == "draining"
    service.close()


def refusal_of_readiness(service: RenderService) -> str | None:
    try:
        service.check_ready()
    except ServiceError as error:
        assert error.retry_after_sec
        return error.code
    return None


async def test_a_server_becomes_ready_when_its_renderer_does(settings: Settings) -> None:
    class OneRenderer(NoRenderers):
        async def statuses(self) -> list[RendererStatus]:
            return [RendererStatus("r0", "ready", "node", None, None, None, 0)]

    service = RenderService(settings, OneRenderer(), 2)
    assert refusal_of_readiness(service) == "not_ready"
    await service.start()
    await until(lambda: refusal_of_readiness(service) is None)
    await service.drain()
    service.close()


async def test_a_jobs_log_names_the_request_that_made_it(service: RenderService, settings: Settings, tmp_path: Path) -> None:
    job = await service.accept(request(tmp_path), request_key="key", request_id="first")
    await service.accept(request(tmp_path), request_key="key", request_id="again")
    await service.cancel(job.job_id)
    lines = (await service.job_log(job.job_id)).splitlines()
    assert lines and all(f"job_id={job.job_id} request_id=first" in line for line in lines)
