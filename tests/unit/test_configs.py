"""Ray ignores a mistyped key of a config without a word; these tests do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError
from ray.serve.schema import ServeDeploySchema

from serve_app.app import AppArgs, build

ROOT = Path(__file__).parents[2]
CONFIGS = [ROOT / "serve_config.yaml", *sorted((ROOT / "cluster").glob("serve_config*.yaml"))]


def unknown_keys(content: dict[str, Any], model: type[BaseModel], where: str = "") -> list[str]:
    """Keys that the model, or a model inside it, does not have."""
    found = [f"{where}{key}" for key in content if key not in model.model_fields]
    for key, value in content.items():
        if key not in model.model_fields:
            continue
        for inner in _models_in(model.model_fields[key].annotation):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and key != "args":
                    found += unknown_keys(item, inner, f"{where}{key}.")
    return found


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models_in(inner)]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_key_is_one_that_ray_knows(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    assert unknown_keys(content, ServeDeploySchema) == []
    ServeDeploySchema.model_validate(content)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_config_builds(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    assert len(CONFIGS) >= 2 and content["http_options"]["port"] == 8004
    for application in content["applications"]:
        assert application["import_path"] == "serve_app.app:build"
        build(AppArgs.model_validate(application["args"]))


def test_the_check_sees_a_mistyped_key() -> None:
    content = yaml.safe_load(CONFIGS[0].read_text())
    content["http_options"]["prot"] = 1
    content["aplications"] = []
    content["applications"][0]["route_prefx"] = "/"
    assert sorted(unknown_keys(content, ServeDeploySchema)) == ["aplications", "applications.route_prefx", "http_options.prot"]


def test_a_mistyped_arg_is_refused() -> None:
    with pytest.raises(ValidationError):
        AppArgs.model_validate({"max_renderer": 3})
    with pytest.raises(ValidationError, match="must not exceed"):
        AppArgs(min_renderers=3, max_renderers=2)


@pytest.mark.parametrize(("gpus", "bundle"), [(0, {"CPU": 0.4}), (1, {"CPU": 0.4, "GPU": 1}), (0.5, {"CPU": 0.4, "GPU": 0.5})])
def test_shell_and_blender_are_scheduled_together(gpus: float, bundle: dict[str, float]) -> None:
    options = AppArgs(gpus_per_renderer=gpus).worker_options(300)
    assert options["placement_group_bundles"] == [{"CPU": 0.1}, bundle]
    assert options["placement_group_strategy"] == "STRICT_PACK" and options["max_ongoing_requests"] == 1


def test_the_ingress_stands_where_the_config_says() -> None:
    args = AppArgs(ingress_resources={"render_data": 0.01}, settings={"device": "CUDA", "drain_grace_sec": 7})
    ingress = build(args)._bound_deployment
    assert ingress.ray_actor_options == {"num_cpus": 0, "resources": {"render_data": 0.01}}
    deployed = ingress.init_args[3]
    assert deployed.placed and deployed.settings == {"device": "CUDA", "drain_grace_sec": 7.0}
    assert not build(AppArgs())._bound_deployment.init_args[3].placed


@pytest.mark.parametrize(
    ("settings", "told"), [({"api_key": "secret"}, "api_key must not stand"), ({"RENDER_DEVICE": "CPU"}, "is no setting")]
)
def test_settings_that_a_config_must_not_have_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        AppArgs(settings=settings)


def test_two_default_renderers_fit_two_cores() -> None:
    args = AppArgs()
    assert args.max_renderers * (args.shell_cpus + args.cpus_per_renderer) <= 2


def test_no_renderer_need_be_kept_and_one_that_goes_ends_its_batch_first() -> None:
    options = AppArgs(min_renderers=0, max_renderers=3).worker_options(view_timeout_sec=77)
    scaling = options["autoscaling_config"]
    assert (scaling.min_replicas, scaling.initial_replicas, scaling.max_replicas) == (0, 0, 3)
    assert options["graceful_shutdown_timeout_s"] == 77
