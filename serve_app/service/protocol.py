"""What a job runner needs of those who do the work."""

from __future__ import annotations

from typing import Protocol

from serve_app.base.logs import JobLog
from serve_app.cad.loader import LoadedCad
from serve_app.jobs.job import Job


class Rendering(Protocol):
    """What a job that has its slot is handed to; both steps raise ``ServiceError`` with what a client is told."""

    async def load_cad(self, job: Job, log: JobLog) -> LoadedCad:
        """Read the job's CAD."""
        ...

    async def render(self, job: Job, cad: LoadedCad, log: JobLog) -> None:
        """Render the job and publish its folder; when this raises, nothing was published."""
        ...


class Pausable(Protocol):
    """What hands work to the renderers."""

    async def pause(self, grace_sec: float) -> None:
        """Hand nothing out any more, and return when nothing is out."""
        ...
