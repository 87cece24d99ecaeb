"""The node with the data, which is Ray's head, dies in the middle of a job and comes back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cluster.cluster import HEAD, Cluster
from tests.cluster.conftest import full_only, running_cluster
from tests.cluster.network import needs_namespaces

pytestmark = [needs_namespaces, full_only, pytest.mark.timeout(900)]

LONG = {"resolution": 96, "samples": 150}
WORKERS = ("worker0", "worker1")


def begun_job(cluster: Cluster) -> tuple[str, list[str], int]:
    """A job with some views done, and two behind it."""
    job_id = cluster.submit("crate.obj", "head", **LONG)
    waiting = [cluster.submit("knot.ply", "waiting", resolution=64, samples=samples) for samples in (2, 3)]
    return job_id, waiting, cluster.wait_for_views(job_id, 5)["rendered_count"]


def check_that_nothing_is_lost(cluster: Cluster, job_id: str, waiting: list[str]) -> None:
    after = cluster.submit("flange.stl", "after", resolution=64, samples=2)
    jobs = [job_id, *waiting, after]
    assert cluster.wait_for_all(jobs) == {"succeeded": len(jobs)}, cluster.errors(jobs)
    log = (cluster.folder / "logs" / f"{job_id}.log").read_text()
    assert "goes on from views of an earlier server" in log
    cluster.audit(everything=True)


@pytest.mark.parametrize("shared_disk", [False, True], ids=["own-disks", "shared-disk"])
def test_jobs_outlive_a_cluster_that_is_started_anew(tmp_path: Path, shared_disk: bool) -> None:
    with running_cluster(tmp_path, shared_disk=shared_disk) as cluster:
        cluster.start_all()
        job_id, waiting, _ = begun_job(cluster)
        cluster.machine(HEAD).kill()
        for name in WORKERS:  # Without its head, Ray ends on them after a minute.
            cluster.machine(name).kill()
        cluster.start_all()
        check_that_nothing_is_lost(cluster, job_id, waiting)


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server")
def test_with_a_redis_the_head_comes_back_alone_and_the_jobs_go_on(tmp_path: Path) -> None:
    with running_cluster(tmp_path, shared_disk=False, redis=True) as cluster:
        cluster.start_all()
        job_id, waiting, _ = begun_job(cluster)
        began = {name: cluster.machine(name).pid for name in WORKERS}
        cluster.machine(HEAD).kill()
        cluster.start_head()  # Nothing is deployed, and no worker started.
        cluster.wait_until_up()
        check_that_nothing_is_lost(cluster, job_id, waiting)
        assert {name: cluster.machine(name).pid for name in WORKERS} == began
