"""Workers that come, go and are cut off in the middle of a job: its views go to others, and none is lost or written twice."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import full_only, running_cluster
from tests.cluster.network import needs_namespaces
from tests.wait import wait_until

pytestmark = [needs_namespaces, pytest.mark.timeout(900)]

LONG = {"resolution": 96, "samples": 100}
"""A job of the 42 cameras that is still at work when something has been done to a machine."""

CUT_SEC = 20.0
"""Shorter than Ray takes to give a silent node up, longer than the service takes to call its renderer lost."""


@pytest.fixture(scope="module", params=[pytest.param(False, id="own-disks"), pytest.param(True, id="shared-disk", marks=full_only)])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A head and two workers, each with a renderer that is ready."""
    with running_cluster(tmp_path_factory.mktemp("cluster"), shared_disk=request.param) as made:
        made.start_all()
        yield made
        made.audit(everything=True)


def test_a_worker_that_is_killed_in_the_middle_of_a_job_costs_nothing(cluster: Cluster) -> None:
    assert cluster.renderers().keys() == {"worker0", "worker1"}
    job_id = cluster.submit("crate.obj", "killed", **LONG)
    wait_until(lambda: cluster.machines_of(job_id) == {"worker0", "worker1"}, "views of both")
    wait_until(lambda: "busy" in cluster.renderers().values(), cluster.renderers)
    assert cluster.renderers().keys() == {"worker0", "worker1"}
    cluster.machine("worker1").kill()
    assert cluster.wait_for_all([job_id]) == {"succeeded": 1}, cluster.errors([job_id])
    assert cluster.machines_of(job_id) == {"worker0", "worker1"}
    log = (cluster.folder / "logs" / f"{job_id}.log").read_text()
    assert log.count("written_by=renderer" if cluster.shared else "written_by=server") == 42, log
    cluster.wait_for_renderers("worker1", state=("lost",))
    cluster.audit()


@full_only
def test_a_worker_that_is_added_in_the_middle_of_a_job_takes_part(cluster: Cluster) -> None:
    job_id = cluster.submit("crate.obj", "added", resolution=160, samples=250)  # A node, and a Blender on it, take half a minute.
    cluster.wait_for_views(job_id, 2)
    cluster.start_worker("worker2")
    assert cluster.wait_for_all([job_id]) == {"succeeded": 1}, cluster.errors([job_id])
    assert cluster.machines_of(job_id) == {"worker0", "worker2"}
    cluster.audit()


@full_only
def test_a_worker_that_is_cut_off_for_a_while_costs_nothing(cluster: Cluster) -> None:
    job_id = cluster.submit("crate.obj", "cut", resolution=128, samples=200)
    cluster.wait_for_views(job_id, 4)
    cluster.network.cut("worker0")
    until = time.monotonic() + CUT_SEC
    cluster.wait_for_renderers("worker0", state=("lost",))
    time.sleep(max(0.0, until - time.monotonic()))
    cluster.network.heal("worker0")
    assert cluster.wait_for_all([job_id]) == {"succeeded": 1}, cluster.errors([job_id])
    assert "worker2" in cluster.machines_of(job_id)
    after = cluster.submit("flange.stl", "after-cut", **LONG)
    assert cluster.wait_for_all([after]) == {"succeeded": 1}, cluster.errors([after])
    cluster.wait_for_renderers("worker0", "worker2")
    cluster.audit()
