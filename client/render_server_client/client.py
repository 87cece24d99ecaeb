"""The client for programs that wait for an answer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

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


class Client:
    """A Render Server. Safe to use from several threads; a context manager that closes its connections.

    Args:
        url: of the server; None takes ``RENDER_SERVER_URL`` from the environment, or ``http://127.0.0.1:8004``.
        api_key: where the server wants one; None takes ``RENDER_API_KEY`` from the environment.
        patience_sec: how long the server may be full or silent before a call fails. One that has never answered is given a second.

    Every call may raise ``NoServerError`` and ``RefusedError``.
    """

    def __init__(self, url: str | None = None, api_key: str | bytes | None = None, *, patience_sec: float = PATIENCE_SEC) -> None:
        self._session = Session(server_url(url), api_key, patience_sec)
        self._http = httpx.Client(**http_options(self._session))

    @property
    def url(self) -> str:
        """Of the server."""
        return self._session.url

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _run(self, steps: Steps[T]) -> T:
        answer: Answer = None
        try:
            while True:
                step = steps.send(answer)
                answer = self._carried_out(step)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    def _carried_out(self, step: Call | Pause) -> Answer:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        with ExitStack() as opened:
            try:
                return self._http.request(**step.arguments(opened))
            except httpx.TransportError as error:
                return error

    def submit(
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
        """Have a CAD rendered; returns at once. Sent again by itself where an answer was lost, it stays one job.

        Args:
            cad: a CAD file of this machine, or a zip of one with what it needs; materials and textures that it names go with it. Or what
                ``upload`` has sent.
            output_dir: a folder as the *server* sees it; None leaves the results at the server, to be fetched.
            upload: False has the server read the same path; True sends it the files; ``auto`` sends them unless the server has shown that
                it sees the same file. Without ``output_dir``, ``auto`` sends them.
            more_files: to be uploaded, too, where the CAD does not name them itself.
            idempotency_key: of your own making: one key, one job, also over several calls and processes.
            job_id: of your own making, instead of a key.
            group: jobs of one group share one share of the renderers.
            **options: as the server's ``POST /render/templates`` takes them, such as ``quality="draft"`` or ``resolution=256``. A
                ``camera_poses_path`` that lies here goes with an upload.

        Raises:
            FilesError: a file cannot be read.
        """
        more = [Path(path) for path in more_files]
        named: dict[str, Any] = {"key": idempotency_key, "job_id": job_id, "group": group}
        steps = operations.submit(self._session, cad_of(cad), output_dir=output_dir, uploads=upload, more=more, options=options, **named)
        return self._run(steps)

    def upload(self, cad: str | Path, more_files: Sequence[str | Path] = ()) -> Upload:
        """Send files to the server, to be named in several calls.

        Args:
            cad: as for ``submit``.
            more_files: as for ``submit``.
        """
        return self._run(sent(self._session, Path(cad), [Path(path) for path in more_files]))

    def job(self, job: JobOrId) -> Job:
        """A job as it is now."""
        return self._run(operations.job(self._session, id_of(job)))

    def jobs(self, status: str | Sequence[str] = (), *, limit: int = 50, text: str | None = None) -> list[Job]:
        """Jobs, newest first.

        Args:
            status: only those in this state, or in one of these.
            limit: at most so many.
            text: only those with it in their id or paths.
        """
        return self._run(operations.jobs(self._session, (status,) if isinstance(status, str) else status, limit, text))

    def cancel(self, job: JobOrId) -> Job:
        """Cancel a job. One that has ended stays as it is."""
        return self._run(operations.cancel(self._session, id_of(job)))

    def log(self, job: JobOrId) -> str:
        """A job's log."""
        return self._run(operations.log(self._session, id_of(job)))

    def status(self) -> dict[str, Any]:
        """The server, its renderers, its queue and its machine, as ``GET /api/v1/status`` tells them."""
        return self._run(operations.status(self._session))

    def shares(self, cad: str | Path) -> bool:
        """Whether the server sees the very file that lies here, under the same path: told by its SHA-256, once for each folder."""
        return self._run(operations.shares(self._session, Path(cad)))

    def inspect(
        self, cad: str | Path | Upload, *, upload: UploadChoice = "auto", more_files: Sequence[str | Path] = (), **options: Any
    ) -> CadInfo:
        """What a CAD is: size, unit, parts. Nothing is rendered.

        Args:
            cad: as for ``submit``.
            upload: as for ``submit``.
            more_files: as for ``submit``.
            **options: ``unit``, ``parts``, ``tessellation``.
        """
        more = [Path(path) for path in more_files]
        return self._run(operations.inspect(self._session, cad_of(cad), uploads=upload, more=more, options=options))

    def events(self, job: JobOrId, *, timeout_sec: float | None = None) -> Iterator[Event]:
        """What happens to a job to its end, after what has happened already. A lost connection is taken up again; no event comes twice.

        Args:
            job: of this server.
            timeout_sec: None follows it for as long as it takes.

        Raises:
            WaitTimeoutError: the job goes on.
        """
        following = Following(self._session, id_of(job), timeout_sec)
        while not following.ended:
            following.check_time()
            if self._session.streams:
                try:
                    with self._http.stream(**following.request) as response:
                        if response.is_error:
                            response.read()
                            raise RefusedError(response)
                        for sent in EventSource(response).iter_sse():
                            yield from following.streamed(sent.event, sent.data, sent.id)
                            following.check_time()
                except SSEError:
                    following.silent()
                except httpx.TransportError as broken:
                    time.sleep(following.pause_after(broken))
                    continue
                except RefusedError as refusal:
                    following.refused(refusal)
            if not following.ended:
                yield from following.polled(self.job(following.job_id))
            if not following.ended:
                time.sleep(following.poll_pause())

    def wait(self, job: JobOrId, *, timeout_sec: float | None = None, check: bool = True) -> Job:
        """Return when a job has ended.

        Args:
            job: of this server.
            timeout_sec: None waits for as long as it takes.
            check: raise where it has not succeeded.

        Raises:
            JobFailedError: it has ended without results.
            WaitTimeoutError: it goes on.
        """
        for _ in self.events(job, timeout_sec=timeout_sec):
            pass
        ended = self.job(job)
        return ended.check() if check else ended

    def templates(self, job: JobOrId, *, views: Sequence[int] | None = None) -> Templates:
        """A job's templates as arrays, when it has ended; read from the disk where it is shared, otherwise fetched.

        Args:
            job: of this server; in SAM-6D's own layout.
            views: indices of those that are wanted; None reads all.

        Raises:
            JobFailedError: it has ended without results.
            FilesError: the files are damaged, or of another layout.
        """
        ended = self.wait(job)
        found = local_templates(ended, views)
        if found is not None:
            return found
        with tempfile.TemporaryFile(prefix="render-") as file:
            self._fetch(ended, file)
            return zipped_templates(file, views)

    def download(self, job: JobOrId, folder: str | Path) -> list[Path]:
        """Fetch a job's files when it has ended: whole, or not at all.

        Args:
            job: of this server.
            folder: of this machine; made where it is missing. Older templates in it are replaced, nothing else is.

        Returns:
            What was put into the folder.

        Raises:
            JobFailedError: it has ended without results.
            FilesError: the folder cannot be written, or something else is in the way.
        """
        ended = self.wait(job)
        with tempfile.NamedTemporaryFile(prefix="render-", suffix=".zip") as file:
            self._fetch(ended, file)
            file.flush()
            return unpack(Path(file.name), Path(folder).expanduser())

    def _fetch(self, job: Job, file: Any) -> None:
        fetch = Fetch(self._session, download_path(job), file)
        while not fetch.complete:
            try:
                with self._http.stream(**fetch.request) as response:
                    if response.is_error:
                        response.read()
                    fetch.begin(response)
                    for block in response.iter_bytes():
                        fetch.take(block)
                    fetch.end()
            except (httpx.TransportError, RefusedError) as failure:
                no_download(failure, job)
                time.sleep(fetch.pause_after(failure))
