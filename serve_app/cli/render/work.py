"""Has a server render the CADs of one command: sends each, follows it, and fetches what this machine cannot see."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from render_server_client import Job, NoServerError, RefusedError, RenderServerError
from render_server_client.operations import UploadChoice
from render_server_client.results import is_here
from serve_app.cli.client import Client
from serve_app.cli.render.orders import Order

_TICK_SEC = 0.3
_POLLED = 16
"""Jobs that are asked for at a time: jobs begin in order, so it is the first ones that change."""

_AT_ONCE = 2
"""CADs that are sent, and results that are fetched, at a time."""

_NOT_SHARED = ("path_outside_roots", "output_reserved", "output_not_writable", "cad_not_found", "cad_not_a_file", "cad_unreadable")
"""What a server answers to paths that it does not see, or may not use: then it is sent the files."""

_POSES = "camera_poses_path"
"""What a server answers of, that sees the CAD and not the list of cameras: it is sent both, then."""

_OTHER_JOB = re.compile(r"job (\S+), which renders the same")


@dataclass
class Task:
    """What becomes of one order.

    Attributes:
        order: what was asked.
        state: ``waiting``, ``sending``, ``queued``, ``running``, ``fetching``, ``done`` or ``failed``.
        job: as it was last seen.
        job_id: of the job that is sent; the server may have it before it has answered.
        rendered: views that are done; those of another job while that one renders the same.
        folder: of the files, when they are done.
        error: why there are none.
        resumed: whether an earlier command began its job.
        uploaded: whether the server was sent the files.
        began: when it was seen to run, on the monotonic clock.
        rendered_before: views that were done then.
    """

    order: Order
    state: str = "waiting"
    job: Job | None = None
    job_id: str | None = None
    rendered: int = 0
    folder: Path | None = None
    error: RenderServerError | None = None
    resumed: bool = False
    uploaded: bool = False
    began: float | None = None
    rendered_before: int = 0
    step: Future[str] | None = field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.state in ("done", "failed")

    @property
    def total(self) -> int:
        """Views of its job; 0 until they are known."""
        return self.job.total if self.job else 0

    @property
    def rate(self) -> float:
        """Views a second while it was watched; 0 before there are any."""
        seconds = 0.0 if self.began is None else time.monotonic() - self.began
        return (self.rendered - self.rendered_before) / seconds if seconds > 0 else 0.0


class Watch(Protocol):
    """Shows how far the work is."""

    def ended(self, task: Task) -> None:
        """A CAD that nothing more becomes of."""

    def moved(self, tasks: Sequence[Task]) -> None:
        """Something may have changed."""


class Work:
    """The CADs of one command.

    Args:
        client: of the server.
        orders: one a CAD.
        options: of every request.
        upload: whether the server is sent the files; ``auto`` finds out.
    """

    def __init__(self, client: Client, orders: Sequence[Order], options: Mapping[str, Any], upload: UploadChoice = "auto") -> None:
        self._client, self._options, self._upload = client, options, upload
        self.tasks = [Task(order) for order in orders]
        self._open: list[Job] = []

    def run(self, watch: Watch) -> None:
        """Return when nothing more becomes of any CAD.

        Raises:
            NoServerError: the server has been silent for too long; it keeps its jobs.
            RefusedError: it does not let this client in.
        """
        self._open = [job for status in ("running", "queued") for job in self._client.jobs(status, limit=1000)]
        pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="render")
        try:
            for task in self.tasks:
                task.step = pool.submit(self._sent, task)
            while open_tasks := [task for task in self.tasks if not task.ended]:
                for task in [task for task in open_tasks if task.state in ("queued", "running")][:_POLLED]:
                    self._look(task, pool)
                for task in open_tasks:
                    self._settle(task, watch)
                watch.moved(self.tasks)
                if any(not task.ended for task in self.tasks):
                    time.sleep(_TICK_SEC)
        except BaseException:
            self._client.close()  # What is being sent ends at once: Python waits for its threads.
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    @property
    def going_on(self) -> list[str]:
        """Ids of jobs that the server still has to end, or that have results to be fetched; first those that it has answered."""
        return [task.job.id for task in self.tasks if task.job is not None and not task.ended] + self.unanswered

    @property
    def unanswered(self) -> list[str]:
        """Ids of jobs that were sent, without an answer yet: the server may have them."""
        return [task.job_id for task in self.tasks if task.job_id is not None and task.job is None and not task.ended]

    def _settle(self, task: Task, watch: Watch) -> None:
        """Take what a step on another thread has brought."""
        if task.step is None or not task.step.done():
            return
        step, task.step = task.step, None
        failure = step.exception()
        if isinstance(failure, NoServerError) or (isinstance(failure, RefusedError) and failure.code == "unauthorized"):
            raise failure
        if isinstance(failure, RenderServerError):
            task.error, task.state = failure, "failed"
        elif failure is not None:
            raise failure
        else:
            task.state = step.result()
        if task.ended:
            watch.ended(task)

    def _sent(self, task: Task) -> str:
        """Have the server make a CAD's job, or take up the one that an earlier command has made; returns the next state."""
        task.state = "sending"
        earlier = next((job for job in self._open if job.id.startswith(task.order.mark)), None)
        if earlier is not None:
            task.job, task.resumed, task.uploaded = self._client.job(earlier), True, earlier.fetched
        else:
            task.job_id = task.order.new_job_id()
            task.job = self._submitted(task, task.job_id)
        return "queued"

    def _submitted(self, task: Task, job_id: str) -> Job:
        named: dict[str, Any] = {"job_id": job_id, **self._options}
        cad, output = task.order.cad, task.order.output
        if self._upload is False:
            return self._client.submit(cad, output_dir=output, upload=False, **named)
        refusal: RefusedError | None = None
        if self._upload == "auto" and self._client.shares(cad):
            try:
                return self._client.submit(cad, output_dir=output, upload=False, **named)
            except RefusedError as refused:
                if refused.code not in _NOT_SHARED and refused.field != _POSES:
                    raise
                refusal = refused
        task.uploaded = True
        try:
            return self._client.submit(cad, upload=True, **named)
        except RefusedError as refused:
            if not refused.no_such_route:
                raise
            # An older server takes no uploads: then its word about the paths is the one that helps.
            task.uploaded = False
            if refusal is not None:
                raise refusal from refused
            return self._client.submit(cad, output_dir=output, upload=False, **named)

    def _look(self, task: Task, pool: ThreadPoolExecutor) -> None:
        assert task.job is not None
        job = task.job = self._client.job(task.job)
        other = _OTHER_JOB.fullmatch(job.waiting_for or "")
        task.rendered = self._rendered_of(other[1]) if other and not job.rendered else job.rendered
        if job.status == "running" and task.began is None:
            task.began, task.rendered_before = time.monotonic(), task.rendered
        if not job.ended:
            task.state = job.status
        elif not job.succeeded:
            task.state = "fetching"
            task.step = pool.submit(_checked, job)
        else:
            task.state = "fetching"
            task.step = pool.submit(self._fetched, task, job)

    def _rendered_of(self, job_id: str) -> int:
        """Views of the job that renders the same."""
        try:
            other = self._client.job(job_id)
        except RefusedError:
            return 0
        return 0 if other.ended else other.rendered

    def _fetched(self, task: Task, job: Job) -> str:
        if task.uploaded or not _visible(job):
            written = self._client.download(job, task.order.output)
            task.folder = next((path for path in written if path.is_dir()), task.order.output)
        else:
            task.folder = Path(job.templates_dir)
        return "done"


def _visible(job: Job) -> bool:
    """Whether this machine sees what a job that was given paths has written."""
    options = job.record.get("options", {})
    if options.get("layout", "sam6d") == "sam6d":
        return is_here(job)
    return Path(job.templates_dir).is_dir()  # Other pipelines want no manifest in their folders.


def _checked(job: Job) -> str:
    job.check()
    return "done"
