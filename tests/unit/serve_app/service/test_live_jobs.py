"""The running totals against what counting every job anew gives, over random lives of many jobs."""

from __future__ import annotations

import random

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs.disk_need import DiskNeed
from serve_app.jobs.job import Job
from serve_app.service.live_jobs import LiveJobs
from tests.unit.serve_app.made import make_job

FOLDERS = ["/out", "/out/a", "/out/a/b", "/out/a/b/c", "/out/ab", "/out/a b", "/out/b", "/o", "/", "/other/x"]
END = ServiceError("render_failed", "no")


def overlap(one: str, other: str) -> bool:
    """Whether a folder is another, lies in it or holds it, component by component."""
    first, second = ([part for part in path.split("/") if part] for path in (one, other))
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]


def made(chance: random.Random) -> Job:
    need = chance.choice([None, DiskNeed(chance.choice([1, 2]), chance.randrange(10_000), replaces=chance.random() < 0.2)])
    return make_job(chance.choice(FOLDERS), disk_need=need, templates_subfolder=chance.random() < 0.5)


def step(job: Job, chance: random.Random) -> None:
    """One thing that happens to a job."""
    progress = job.progress
    if progress.phase == "arriving":
        progress.accept()
    elif progress.phase == "queued":
        move = chance.choice(["start", "start", "put_back", "cancel", "time_out"])
        getattr(progress, move)(*([END] if move in ("cancel", "time_out") else []))
    elif progress.phase == "running":
        if not progress.total_poses:
            progress.total_poses = 42
        elif len(progress.view_seconds) < 40:
            progress.views_done({chance.randrange(42): 1.0 for _ in range(20)})
        else:
            move = chance.choice(["publish", "put_back", "fail"])
            getattr(progress, move)(*([END] if move == "fail" else []))
    elif progress.phase == "published":
        progress.succeed()


def check(live: LiveJobs, jobs: list[Job]) -> None:
    assert live.all() == jobs and len(live) == len(jobs)
    assert live.queued == sum(job.progress.status == "queued" for job in jobs)
    assert live.running == sum(job.progress.status == "running" for job in jobs)
    for disk in (1, 2):
        on_disk = [job for job in jobs if job.spec.disk_need and job.spec.disk_need.disk == disk]
        assert live.bytes_to_come(disk) == sum(job.bytes_to_come for job in on_disk)
    for folder in [*FOLDERS, "/out/a/templates", "/nothing"]:
        others = [job for job in jobs if not job.progress.ended and overlap(folder, str(job.spec.templates_dir))]
        found = live.in_the_way(folder)
        assert (found in others) if others else (found is None)
        if any(str(job.spec.templates_dir) == folder for job in others):
            assert found is not None and str(found.spec.templates_dir) == folder


@pytest.mark.parametrize("seed", range(20))
async def test_the_totals_are_those_of_counting_every_job(seed: int) -> None:
    chance = random.Random(seed)
    live, jobs = LiveJobs(), list[Job]()
    for _ in range(300):
        roll = chance.random()
        if roll < 0.3 or not jobs:
            job = made(chance)
            live.add(job)
            jobs.append(job)
        elif roll < 0.45:
            job = jobs.pop(chance.randrange(len(jobs)))
            live.remove(job)
            live.remove(job)  # It is gone already.
            step(job, chance)  # What becomes of it is nobody's here any more.
        else:
            step(chance.choice(jobs), chance)
        check(live, jobs)
    for job in jobs:
        live.remove(job)
    check(live, [])
    assert not live._bytes_on and not live._folders._jobs and not live._folders._sorted and not live._counted


async def test_a_key_leads_to_its_job_for_as_long_as_that_is_live() -> None:
    live, first, second = LiveJobs(), make_job(), make_job()
    live.add(first, "key")
    live.add(second, "key")  # Of two at the same moment the store takes the first.
    assert live.id_of_key("key") == first.job_id and live.id_of_key("other") is None
    live.remove(second)
    assert live.id_of_key("key") == first.job_id and live.get(first.job_id) is first
    live.remove(first)
    assert live.id_of_key("key") is None and live.get(first.job_id) is None
