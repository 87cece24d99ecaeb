"""The KubeRay form: a mistyped key is dropped by Kubernetes without a word; these tests do not."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import pytest
import yaml

from serve_app.app import AppArgs
from tests.unit.cluster.overlay import KUBERAY, OVERLAYS, ROOT, applied, container, groups, ray_service, real_kustomize
from tests.unit.cluster.structural_schema import complaints, strict

CRD = ROOT.parent / "shared" / "reference" / "kuberay" / "ray.io_rayservices.yaml"

needs_schema = pytest.mark.skipif(not CRD.exists(), reason="KubeRay's schema does not lie beside the project")
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


@cache
def kuberay_schema() -> dict[str, Any]:
    (version,) = [one for one in yaml.safe_load(CRD.read_text())["spec"]["versions"] if one["name"] == "v1"]
    schema = strict(version["schema"]["openAPIV3Schema"])
    # Kubernetes' own, which a CRD does not repeat.
    schema["properties"]["metadata"] = {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": False}
    return schema


def args_of(service: dict[str, Any]) -> AppArgs:
    return AppArgs.model_validate(yaml.safe_load(service["spec"]["serveConfigV2"])["applications"][0]["args"])


@needs_schema
@overlays
def test_every_key_is_one_that_kuberay_knows(overlay: str) -> None:
    assert complaints(kuberay_schema(), ray_service(overlay)) == []


@needs_schema
def test_the_schema_sees_a_mistyped_key_and_a_value_of_another_type() -> None:
    service = copy.deepcopy(ray_service("gpu"))
    cluster = service["spec"]["rayClusterConfig"]
    cluster["enableInTreeAutoscalng"] = True
    cluster["workerGroupSpecs"][1]["maxReplicas"] = "8"
    cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] = 0
    container(cluster["headGroupSpec"])["volumeMount"] = []
    assert len(complaints(kuberay_schema(), service)) == 4


@needs_schema
@overlays
def test_the_other_objects_have_no_unknown_keys_either(overlay: str) -> None:
    """Kubernetes' own schemas of pods, claims and Services are part of KubeRay's."""
    cluster = kuberay_schema()["properties"]["spec"]["properties"]["rayClusterConfig"]["properties"]
    pod = cluster["headGroupSpec"]["properties"]["template"]["properties"]["spec"]
    claim = pod["properties"]["volumes"]["items"]["properties"]["ephemeral"]["properties"]["volumeClaimTemplate"]["properties"]["spec"]
    service = cluster["headGroupSpec"]["properties"]["headService"]["properties"]["spec"]
    checked = []
    for one in applied(KUBERAY / overlay):
        if one["kind"] == "StatefulSet":
            assert complaints(pod, one["spec"]["template"]["spec"]) == []
            assert [complaints(claim, template["spec"]) for template in one["spec"]["volumeClaimTemplates"]] == [[]]
        elif one["kind"] in ("PersistentVolumeClaim", "Service"):
            assert complaints(claim if one["kind"] == "PersistentVolumeClaim" else service, one["spec"]) == []
        checked.append(one["kind"])
    assert sorted(checked) == [
        "ConfigMap", "PersistentVolumeClaim", "PersistentVolumeClaim", "RayService", "Service", "Service", "StatefulSet"
    ]  # fmt: skip


@overlays
def test_kustomize_makes_the_same_of_it(overlay: str) -> None:
    made = real_kustomize(KUBERAY / overlay)
    if made is None:
        pytest.skip("neither kustomize nor kubectl is on this machine")

    def ordered(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(objects, key=lambda one: (one["kind"], one["metadata"]["name"]))

    assert ordered(made) == ordered(applied(KUBERAY / overlay))


@overlays
def test_the_serve_config_is_the_file_of_that_name(overlay: str) -> None:
    assert ray_service(overlay)["spec"]["serveConfigV2"] == (ROOT / "cluster" / f"serve_config.nodes.{overlay}.yaml").read_text()


@overlays
def test_the_ingress_stands_where_the_data_is_and_nothing_else_does(overlay: str) -> None:
    service = ray_service(overlay)
    carriers = [name for name, group in groups(service).items() if "resources" in group["rayStartParams"]]
    assert carriers == ["service"]
    group = groups(service)["service"]
    # KubeRay puts the value into a shell's command line as it is.
    assert json.loads(json.loads(group["rayStartParams"]["resources"])) == {"render_data": 1}
    assert (group["replicas"], group["minReplicas"], group["maxReplicas"]) == (1, 1, 1)
    args = args_of(service)
    assert args.ingress_resources == {"render_data": 0.01}
    assert group["rayStartParams"]["num-cpus"] == "0"
    assert groups(service)["head"]["rayStartParams"]["num-cpus"] == "0"


@overlays
def test_the_renderers_pods_have_room_for_the_renderers_and_no_more_machines_than_that(overlay: str) -> None:
    service = ray_service(overlay)
    group, args = groups(service)["renderers"], args_of(service)
    limits = container(group)["resources"]["limits"]
    a_pod = int(limits["cpu"]) / (args.shell_cpus + args.cpus_per_renderer)
    if args.gpus_per_renderer:
        a_pod = min(a_pod, limits["nvidia.com/gpu"] / args.gpus_per_renderer)
    assert a_pod * group["maxReplicas"] >= args.max_renderers > a_pod * (group["maxReplicas"] - 1)
    assert a_pod * group["minReplicas"] >= args.min_renderers


def test_only_the_gpu_form_asks_for_gpus() -> None:
    asked = {overlay: json.dumps(groups(ray_service(overlay))) for overlay in OVERLAYS}
    assert "nvidia.com/gpu" in asked["gpu"] and "nvidia.com/gpu" not in asked["cpu"]


@overlays
def test_ready_tells_whether_the_http_service_gets_requests_and_the_head_does_not_wait_for_it(overlay: str) -> None:
    found = groups(ray_service(overlay))
    # KubeRay deploys the application when the head is ready: a head that waited for the application would never be.
    assert "readinessProbe" not in container(found["head"])
    assert "readinessProbe" not in container(found["renderers"])  # KubeRay's own, which needs a port of the name `serve`.
    assert container(found["service"])["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "serve"}
    (http,) = [one for one in applied(KUBERAY / overlay) if one["kind"] == "Service" and one["metadata"]["name"] == "render-server"]
    assert http["spec"]["selector"].items() <= found["service"]["template"]["metadata"]["labels"].items()
    assert [port["targetPort"] for port in http["spec"]["ports"]] == ["serve"]
    for group in found.values():
        assert {"name": "serve", "containerPort": 8004} in container(group)["ports"]


@overlays
def test_what_pods_and_claims_call_each_other_is_there(overlay: str) -> None:
    objects = applied(KUBERAY / overlay)
    claims = {one["metadata"]["name"] for one in objects if one["kind"] == "PersistentVolumeClaim"}
    maps = {one["metadata"]["name"] for one in objects if one["kind"] == "ConfigMap"}
    used = set()
    for group in groups(ray_service(overlay)).values():
        volumes = {volume["name"]: volume for volume in group["template"]["spec"]["volumes"]}
        assert {mount["name"] for mount in container(group)["volumeMounts"]} == set(volumes)
        used |= {volume["persistentVolumeClaim"]["claimName"] for volume in volumes.values() if "persistentVolumeClaim" in volume}
        assert {source["configMapRef"]["name"] for source in container(group)["envFrom"]} <= maps
    assert used == claims == {"render-data", "render-outputs"}


@overlays
def test_keys_come_from_one_secret_and_the_api_key_is_a_file(overlay: str) -> None:
    objects = applied(KUBERAY / overlay)
    text = json.dumps(objects)
    assert "RENDER_API_KEY_FILE" in text and '"RENDER_API_KEY"' not in text
    service = ray_service(overlay)
    cluster = service["spec"]["rayClusterConfig"]
    assert cluster["authOptions"] == {"mode": "token", "secretName": "render-server"}
    assert cluster["gcsFaultToleranceOptions"]["redisPassword"]["valueFrom"]["secretKeyRef"] == {
        "name": "render-server",
        "key": "redis_password",
    }
    with_key = [name for name, group in groups(service).items() if "api_key" in json.dumps(group)]
    assert with_key == ["service"]


@overlays
def test_pods_are_nobody_special(overlay: str) -> None:
    for group in groups(ray_service(overlay)).values():
        pod = group["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == 1000
        security = container(group)["securityContext"]
        assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
        # What is written nonetheless: Ray's and Blender's temporary files, and what both keep in the home folder.
        assert {"/tmp", "/var/lib/render-server"} <= {mount["mountPath"] for mount in container(group)["volumeMounts"]}
