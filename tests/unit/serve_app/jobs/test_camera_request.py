from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from serve_app.jobs.request import RenderRequest

GOOD = {"cad_path": "a.ply", "output_dir": "out"}
K = [[100, 0, 31.5], [0, 110, 39.5], [0, 0, 1]]
IMAGE = {"K": K, "width": 64, "height": 80}
SCHEMA = Draft202012Validator(RenderRequest.model_json_schema())


def request(camera: Any, **options: Any) -> RenderRequest:
    """One that is good, and good by the OpenAPI document."""
    body = {**GOOD, **options, "camera": camera}
    assert SCHEMA.is_valid(body), list(SCHEMA.iter_errors(body))
    return RenderRequest.model_validate(body)


def refusal(camera: Any, *, told: bool = True, **options: Any) -> tuple[str, str]:
    """Where a request is wrong, and what is said of it; ``told``: the OpenAPI document says so, too."""
    body = {**GOOD, **options, "camera": camera}
    assert SCHEMA.is_valid(body) is not told
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate(body)
    finding = caught.value.errors()[0]
    return ".".join(map(str, finding["loc"])), finding["msg"]


def test_without_a_camera_it_is_the_stock_one() -> None:
    for asked in (RenderRequest.model_validate(GOOD), request(None), request({}), request({"K": None, "width": None, "poses": {}})):
        assert asked.size == (512, 512) and asked.normalize and asked.poses.model_dump(exclude_none=True) == {}


@pytest.mark.parametrize("matrix", [K, {"fx": 100, "fy": 110, "cx": 31.5, "cy": 39.5}])
def test_a_matrix_is_given_as_such_or_by_its_numbers(matrix: Any) -> None:
    asked = request({**IMAGE, "K": matrix})
    assert asked.size == (64, 80)
    assert asked.camera is not None and asked.camera.K is not None
    assert asked.camera.K.model_dump() == {"fx": 100, "fy": 110, "cx": 31.5, "cy": 39.5}


@pytest.mark.parametrize(
    ("camera", "where", "words"),
    [
        ({"K": K}, "camera", "K given without width and height"),
        ({"width": 64}, "camera", "width given without K and height"),
        ({"K": K, "height": 64}, "camera", "K and height given without width"),
        ({**IMAGE, "crop": {"size": 64}}, "camera", "not both"),
        ({**IMAGE, "width": 63}, "camera.width", "greater than or equal to 64"),
        ({**IMAGE, "height": 2049}, "camera.height", "less than or equal to 2048"),
        ({**IMAGE, "height": "64"}, "camera.height", "a number"),
        ({**IMAGE, "K": [[100, 1, 31], *K[1:]]}, "camera.K", "without skew"),
        ({**IMAGE, "K": [*K[:2], [0, 0, 2]]}, "camera.K", "without skew"),
        ({**IMAGE, "K": K[:2]}, "camera.K", "3 rows of 3 numbers"),
        ({**IMAGE, "K": 572.4}, "camera.K", "3 rows of 3 numbers"),
        ({**IMAGE, "K": "stock"}, "camera.K", "3 rows of 3 numbers"),
        ({**IMAGE, "K": [*K[:2], [0, 0]]}, "camera.K", "3 rows of 3 numbers"),
        ({**IMAGE, "K": [[0, 0, 31], *K[1:]]}, "camera.K.fx", "greater than or equal to 1"),
        ({**IMAGE, "K": [["9", 0, 31], *K[1:]]}, "camera.K.fx", "a number"),
        ({**IMAGE, "K": {"fx": 100, "fy": 110, "cx": 31.5}}, "camera.K.cy", "required"),
        ({"distance_mm": 0}, "camera.distance_mm", "greater than or equal to"),
        ({"distance_mm": True}, "camera.distance_mm", "a number"),
        ({"poses": {"viewpoints": {"fibonacci": 0}}}, "camera.poses.viewpoints.fibonacci", "greater than or equal to 1"),
        ({"poses": {"viewpoints": {"fibonacci": 5, "in_plane": 2049}}}, "camera.poses.viewpoints.in_plane", "less than or equal to 2048"),
        ({"poses": {"level": 3}}, "camera.poses.level", "0, 1 or 2"),
        ({"poses": {"level": 1, "viewpoints": {"fibonacci": 5}}}, "camera.poses", "give level or viewpoints, not both"),
        ({"poses": {"level": 1, "camera_poses_path": "a.npy"}}, "camera.poses", "give level or camera_poses_path, not both"),
        ({"crop": {"size": 32}}, "camera.crop.size", "greater than or equal to 64"),
        ({"crop": {"size": 64, "pad": 0}}, "camera.crop.pad", "greater than or equal to 0.05"),
        ({"crop": {"pad": 0.2}}, "camera.crop.size", "required"),
        ({"fov": 1}, "camera.fov", "not permitted"),
    ],
)
def test_a_camera_that_cannot_be_is_refused_with_its_field(camera: Any, where: str, words: str) -> None:
    found, said = refusal(camera)
    assert found == where and words in said


def test_what_no_schema_can_say_is_refused_as_well() -> None:
    where, said = refusal({"poses": {"viewpoints": {"fibonacci": 1025, "in_plane": 2}}}, told=False)
    assert where == "camera.poses.viewpoints" and "2050 views, more than 2048" in said
    where, said = refusal({**IMAGE, "K": {"fx": 1, "fy": 101, "cx": 0, "cy": 0}}, told=False)
    assert where == "camera.K" and "factor of 100" in said


@pytest.mark.parametrize(
    ("options", "camera", "fields"),
    [
        ({"resolution": 512}, IMAGE, ("resolution", "camera.width")),
        ({"resolution": 64}, {"crop": {"size": 64}}, ("resolution", "camera.crop")),
        ({"level": 0}, {"poses": {"viewpoints": {"fibonacci": 5}}}, ("level", "camera.poses")),
        ({"camera_poses_path": "a.npy"}, {"poses": {"level": 1}}, ("camera_poses_path", "camera.poses")),
        ({"normalize": True}, {"distance_mm": 400}, ("normalize", "camera.distance_mm")),
    ],
)
def test_two_fields_that_say_the_same_are_refused_by_both_names(options: dict[str, Any], camera: Any, fields: tuple[str, str]) -> None:
    _, said = refusal(camera, **options)
    assert all(field in said for field in fields) and "not both" in said


def test_at_a_real_distance_the_cad_keeps_its_size() -> None:
    assert not request({"distance_mm": 400}).normalize and not request({"distance_mm": 400}, normalize=False).normalize


def test_viewpoints_are_counted() -> None:
    viewpoints = request({"poses": {"viewpoints": {"fibonacci": 57, "in_plane": 14}}}).poses.viewpoints
    assert viewpoints is not None and viewpoints.count == 798


@pytest.mark.parametrize(
    "camera",
    [
        None,
        {},
        IMAGE,
        {"distance_mm": 400.0},
        {"crop": {"size": 64}},
        {"poses": {"level": 2}},
        {**IMAGE, "distance_mm": 1.0, "poses": {"level": 1}},
    ],
)
def test_what_a_job_keeps_of_its_request_is_that_request(camera: Any) -> None:
    """A server that starts again reads the options of its unfinished jobs as a request."""
    from tests.unit.serve_app.made import make_spec

    spec = make_spec(camera=camera)
    again = RenderRequest.model_validate({**GOOD, **spec.options})
    assert (again.size, again.poses, again.camera, again.normalize) == (
        spec.request.size,
        spec.request.poses,
        spec.request.camera,
        spec.request.normalize,
    )
    assert ("resolution" in spec.options) is (camera is None or not {"K", "crop"} & camera.keys())
