"""Which folders live jobs are going to publish, found by folder without looking at every job."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from serve_app.jobs.job import Job


class LiveFolders:
    """Jobs by the folder that they publish.

    Adding and removing move a part of one sorted list, which is microseconds with ten thousand folders; the rest depends on the depth of
    the folder alone.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, dict[str, Job]] = {}
        self._sorted: list[str] = []

    def add(self, job: Job) -> None:
        """Take a job in; several may have one folder."""
        folder = _folder(job)
        if folder not in self._jobs:
            self._jobs[folder] = {}
            self._sorted.insert(bisect_left(self._sorted, folder), folder)
        self._jobs[folder][job.job_id] = job

    def remove(self, job: Job) -> None:
        """Forget a job; one that is not there is no error."""
        folder = _folder(job)
        jobs = self._jobs.get(folder, {})
        if jobs.pop(job.job_id, None) is not None and not jobs:
            del self._jobs[folder]
            del self._sorted[bisect_left(self._sorted, folder)]

    def overlapping(self, templates_dir: str) -> Job | None:
        """A job whose folder is this one, lies in it or holds it; one of the very same folder before others.

        Args:
            templates_dir: absolute, links resolved.
        """
        folder = _with_slash(templates_dir)
        for holder in (folder, *_above(folder)):
            if holder in self._jobs:
                return next(iter(self._jobs[holder].values()))
        # All that lies in a folder sorts directly after it.
        place = bisect_left(self._sorted, folder)
        if place < len(self._sorted) and self._sorted[place].startswith(folder):
            return next(iter(self._jobs[self._sorted[place]].values()))
        return None


def _folder(job: Job) -> str:
    return _with_slash(str(job.spec.templates_dir))


def _with_slash(folder: str) -> str:
    return folder if folder.endswith("/") else f"{folder}/"  # So that /a/bc is not taken for a folder in /a/b.


def _above(folder: str) -> Iterator[str]:
    """The folders that hold one, nearest first, each with its slash."""
    end = folder.rfind("/", 0, len(folder) - 1)
    while end >= 0:
        yield folder[: end + 1]
        end = folder.rfind("/", 0, end)
