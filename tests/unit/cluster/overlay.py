"""Kustomize, as far as `cluster/kuberay` uses it: resources, patches by JSON 6902, and ConfigMaps of an env file."""

from __future__ import annotations

import copy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
KUBERAY = ROOT / "cluster" / "kuberay"
OVERLAYS = ("cpu", "gpu")

_USED = {"apiVersion", "kind", "resources", "patches", "configMapGenerator", "generatorOptions"}


def env_file(path: Path) -> dict[str, str]:
    """Names and values of a file of NAME=value lines."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def patched(document: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """A document after JSON 6902 operations; those that are not used here are an error."""
    document = copy.deepcopy(document)
    for operation in operations:
        *above, last = operation["path"].removeprefix("/").split("/")
        place: Any = document
        for key in above:
            place = place[int(key)] if isinstance(place, list) else place[key]
        if operation["op"] == "replace":
            assert last in place, f"{operation['path']} replaces nothing"
        else:
            assert operation["op"] == "add" and isinstance(place, dict), operation
        place[last] = operation["value"]
    return document


def applied(folder: Path) -> list[dict[str, Any]]:
    """The objects that `kubectl apply -k` would make of a folder."""
    content = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert set(content) <= _USED, f"{folder} uses more of kustomize than this test knows"
    objects: list[dict[str, Any]] = []
    for name in content["resources"]:
        path = folder / name
        objects += applied(path) if path.is_dir() else yaml.safe_load_all(path.read_text())
    for generator in content.get("configMapGenerator", []):
        assert content["generatorOptions"] == {"disableNameSuffixHash": True}
        data = {name: value for path in generator["envs"] for name, value in env_file(folder / path).items()}
        objects.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data})
    for patch in content.get("patches", []):
        operations = yaml.safe_load((folder / patch["path"]).read_text())
        (index,) = [at for at, one in enumerate(objects) if (one["kind"], one["metadata"]["name"]) == tuple(patch["target"].values())]
        objects[index] = patched(objects[index], operations)
    return objects


def real_kustomize(folder: Path) -> list[dict[str, Any]] | None:
    """The same from kustomize itself, or None where this machine has none."""
    if shutil.which("kustomize"):
        command = ["kustomize", "build"]
    elif shutil.which("kubectl"):
        command = ["kubectl", "kustomize"]
    else:
        return None
    return list(yaml.safe_load_all(subprocess.run([*command, str(folder)], check=True, capture_output=True, text=True).stdout))


def ray_service(overlay: str) -> dict[str, Any]:
    """The RayService of an overlay."""
    (found,) = [one for one in applied(KUBERAY / overlay) if one["kind"] == "RayService"]
    return found


def groups(service: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Its groups of pods by name, the head's as ``head``."""
    cluster = service["spec"]["rayClusterConfig"]
    return {"head": cluster["headGroupSpec"], **{group["groupName"]: group for group in cluster["workerGroupSpecs"]}}


def container(group: dict[str, Any]) -> dict[str, Any]:
    """The one container of a group's pods."""
    (found,) = group["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found
