"""The client for programs of asyncio."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

import httpx
from httpx_sse import EventSource, SSEError

from render_server_client import operations
from render_server_client.connection import cad_of, http_options, server_url
from render_server_client.errors import RefusedError
from render_server_client.fetching import Fetch
from render_server_client.following import Following
from render_server_client.models import CadInfo, Event, Job, JobOrId, Upload, id_of
from render_server_client.operations import UploadChoice
from render_server_client.results import download_path, local_templates, no_download, zipped_templates
from render_server_client.templates import Templates
from render_server_client.unpacking import unpack
from render_server_client.uploads import upload as sent
from render_server_client.wire import PATIENCE_SEC, Answer, Call, Pause, Session, Steps

T = TypeVar("T")


class AsyncClient:
    """A Render Server, for asyncio: the calls of ``Client``, to be awaited. An asynchronous context manager that closes its connections.

    Args:
        url: of the server; None takes ``RENDER_SERVER_URL`` from the environment, or ``http://127.0.0.1:8004``.
        api_key: where the server wants one; None takes ``RENDER_API_KEY`` from the environment.
        patience_sec: how long the server may be full or silent before a call fails. One that has never answered is given a second.

    Every call may raise ``NoServerError`` and ``RefusedError``.
    """

    def __init__(self, url: str | None = None, api_key: str | bytes | None = None, *, patience_sec: float = PATIENCE_SEC) -> None:
        self._session = Session(server_url(url), api_key, patience_sec)
        self._http = httpx.AsyncClient(**http_options(self._session))

    @property
    def url(self) -> str:
        """Of the server."""
        return self._session.url

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _run(self, steps: Steps[T]) -> T:
        answer: Answer = None
        try:
            while True:
                # Between two requests, files are read and hashed: not on the loop's thread.
                step, result = await asyncio.to_thread(_advanced, steps, answer)
                if step is None:
                    return cast(T, result)
                answer = await self._carried_out(step)
        finally:
            with suppress(ValueError):  # Canceled while its thread is at work: it ends by itself.
                steps.close()

    async def _carried_out(self, step: Call | Pause) -> Answer:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        with ExitStack() as opened:
            try:
                return await self._http.request(**step.arguments(opened))
            except httpx.TransportError as error:
                return error

    async def submit(
        self,
        cad: str | Path | Upload,
        *,
        output_dir: str | Path | None = None,
        upload: UploadChoice = "auto",
        more_files: Sequence[str | Path] = (),
        idempotency_key: str | None = None,
        job_id: str | None = None,
        group: str | None = None,
        **options: Any,
    ) -> Job:
        """See ``Client.submit``."""
        more = [Path(path) for path in more_files]
        named: dict[str, Any] = {"key": idempotency_key, "job_id": job_id, "group": group}
        steps = operations.submit(self._session, cad_of(cad), output_dir=output_dir, uploads=upload, more=more, options=options, **named)
        return await self._run(steps)

    async def upload(self, cad: str | Path, more_files: Sequence[str | Path] = ()) -> Upload:
        """See ``Client.upload``."""
        return await self._run(sent(self._session, Path(cad), [Path(path) for path in more_files]))

    async def job(self, job: JobOrId) -> Job:
        """See ``Client.job``."""
        return await self._run(operations.job(self._session, id_of(job)))

    async def jobs(self, status: str | Sequence[str] = (), *, limit: int = 50, text: str | None = None) -> list[Job]:
        """See ``Client.jobs``."""
        return await self._run(operations.jobs(self._session, (status,) if isinstance(status, str) else status, limit, text))

    async def cancel(self, job: JobOrId) -> Job:
        """See ``Client.cancel``."""
        return await self._run(operations.cancel(self._session, id_of(job)))

    async def log(self, job: JobOrId) -> str:
        """See ``Client.log``."""
        return await self._run(operations.log(self._session, id_of(job)))

    async def status(self) -> dict[str, Any]:
        """See ``Client.status``."""
        return await self._run(operations.status(self._session))

    async def shares(self, cad: str | Path) -> bool:
        """See ``Client.shares``."""
        return await self._run(operations.shares(self._session, Path(cad)))

    async def inspect(
        self, cad: str | Path | Upload, *, upload: UploadChoice = "auto", more_files: Sequence[str | Path] = (), **options: Any
    ) -> CadInfo:
        """See ``Client.inspect``."""
        more = [Path(path) for path in more_files]
        return await self._run(operations.inspect(self._session, cad_of(cad), uploads=upload, more=more, options=options))

    async def events(self, job: JobOrId, *, timeout_sec: float | None = None) -> AsyncIterator[Event]:
        """See ``Client.events``."""
        following = Following(self._session, id_of(job), timeout_sec)
        while not following.ended:
            following.check_time()
            if self._session.streams:
                try:
                    async with self._http.stream(**following.request) as response:
                        if response.is_error:
                            await response.aread()
                            raise RefusedError(response)
                        async for sent in EventSource(response).aiter_sse():
                            for event in following.streamed(sent.event, sent.data, sent.id):
                                yield event
                            following.check_time()
                except SSEError:
                    following.silent()
                except httpx.TransportError as broken:
                    await asyncio.sleep(following.pause_after(broken))
                    continue
                except RefusedError as refusal:
                    following.refused(refusal)
            if not following.ended:
                for event in following.polled(await self.job(following.job_id)):
                    yield event
            if not following.ended:
                await asyncio.sleep(following.poll_pause())

    async def wait(self, job: JobOrId, *, timeout_sec: float | None = None, check: bool = True) -> Job:
        """See ``Client.wait``."""
        async for _ in self.events(job, timeout_sec=timeout_sec):
            pass
        ended = await self.job(job)
        return ended.check() if check else ended

    async def templates(self, job: JobOrId, *, views: Sequence[int] | None = None) -> Templates:
        """See ``Client.templates``."""
        ended = await self.wait(job)
        found = await asyncio.to_thread(local_templates, ended, views)
        if found is not None:
            return found
        with tempfile.TemporaryFile(prefix="render-") as file:
            await self._fetch(ended, file)
            return await asyncio.to_thread(zipped_templates, file, views)

    async def download(self, job: JobOrId, folder: str | Path) -> list[Path]:
        """See ``Client.download``."""
        ended = await self.wait(job)
        with tempfile.NamedTemporaryFile(prefix="render-", suffix=".zip") as file:
            await self._fetch(ended, file)
            file.flush()
            return await asyncio.to_thread(unpack, Path(file.name), Path(folder).expanduser())

    async def _fetch(self, job: Job, file: Any) -> None:
        fetch = Fetch(self._session, download_path(job), file)
        while not fetch.complete:
            try:
                async with self._http.stream(**fetch.request) as response:
                    if response.is_error:
                        await response.aread()
                    fetch.begin(response)
                    async for block in response.aiter_bytes():
                        fetch.take(block)
                    fetch.end()
            except (httpx.TransportError, RefusedError) as failure:
                no_download(failure, job)
                await asyncio.sleep(fetch.pause_after(failure))


def _advanced(steps: Steps[T], answer: Answer) -> tuple[Call | Pause | None, T | None]:
    """The next step, or None and the result; ``StopIteration`` cannot pass through a future."""
    try:
        return steps.send(answer), None
    except StopIteration as end:
        return None, end.value
