"""Image, port, mounts and settings are the same in every form of the cluster."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from serve_app.app import AppArgs
from serve_app.base.deployed import Deployed
from serve_app.cli.server_process import _RAY_SETTINGS
from tests.unit.cluster.overlay import KUBERAY, OVERLAYS, ROOT, container, env_file, groups, ray_service

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMAGE = f"render-server:{PROJECT['version']}"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.cluster.yaml").read_text())
LAUNCHER: dict[str, Any] = yaml.safe_load((ROOT / "cluster" / "launcher.yaml").read_text())
NODE_CONFIGS = sorted((ROOT / "cluster").glob("serve_config.nodes.*.yaml"))


def node_settings() -> dict[str, Any]:
    first, *others = (yaml.safe_load(path.read_text())["applications"][0]["args"]["settings"] for path in NODE_CONFIGS)
    assert all(other == first for other in others) and isinstance(first, dict)
    return first


def image_variable(name: str) -> str:
    found = re.search(rf"^(?:ENV)?\s+{name}=(\S+)", DOCKERFILE, re.MULTILINE)
    assert found, name
    return found[1]


def test_there_is_one_image() -> None:
    single = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["render-server"]["image"]
    images = {single, LAUNCHER["docker"]["image"], *(service["image"] for service in COMPOSE["services"].values())}
    images |= {container(group)["image"] for overlay in OVERLAYS for group in groups(ray_service(overlay)).values()}
    assert images == {IMAGE}


def test_kuberay_is_told_the_ray_that_the_image_has() -> None:
    assert {f"ray[serve]=={ray_service(overlay)['spec']['rayClusterConfig']['rayVersion']}" for overlay in OVERLAYS} <= set(
        PROJECT["dependencies"]
    )


def test_every_node_has_rays_settings_of_render_server_up() -> None:
    assert env_file(KUBERAY / "base" / "ray.env") == _RAY_SETTINGS
    assert {service["env_file"] for service in COMPOSE["services"].values()} == {"cluster/kuberay/base/ray.env"}


def test_every_form_deploys_a_config_of_that_name() -> None:
    deployed = [word for word in COMPOSE["services"]["deploy"]["command"] if word.startswith("/opt")]
    deployed += re.findall(r"serve deploy (\S+)", "\n".join(LAUNCHER["head_start_ray_commands"]))
    assert deployed == ["/opt/render-server/cluster/serve_config.nodes.cpu.yaml"] * 2
    assert [path.name.split(".")[2] for path in NODE_CONFIGS] == list(OVERLAYS)


def test_the_port_is_the_same() -> None:
    ports = {yaml.safe_load(path.read_text())["http_options"]["port"] for path in NODE_CONFIGS}
    ports |= {int(COMPOSE["services"]["head"]["ports"][0].rsplit(":", 1)[1]), int(re.findall(r"^EXPOSE (\d+)", DOCKERFILE, re.M)[0])}
    assert ports == {8004}


@pytest.mark.parametrize("path", NODE_CONFIGS, ids=lambda path: path.name)
def test_the_config_says_where_the_ingress_runs_and_that_it_has_a_key(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    args = AppArgs.model_validate(content["applications"][0]["args"])
    assert args.ingress_resources == {"render_data": 0.01} and args.api_key_required
    # A proxy on the node with the ingress, wherever that is; and KubeRay's probe asks one on each node with a renderer.
    assert content["proxy_location"] == "EveryNode"


def mounts_of_the_data_node() -> dict[str, set[str]]:
    """By form: the paths that are not the container's own on the node with the ingress."""
    run_options = LAUNCHER["docker"]["run_options"] + LAUNCHER["docker"]["head_run_options"]
    head = COMPOSE["services"]["head"]
    secrets = {secret["target"] for secret in head["secrets"] if isinstance(secret, dict)}
    return {
        "kuberay": {mount["mountPath"] for mount in container(groups(ray_service("gpu"))["service"])["volumeMounts"]},
        "launcher": {option.split(":")[1] for option in run_options if option.startswith("--volume=")},
        "compose": {volume.split(":")[1] for volume in head["volumes"]} | secrets,
    }


@pytest.mark.parametrize("form", ["kuberay", "launcher", "compose"])
def test_what_the_settings_name_is_mounted_where_the_ingress_runs(form: str) -> None:
    settings = Deployed(node_settings()).in_force()
    assert settings.api_key_file is not None
    data, logs = Path(image_variable("RENDER_DATA_DIR")), Path(image_variable("RENDER_LOG_DIR"))
    mounts = {Path(mount) for mount in mounts_of_the_data_node()[form]}
    for path in (*settings.input_roots, *settings.output_roots, settings.api_key_file, data, logs):
        assert {path, *path.parents} & mounts, path


def test_the_renderers_see_the_outputs_under_the_same_path() -> None:
    (root,) = {node_settings()["input_roots"], node_settings()["output_roots"]}
    for overlay in OVERLAYS:
        assert root in {mount["mountPath"] for mount in container(groups(ray_service(overlay))["renderers"])["volumeMounts"]}
    assert f"outputs:{root}" in COMPOSE["services"]["worker"]["volumes"]
    assert any(option.startswith("--volume=") and option.endswith(f":{root}") for option in LAUNCHER["docker"]["run_options"])


def test_the_key_file_is_the_same_for_the_ingress_and_for_commands() -> None:
    (variable,) = container(groups(ray_service("cpu"))["service"])["env"]
    told = {variable["value"], COMPOSE["services"]["head"]["environment"]["RENDER_API_KEY_FILE"]}
    told |= {option.split("=", 2)[2] for option in LAUNCHER["docker"]["head_run_options"] if "RENDER_API_KEY_FILE" in option}
    assert variable["name"] == "RENDER_API_KEY_FILE" and told == {node_settings()["api_key_file"]}


def test_the_image_has_what_probes_and_the_launcher_run_in_it() -> None:
    assert {"bash", "wget", "rsync", "openssh-client"} <= set(DOCKERFILE.split())
    login = re.search(r"echo 'PATH=(\S+):\$PATH' > /etc/profile.d/", DOCKERFILE)
    assert login and image_variable("PATH") == f"{login[1]}:$PATH"


def test_two_containers_have_the_data_of_one_node_alone() -> None:
    commands = {name: " ".join(service["command"]) for name, service in COMPOSE["services"].items()}
    assert [name for name, command in commands.items() if "render_data" in command] == ["head"]
    assert COMPOSE["services"]["worker"]["deploy"]["replicas"] == 2
    assert f"--num-cpus={COMPOSE['services']['worker']['cpus']}" in commands["worker"]
