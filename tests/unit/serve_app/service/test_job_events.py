from __future__ import annotations

from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs.event_log import Event
from serve_app.jobs.job import Job
from serve_app.jobs.record import record_of
from serve_app.service.job_events import POSITIONS_SEC, JobEvents
from serve_app.service.live_jobs import LiveJobs
from tests.unit.serve_app.made import make_job


class Followed:
    """Live jobs whose events are logged."""

    def __init__(self) -> None:
        self.jobs = LiveJobs()
        self.now = 0.0
        self.events = JobEvents(self.jobs, lambda: self.now)
        self.ends = 0
        self.events.on_finished = self._count

    def _count(self) -> None:
        self.ends += 1

    def accept(self, job_id: str, **options: Any) -> Job:
        job = make_job(f"/out/{job_id}", job_id=job_id, **options)
        self.jobs.add(job)
        self.events.follow(job)
        job.progress.accept()
        return job

    def told(self, after: int = 0) -> list[tuple[str, Any]]:
        return shown(self.events.log.since(after) or [])


def shown(events: list[Event]) -> list[tuple[str, Any]]:
    return [(event.name, {name: value for name, value in event.data.items() if name != "job_id"}) for event in events]


@pytest.fixture
def followed() -> Followed:
    return Followed()


def view(index: int, done: int, total: int = 3) -> tuple[str, Any]:
    return ("view", {"view": index, "seconds": 0.5, "rendered_count": done, "total_poses": total})


def test_a_jobs_life_is_told_once_and_in_order(followed: Followed) -> None:
    job = followed.accept("a")
    job.progress.start()
    job.progress.warn(["thin"])
    job.progress.total_poses = 3
    job.progress.views_done({2: 0.5})
    job.progress.views_done({2: 0.5, 0: 0.5, 1: 0.5})
    job.progress.publish()
    job.progress.succeed()
    assert followed.ends == 0  # Nobody who waits is answered yet.
    followed.jobs.remove(job)
    job.progress.release()
    job.progress.release()
    expected = [
        ("queued", {"position": 1}),
        ("started", {"rendered_count": 0, "total_poses": 0}),
        ("warning", {"warning": "thin"}),
        *[view(2, 1), view(0, 2), view(1, 3)],
        ("finished", {"status": "succeeded"}),
    ]
    assert followed.told() == expected and followed.ends == 1
    # The same is told later, but for what it was in the queue, with the views in order.
    again = shown(followed.events.present_of(record_of(job)))
    assert [name for name, _ in again] == ["started", "view", "view", "view", "warning", "finished"]
    assert [told["rendered_count"] for name, told in again if name == "view"] == [1, 2, 3]


def test_why_a_job_failed_is_told_and_one_that_is_put_back_has_no_end(followed: Followed) -> None:
    failing, put_back = followed.accept("a"), followed.accept("b")
    failing.progress.fail(ServiceError("cad_invalid", "no faces", "cad_path"))
    failing.progress.release()
    error = {"detail": "no faces", "code": "cad_invalid", "field": "cad_path"}
    assert followed.told()[-1] == ("finished", {"status": "failed", "error": error})
    assert shown(followed.events.present_of(record_of(failing))) == [("finished", {"status": "failed", "error": error})]
    before = followed.events.log.last
    put_back.progress.put_back()
    put_back.progress.release()
    assert followed.told(before) == []


def test_places_are_counted_among_jobs_of_a_kind(followed: Followed) -> None:
    first, batch, second = followed.accept("a"), followed.accept("b", priority="batch"), followed.accept("c")
    assert followed.told() == [("queued", {"position": place}) for place in (1, 1, 2)]
    assert [followed.events.position(job.job_id) for job in (first, batch, second)] == [1, 1, 2]
    first.progress.start()
    assert shown(followed.events.present()) == [
        ("started", {"rendered_count": 0, "total_poses": 0}),
        ("queued", {"position": 1}),
        ("queued", {"position": 1}),
    ]
    assert followed.jobs.queued_of_kind(True) == 1 and followed.jobs.queued_of_kind(False) == 1
    assert followed.events.position("c") == 2  # Counted a moment ago, for all who ask.
    followed.now += POSITIONS_SEC
    assert followed.events.position("c") == 1 and followed.events.position("a") is None
    followed.jobs.remove(second)
    assert followed.jobs.queued_of_kind(True) == 0


def test_a_job_that_is_over_has_nothing_to_come(followed: Followed) -> None:
    job = followed.accept("a")
    followed.accept("b")
    heard = followed.events.log.last
    job.progress.fail(ServiceError("cad_invalid", "no"))
    assert not followed.events.are_over("a", heard)  # Its end is about to be told.
    followed.jobs.remove(job)
    job.progress.release()
    assert not followed.events.are_over("a", heard)
    followed.events.removed(["b"])
    assert followed.events.are_over("a", followed.events.log.last - 1)


def test_a_job_that_arrives_or_is_refused_is_told_to_nobody(followed: Followed) -> None:
    job = make_job("/out/a", job_id="a")
    followed.jobs.add(job)
    assert followed.events.present() == [] and followed.jobs.positions() == {}
    job.progress.refuse()
    assert followed.events.present() == [] and followed.told() == []
