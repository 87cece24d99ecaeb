"""An ingress that is started where it cannot do what the deployment was told says so, and answers nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import full_only, running_cluster
from tests.cluster.network import needs_namespaces
from tests.wait import wait_until

pytestmark = [needs_namespaces, full_only, pytest.mark.timeout(600)]


def test_an_ingress_on_the_wrong_node_refuses_to_start(tmp_path: Path) -> None:
    key = tmp_path / "disk" / "key"
    with running_cluster(tmp_path, shared_disk=False) as cluster:
        key.write_text("of-this-test-alone\n")
        cluster.settings |= {"api_key_file": str(key)}
        cluster.start_head(data=False)
        cluster.machine("worker0").environment["RENDER_LOG_DIR"] = "/elsewhere"
        cluster.start_worker("worker0", "--num-cpus=2", "--resources", json.dumps({"render_data": 1}))
        cluster.deploy(api_key_required=True)
        told = wait_until(lambda: refusal(cluster), cluster.log_tail, 240, step=0.5)
        assert f"the ingress does not start on node {cluster.machine('worker0').address}" in told
        assert f"RENDER_DATA_DIR is '{cluster.data}', and there is no such folder here" in told
        assert "RENDER_LOG_DIR is '/elsewhere' in this node's environment" in told
        assert f"RENDER_API_KEY_FILE ('{key}') cannot be read" in told
        assert "of-this-test-alone" not in cluster.log_tail()


def refusal(cluster: Cluster) -> str:
    """What ``serve status`` says of the ingress, once it has refused."""
    message = str(cluster.serve_status().get("deployments", {}).get("Ingress", {}).get("message", ""))
    return message if "does not start" in message else ""
