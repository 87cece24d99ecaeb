"""GPUs that Ray counts, on a machine without any: who is given which, and that no renderer takes the CPU for one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import full_only, running_cluster
from tests.cluster.machine import ROOT
from tests.cluster.network import needs_namespaces
from tests.wait import wait_until

pytestmark = [needs_namespaces, full_only, pytest.mark.timeout(600)]


def test_each_blender_is_given_a_gpu_of_its_own_and_never_renders_on_the_cpu_instead(tmp_path: Path) -> None:
    with running_cluster(tmp_path, shared_disk=True) as cluster:
        injection = os.pathsep.join([str(Path(__file__).parent / "injection"), str(ROOT)])
        cluster.machine("worker0").environment |= {"PYTHONPATH": injection, "FAULT_FOLDER": str(cluster.folder / "faults")}
        cluster.start_head()
        cluster.start_worker("worker0", "--num-cpus=2", "--num-gpus=2")
        on_gpus = {"gpus_per_renderer": 1, "cpus_per_renderer": 0.5}

        cluster.deploy(**on_gpus)
        failed = wait_until(lambda: [told for told in statuses(cluster) if told["state"] == "failed"], cluster.log_tail, 240, step=0.5)
        assert failed[0]["device"] is None and failed[0]["error"]["code"] == "renderer_start_failed", failed
        assert "Cycles sees no GPU" in failed[0]["error"]["detail"], failed
        with cluster.http() as http:
            assert http.get("/ready").status_code == 503

        cluster.settings["device"] = "CPU"  # Blender cannot use what Ray only counts.
        for path in (cluster.folder / "faults").glob("gpus-*"):
            path.unlink()
        cluster.deploy(**on_gpus)
        wait_until(
            lambda: [told["device"] for told in statuses(cluster) if told["state"] == "ready"] == ["CPU", "CPU"], cluster.log_tail, 240
        )
        blenders, shells = gpus_of(cluster, "BlenderActor"), gpus_of(cluster, "RenderWorker")
        assert sorted(seen["visible"] for seen in blenders) == ["0", "1"], blenders
        assert shells and all(seen["given"] == [] and not seen["visible"] for seen in shells), shells


def statuses(cluster: Cluster) -> list[dict[str, Any]]:
    if not cluster.answers(ready=False):
        return []
    with cluster.http() as http:
        return list(http.get("/api/v1/status").json()["renderers"])


def ready_devices(cluster: Cluster) -> list[str]:
    return [told["device"] for told in statuses(cluster) if told["state"] == "ready"]


def gpus_of(cluster: Cluster, kind: str) -> list[dict[str, Any]]:
    """What the processes of a kind were given."""
    return [json.loads(path.read_text()) for path in (cluster.folder / "faults").glob(f"gpus-{kind}-*")]
