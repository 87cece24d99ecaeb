from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from serve_app.base import metrics
from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.jobs.record import JobError, JobRecord, record_of
from serve_app.jobs.states import JobState
from serve_app.jobs.store import JobStore
from serve_app.jobs.webhook_rows import due_webhooks
from serve_app.service.webhooks import deliveries
from serve_app.service.webhooks.deliveries import Webhooks
from tests.unit.serve_app.made import make_job
from tests.unit.serve_app.service.webhooks.receiver import OK, Receiver, answer

SECRET = "a secret of sixteen bytes, and more"


@pytest.fixture
def store(settings: Settings) -> JobStore:
    return JobStore(settings.data_dir)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "PAUSES_SEC", (0.05, 0.1))
    monkeypatch.setattr(deliveries, "ATTEMPT_SEC", 0.05)
    monkeypatch.setattr(deliveries, "_LOOK_SEC", 0.05)


def webhooks_of(settings: Settings, store: JobStore, **changes: Any) -> Webhooks:
    given = {"webhook_hosts": ["127.0.0.1"], "webhook_secret": SECRET, **changes}
    return Webhooks(Settings(**settings.model_dump(exclude=set(given)), **given), store)


@asynccontextmanager
async def running(webhooks: Webhooks) -> AsyncIterator[None]:
    task = asyncio.create_task(webhooks.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.05)


async def accept(store: JobStore, url: str | None, job_id: str = "a") -> JobRecord:
    record = record_of(make_job(f"/out/{job_id}", job_id=job_id))
    assert await store.insert(record, None, url) is None
    return record


async def end(store: JobStore, record: JobRecord, status: JobState = "succeeded", ended_at: float | None = None) -> None:
    error = None if status == "succeeded" else JobError("cad_invalid", "no faces")
    await store.update(dataclasses.replace(record, status=status, ended_at=ended_at or time.time(), error=error))


async def left(store: JobStore) -> int:
    return len(await store.look(lambda db: db.execute("SELECT job_id FROM webhooks").fetchall()))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def until_sent(store: JobStore) -> None:
    async with asyncio.timeout(20):
        while await left(store):
            await asyncio.sleep(0.01)


async def test_an_end_is_told_once_and_not_before(settings: Settings, store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "_LOOK_SEC", 60.0)
    webhooks = webhooks_of(settings, store)
    async with Receiver().listening() as receiver, running(webhooks):
        quiet, record = await accept(store, None, "quiet"), await accept(store, receiver.url)
        await asyncio.sleep(0.1)
        assert not receiver.requests
        await end(store, quiet)
        await end(store, record, "failed")
        await end(store, record, "failed")  # Stored again, as after an error of the disk.
        webhooks.wake()
        await until_sent(store)
        await asyncio.sleep(0.2)
    ((_, headers, body),) = receiver.requests
    told = json.loads(body)
    assert told["type"] == "job.finished" and told["data"]["job_id"] == "a" and told["data"]["status"] == "failed"
    assert told["data"]["error"] == {"detail": "no faces", "code": "cad_invalid", "field": None}
    assert headers["webhook-id"].startswith("a-") and abs(int(headers["webhook-timestamp"]) - time.time()) < 30
    assert headers["webhook-signature"].startswith("v1,")
    log = (settings.log_dir / "a.log").read_text()
    assert "webhook delivered" in log and "/hook" not in log  # The path may hold a secret.


async def test_it_is_sent_again_until_it_is_taken_with_the_same_id(settings: Settings, store: JobStore) -> None:
    metrics.WEBHOOKS.take()
    async with Receiver([answer("500 No"), answer("404 No"), OK]).listening() as receiver, running(webhooks_of(settings, store)):
        await end(store, await accept(store, receiver.url))
        await until_sent(store)
    assert len(receiver.requests) == 3 and len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 1
    log = (settings.log_dir / "a.log").read_text()
    assert log.count("webhook not taken") == 2 and "answered with 404" in log and "attempt=3" in log
    assert metrics.WEBHOOKS.take() == {("delivered",): 1, ("failed",): 2}


async def test_what_one_server_could_not_send_the_next_one_does(settings: Settings, store: JobStore) -> None:
    receiver = Receiver([answer("500 No")])
    async with receiver.listening(), running(webhooks_of(settings, store)):
        await end(store, await accept(store, receiver.url))
        await until(lambda: len(receiver.requests) > 0)
    store.close()
    again = JobStore(settings.data_dir)
    receiver.answers, heard = [OK], len(receiver.requests)
    async with receiver.listening(), running(webhooks_of(settings, again)):
        await until_sent(again)
    assert len(receiver.requests) == heard + 1
    again.close()


async def test_an_attempt_that_the_server_did_not_survive_is_made_again(settings: Settings, store: JobStore) -> None:
    receiver = Receiver([None])
    async with receiver.listening(), running(webhooks_of(settings, store)):
        await end(store, await accept(store, receiver.url))
        await until(lambda: len(receiver.requests) > 0)
    assert await left(store) == 1
    receiver.answers = [OK]
    async with receiver.listening(), running(webhooks_of(settings, store)):
        await until_sent(store)


async def test_it_is_given_up_when_its_time_is_over_or_the_receiver_is_gone(settings: Settings, store: JobStore) -> None:
    async with Receiver([answer("500 No")]).listening() as receiver, running(webhooks_of(settings, store, webhook_retry_sec=10)):
        await end(store, await accept(store, receiver.url), ended_at=time.time() - 11)
        await until_sent(store)
        assert len(receiver.requests) == 1 and "webhook given up" in (settings.log_dir / "a.log").read_text()
    async with Receiver([answer("410 Gone")]).listening() as receiver, running(webhooks_of(settings, store)):
        metrics.WEBHOOKS.take()
        await end(store, await accept(store, receiver.url, "b"))
        await until_sent(store)
        assert len(receiver.requests) == 1 and metrics.WEBHOOKS.take() == {("given_up",): 1}


async def test_a_receiver_that_is_silent_holds_up_no_other(settings: Settings, store: JobStore) -> None:
    silent, quick = Receiver([None]), Receiver()
    async with silent.listening(), quick.listening(), running(webhooks_of(settings, store)):
        for number in range(50):
            await end(store, await accept(store, silent.url, f"silent-{number}"))
        for number in range(5):
            await end(store, await accept(store, quick.url, f"quick-{number}"))
        await until(lambda: len(quick.requests) == 5)
        assert len(silent.requests) <= 2 * deliveries.AT_ONCE_A_HOST


async def test_a_host_that_is_listed_no_more_is_not_called(settings: Settings, store: JobStore) -> None:
    async with Receiver().listening() as receiver, running(webhooks_of(settings, store, webhook_hosts=["10.0.0.1"])):
        await end(store, await accept(store, receiver.url))
        await until(lambda: "not in RENDER_WEBHOOK_HOSTS" in _text(settings.log_dir / "a.log"))
    assert not receiver.requests


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def test_a_webhook_of_a_job_that_is_forgotten_goes(settings: Settings, store: JobStore) -> None:
    record = await accept(store, "http://127.0.0.1:9/")
    await end(store, record)
    assert await store.forget(time.time() + 1, 0, 0) == ["a"]
    async with running(webhooks_of(settings, store)):
        await until_sent(store)


async def test_none_is_due_twice_and_none_of_a_busy_host(settings: Settings, store: JobStore) -> None:
    for name in ("a", "b"):
        await end(store, await accept(store, f"http://{name}.example/", name), ended_at=100.0)
    due = await store.look(lambda db: due_webhooks(db, time.time(), 10, ["a.example"]))
    assert [(webhook.job_id, webhook.host, webhook.ended_at, webhook.attempts) for webhook in due] == [("b", "b.example", 100.0, 0)]
    assert len(await store.look(lambda db: due_webhooks(db, time.time(), 1, []))) == 1
    assert await store.look(lambda db: due_webhooks(db, 99.0, 10, [])) == []


def test_which_callbacks_are_accepted(settings: Settings, store: JobStore) -> None:
    webhooks = webhooks_of(settings, store, webhook_hosts=["hooks.example.com"])
    webhooks.check(None)
    webhooks.check("https://Hooks.Example.com/x")
    for refusing, told in ((webhooks, "has other hosts"), (Webhooks(settings, store), "is not set")):
        with pytest.raises(ServiceError, match=f"'127.0.0.1:8000', and RENDER_WEBHOOK_HOSTS {told}") as refused:
            refusing.check("http://127.0.0.1:8000/x?token=secret")
        assert (refused.value.code, refused.value.field) == ("callback_refused", "callback_url") and "secret" not in str(refused.value)
