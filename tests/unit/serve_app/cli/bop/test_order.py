from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from serve_app.cli.bop.models import Model
from serve_app.cli.bop.order import Order, orders_of
from serve_app.cli.exit_codes import UsageError
from serve_app.templates.layouts.registry import LAYOUTS

DIAMETER = 102.5


@pytest.fixture
def model(tmp_path: Path) -> Model:
    path = tmp_path / "obj_000005.ply"
    path.write_text("a CAD")
    return Model(5, path, DIAMETER)


def order(model: Model, layout: str = "cnos", distance_diameters: float | None = None, version: str = "1", **options: Any) -> Order:
    return orders_of([model], LAYOUTS[layout], Path("/out/lm"), "lm", options, distance_diameters, version)[0]


def test_a_request_names_the_object_and_its_dataset(model: Model) -> None:
    assert order(model, quality="draft").body == {
        "cad_path": str(model.path),
        "output_dir": "/out/lm",
        "layout": "cnos",
        "object_id": 5,
        "dataset": "lm",
        "priority": "batch",
        "quality": "draft",
    }
    assert order(model).folder == Path("/out/lm/obj_000005")


def test_objects_whose_folders_have_one_name_are_kept_apart(model: Model) -> None:
    assert order(model, "sam6d").body["output_dir"] == "/out/lm/obj_000005"
    assert order(model, "sam6d").folder == Path("/out/lm/obj_000005/templates")


def test_a_layout_that_scales_by_the_diameter_gets_it_from_models_info(model: Model) -> None:
    assert order(model, "sam6d-bop").body["camera"] == {"distance_mm": 2 * DIAMETER}
    assert order(model, "sam6d-bop", unit="m").body["camera"] == {"distance_mm": 2000 * DIAMETER}
    assert order(model, "sam6d-bop", camera={"distance_mm": 7}).body["camera"] == {"distance_mm": 7}
    assert "camera" not in order(Model(5, model.path, None), "sam6d-bop").body  # The server measures it.


def test_a_distance_in_diameters_goes_beside_the_rest_of_the_camera(model: Model) -> None:
    camera = {"crop": {"size": 420}}
    assert order(model, "foundpose", 3.0, camera=camera).body["camera"] == {**camera, "distance_mm": 3 * DIAMETER}


@pytest.mark.parametrize("options", [{"camera": {"distance_mm": 7}}, {"camera": {"distance_diameters": 7}}, {"normalize": True}])
def test_a_distance_that_is_told_twice_is_refused(model: Model, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="not two of them"):
        order(model, distance_diameters=2.0, **options)


def test_a_diameter_that_the_dataset_does_not_tell_is_the_server_s_to_measure(model: Model) -> None:
    unknown = Model(5, model.path, None)
    assert order(unknown, distance_diameters=3.0).body["camera"] == {"distance_diameters": 3.0}


def test_the_same_command_has_the_same_job_ids_and_each_attempt_its_own(model: Model) -> None:
    first = order(model)
    assert first.job_id(1) == order(model).job_id(1) and first.job_id(2) == f"{first.job_id(1)}-2"
    assert len(first.job_id(99)) <= 50


def test_whatever_changes_the_files_changes_the_job_id(model: Model, tmp_path: Path) -> None:
    seen = {order(model).job_id(1)}

    def is_new(changed: Order) -> bool:
        known = changed.job_id(1) in seen
        seen.add(changed.job_id(1))
        return not known

    assert is_new(order(model, "sam6d")) and is_new(order(model, quality="draft")) and is_new(order(model, version="2"))
    model.path.write_text("another CAD")
    assert is_new(order(model))
    texture = tmp_path / "obj_000005.png"
    texture.write_bytes(b"an image")
    assert is_new(order(model))
    os.utime(texture, ns=(1, 1))
    assert is_new(order(model))
    assert not is_new(order(model))
    poses = tmp_path / "poses.npy"
    for content in (b"two views", b"three views"):
        poses.write_bytes(content)
        assert is_new(order(model, camera_poses_path=str(poses)))
