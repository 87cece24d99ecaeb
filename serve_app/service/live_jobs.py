"""The jobs that have not ended, with what is asked of all of them at every request kept as running totals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from serve_app.jobs.job import Job
from serve_app.jobs.states import JobState
from serve_app.service.live_folders import LiveFolders


@dataclass(frozen=True)
class _Counted:
    """What a job stands for in the totals."""

    status: JobState
    disk: int
    bytes_to_come: int
    request_key: str | None


class LiveJobs:
    """Live jobs by id, by the client's key and by folder, and their totals. Nothing here takes longer with more jobs, but ``all``.

    A job tells of its own changes (``JobProgress.on_change``), so the totals are right at any moment.

    Attributes:
        results_to_come: bytes that jobs without an output folder have yet to write.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._counted: dict[str, _Counted] = {}
        self._by_key: dict[str, str] = {}
        self._of_status: Counter[JobState] = Counter()
        self._queued_of_kind: Counter[bool] = Counter()
        self._bytes_on: Counter[int] = Counter()
        self.results_to_come = 0
        self._folders = LiveFolders()
        self._of_upload: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._jobs)

    def all(self) -> list[Job]:
        """Every job, oldest first."""
        return list(self._jobs.values())

    def get(self, job_id: str) -> Job | None:
        """A job by its id."""
        return self._jobs.get(job_id)

    def id_of_key(self, request_key: str) -> str | None:
        """The id of the job that has a key of its client's own."""
        return self._by_key.get(request_key)

    @property
    def queued(self) -> int:
        """Jobs that wait for a slot, or are being stored."""
        return self._of_status["queued"]

    def queued_of_kind(self, interactive: bool) -> int:
        """Jobs that wait for a slot of those that are interactive, or of the others."""
        return self._queued_of_kind[interactive]

    def positions(self) -> dict[str, int]:
        """Place of each job that waits, from 1, among those of its kind; by its id."""
        last, found = {True: 0, False: 0}, {}
        for job in self._jobs.values():
            if job.progress.phase == "queued":
                last[job.spec.interactive] += 1
                found[job.job_id] = last[job.spec.interactive]
        return found

    @property
    def running(self) -> int:
        """Jobs that have a slot."""
        return self._of_status["running"]

    @property
    def oldest_queued_sec(self) -> float:
        """Seconds that the oldest of those that wait has been here; 0 without any."""
        # They stand in the order that they came in, so only those that run are before it.
        return next((job.progress.age_sec for job in self._jobs.values() if job.progress.status == "queued"), 0.0)

    def bytes_to_come(self, disk: int) -> int:
        """Bytes that the jobs have yet to write to a disk.

        Args:
            disk: number of the device.
        """
        return self._bytes_on[disk]

    def need_upload(self, upload_id: str) -> bool:
        """Whether a job is made of an upload."""
        return self._of_upload[upload_id] > 0

    def in_the_way(self, templates_dir: str) -> Job | None:
        """A job that has not ended and is going to publish this folder, one in it or one that holds it; or None.

        Args:
            templates_dir: absolute, links resolved.
        """
        return self._folders.overlapping(templates_dir)

    def add(self, job: Job, request_key: str | None = None) -> None:
        """Take a job in.

        Args:
            job: whose id no other has.
            request_key: the client's own key for it.
        """
        need = job.spec.disk_need
        self._jobs[job.job_id] = job
        if request_key is not None:
            self._by_key.setdefault(request_key, job.job_id)
        self._counted[job.job_id] = _Counted("queued", need.disk if need else 0, 0, request_key)
        self._of_status["queued"] += 1
        self._queued_of_kind[job.spec.interactive] += 1
        self._folders.add(job)
        if job.spec.request.upload_id is not None:
            self._of_upload[job.spec.request.upload_id] += 1
        job.progress.on_change = lambda: self._recount(job)
        self._recount(job)

    def remove(self, job: Job) -> None:
        """Forget a job; one that is not there is no error."""
        if self._jobs.pop(job.job_id, None) is None:
            return
        job.progress.on_change = None
        counted = self._counted.pop(job.job_id)
        self._of_status[counted.status] -= 1
        self._queued_of_kind[job.spec.interactive] -= counted.status == "queued"
        self._add_bytes(job, counted.disk, -counted.bytes_to_come)
        if counted.request_key is not None and self._by_key.get(counted.request_key) == job.job_id:
            del self._by_key[counted.request_key]
        self._folders.remove(job)
        if job.spec.request.upload_id is not None:
            self._of_upload -= Counter([job.spec.request.upload_id])

    def _recount(self, job: Job) -> None:
        before = self._counted[job.job_id]
        now = _Counted(job.progress.status, before.disk, job.bytes_to_come, before.request_key)
        self._counted[job.job_id] = now
        self._of_status[before.status] -= 1
        self._of_status[now.status] += 1
        self._queued_of_kind[job.spec.interactive] += (now.status == "queued") - (before.status == "queued")
        self._add_bytes(job, now.disk, now.bytes_to_come - before.bytes_to_come)
        if job.progress.ended:  # It may stay here until its end is stored, but it is in nobody's way.
            self._folders.remove(job)

    def _add_bytes(self, job: Job, disk: int, count: int) -> None:
        if job.spec.results_ttl_sec is not None:
            self.results_to_come += count
        self._bytes_on[disk] += count
        if not self._bytes_on[disk]:
            del self._bytes_on[disk]
