"""Sends webhooks when they are due, and again until they are taken; what waits is in the job store, for the next server too."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from functools import partial
from pathlib import Path

from serve_app.base import metrics
from serve_app.base.aio import spawn
from serve_app.base.errors import ServiceError
from serve_app.base.host_list import HostList
from serve_app.base.logs import JobLog, log_path_of, server_event
from serve_app.base.settings import Settings
from serve_app.jobs.callback import target_of
from serve_app.jobs.record import JobRecord
from serve_app.jobs.store import JobStore
from serve_app.jobs.webhook_rows import Webhook, count_waiting, due_webhooks, next_due, put_off, remove_webhook
from serve_app.service.webhooks.payload import payload_of
from serve_app.service.webhooks.sender import ATTEMPT_SEC, NotSentError, Sender
from serve_app.service.webhooks.signature import signed_headers, webhook_secret

PAUSES_SEC = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
"""Between two attempts, up to a quarter more each; the last one is repeated."""

AT_ONCE, AT_ONCE_A_HOST = 16, 4
_LOOK_SEC = 60.0


class Webhooks:
    """All webhooks of a server.

    Args:
        settings: hosts, secret, and for how long a webhook is tried.
        store: keeps them.

    Raises:
        UnusableKeyError: see ``webhook_secret``.
    """

    def __init__(self, settings: Settings, store: JobStore) -> None:
        self._store, self._retry_sec, self._log_dir = store, settings.webhook_retry_sec, settings.log_dir
        self._hosts, self._secret = HostList(settings.webhook_hosts), webhook_secret(settings)
        self._sender: Sender | None = None
        self._busy: Counter[str] = Counter()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._news = asyncio.Event()

    def check(self, url: str | None) -> None:
        """Refuse a ``callback_url`` whose host is not listed; its address is looked at when it is called.

        Raises:
            ServiceError: ``callback_refused``.
        """
        if url is None:
            return
        target = target_of(url)
        if not self._hosts.has(target.host, target.port):
            listed = "has other hosts" if self._hosts else "is not set, so there are no webhooks"
            raise ServiceError(
                "callback_refused",
                f"callback_url names {target.authority!r}, and RENDER_WEBHOOK_HOSTS {listed}; ask the operator to add the host, or follow "
                "the job by GET /api/v1/jobs/{job_id}/events",
                "callback_url",
            )

    def wake(self) -> None:
        """A job has ended."""
        self._news.set()

    async def run(self) -> None:
        """Send what is due, for as long as the server runs."""
        try:
            while True:
                self._news.clear()
                pause_sec = await self._send_due()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_sec):
                        await self._news.wait()
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def _send_due(self) -> float:
        """Begin what is due; returns seconds after which there is more, if nothing ends before."""
        now = time.time()
        busy = [host for host, count in self._busy.items() if count >= AT_ONCE_A_HOST]
        try:
            under_way = set(self._tasks)
            due = await self._store.look(lambda db: due_webhooks(db, now, AT_ONCE, busy))
            if due and self._sender is None:
                self._sender = await asyncio.to_thread(Sender, self._hosts)  # It reads all certificates.
            for webhook in due:
                if webhook.job_id in under_way:  # It takes longer than it may, or the clock was set.
                    continue
                if len(self._tasks) >= AT_ONCE or self._busy[webhook.host] >= AT_ONCE_A_HOST:
                    continue  # Whichever ends has them looked at again.
                # Put off before it is sent: a server that is killed meanwhile leaves it to the next one.
                await self._put_off(webhook, ATTEMPT_SEC)
                self._busy[webhook.host] += 1
                self._tasks[webhook.job_id] = task = spawn(self._send(webhook))
                task.add_done_callback(partial(self._ended, webhook))
            following, waiting = await self._store.look(lambda db: (next_due(db, now), count_waiting(db)))
            metrics.WEBHOOKS_WAITING.set(waiting)
        except ServiceError as error:
            server_event("warning", "webhooks wait for the job store", cause=error.detail)
            return _LOOK_SEC / 6
        return _LOOK_SEC if following is None else min(_LOOK_SEC, max(0.1, following - time.time()))

    def _ended(self, webhook: Webhook, task: asyncio.Task[None]) -> None:
        host = webhook.host
        del self._tasks[webhook.job_id]
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]
        if not task.cancelled() and (error := task.exception()) is not None:
            server_event("warning", "a webhook's attempt could not be brought to its end; it is sent again", host=host, cause=repr(error))
        self._news.set()

    async def _put_off(self, webhook: Webhook, longer_sec: float = 0.0) -> None:
        pause_sec = PAUSES_SEC[min(webhook.attempts, len(PAUSES_SEC) - 1)] * random.uniform(1, 1.25)
        due_at = time.time() + longer_sec + pause_sec
        await self._store.change(lambda db: put_off(db, webhook.job_id, webhook.attempts + 1, due_at))

    async def _send(self, webhook: Webhook) -> None:
        record = await self._store.get(webhook.job_id)
        if record is None:  # Forgotten meanwhile.
            await self._store.change(lambda db: remove_webhook(db, webhook.job_id))
            return
        told = {"host": webhook.host, "attempt": webhook.attempts + 1}
        began = time.monotonic()
        try:
            status = await self._post(webhook, record)
        except (NotSentError, ServiceError) as error:
            over = getattr(error, "final", False) or time.time() + PAUSES_SEC[0] > webhook.ended_at + self._retry_sec
            metrics.WEBHOOKS.add(1, "given_up" if over else "failed")
            event = "webhook given up" if over else "webhook not taken; it is sent again"
            await self._log(record, "warning", event, **told, reason=str(error))
            if not over:
                await self._put_off(webhook)  # From now on: the attempt has not taken as long as it might.
        else:
            over = True
            metrics.WEBHOOKS.add(1, "delivered")
            await self._log(record, "info", "webhook delivered", **told, status=status, seconds=round(time.monotonic() - began, 3))
        if over:
            await self._store.change(lambda db: remove_webhook(db, webhook.job_id))

    async def _post(self, webhook: Webhook, record: JobRecord) -> int:
        if self._secret is None or self._sender is None:
            raise NotSentError("there is no RENDER_WEBHOOK_SECRET to sign it with")
        body = payload_of(record)
        message_id = f"{webhook.job_id}-{int(1000 * webhook.ended_at)}"
        return await self._sender.post(target_of(webhook.url), signed_headers(self._secret, message_id, int(time.time()), body), body)

    async def _log(self, record: JobRecord, level: str, event: str, **fields: object) -> None:
        log = JobLog(log_path_of(Path(self._log_dir), record.job_id), record.job_id)
        log.event(level, event, **fields)
        await log.close()
