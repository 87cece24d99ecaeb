"""The form of Ray's cluster launcher, as Ray itself checks it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from jsonschema import ValidationError
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.unit.cluster.overlay import ROOT


@pytest.fixture
def launcher() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "cluster" / "launcher.yaml").read_text())
    return content


def test_ray_takes_it(launcher: dict[str, Any]) -> None:
    prepared = prepare_config(copy.deepcopy(launcher))
    validate_config(prepared)
    assert prepared["max_workers"] == len(launcher["provider"]["worker_ips"]) == 2


def test_ray_sees_a_mistyped_key(launcher: dict[str, Any]) -> None:
    launcher["head_start_ray_command"] = launcher.pop("head_start_ray_commands")
    with pytest.raises(ValidationError, match="head_start_ray_command"):
        validate_config(prepare_config(launcher))


def test_the_head_has_the_data_and_the_key_and_the_workers_have_neither(launcher: dict[str, Any]) -> None:
    assert any("""--resources='{"render_data": 1}'""" in line for line in launcher["head_start_ray_commands"])
    assert not any("--resources" in line for line in launcher["worker_start_ray_commands"])
    assert not any("api_key" in option for option in launcher["docker"]["run_options"])


def test_every_node_gets_rays_token_and_rays_settings(launcher: dict[str, Any]) -> None:
    assert list(launcher["file_mounts"]) == ["/var/lib/render-server/.ray/auth_token"]
    for commands in (launcher["head_start_ray_commands"], launcher["worker_start_ray_commands"]):
        (start,) = [line for line in commands if "ray start" in line]
        assert ". /opt/render-server/cluster/kuberay/base/ray.env" in start
