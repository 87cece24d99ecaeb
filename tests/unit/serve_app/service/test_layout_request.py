"""What a request is completed with by its layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs import request as request_module
from serve_app.jobs.request import LayoutName, RenderRequest
from serve_app.service.layout_request import completed
from serve_app.templates.layouts import layout as layout_module
from serve_app.templates.layouts.registry import LAYOUTS, published_folder

CAD = Path("/in/obj_000005.ply")


def request(**options: Any) -> RenderRequest:
    return completed(RenderRequest(cad_path=str(CAD), output_dir="/out/lm", **options), CAD)


def test_requests_name_every_layout_and_every_output() -> None:
    assert set(get_args(LayoutName)) == set(LAYOUTS)
    assert get_args(request_module.Output) == get_args(layout_module.Output)


def test_a_request_of_the_default_layout_stays_as_it_is() -> None:
    asked = RenderRequest(cad_path=str(CAD), output_dir="/out/lm")
    assert completed(asked, CAD).model_dump() == asked.model_dump() | {"object_id": 5, "outputs": []}


@pytest.mark.parametrize(
    ("name", "number"),
    [("obj_000005", 5), ("mug", 1), ("part12_v3", 3), ("0", 0), ("scan-20260131", 1), ("x" + "9" * 300, 1), ("Motor 7", 7)],
)
def test_the_objects_number_is_that_which_the_cads_name_ends_in(name: str, number: int) -> None:
    asked = RenderRequest(cad_path="a.ply", output_dir="/out")
    assert completed(asked, Path(f"/in/{name}.ply")).object_id == number
    assert completed(asked.model_copy(update={"object_id": 77}), Path(f"/in/{name}.ply")).object_id == 77


def camera_of(asked: RenderRequest) -> dict[str, Any]:
    return asked.camera.model_dump(exclude_none=True) if asked.camera else {}


def test_a_layouts_camera_is_taken_where_the_request_has_none() -> None:
    cnos = request(layout="cnos")
    assert cnos.size == (640, 480) and camera_of(cnos)["K"]["fx"] == 572.4114 and camera_of(cnos)["distance_mm"] == 400
    assert not cnos.normalize and request(layout="gigapose").level == 1
    assert camera_of(request(layout="sam6d-bop")) == {"distance_diameters": 2.0} and not request(layout="sam6d-bop").normalize
    foundpose = request(layout="foundpose")
    assert foundpose.poses.viewpoints is not None and foundpose.poses.viewpoints.count == 798 and foundpose.size == (420, 420)


@pytest.mark.parametrize(
    ("options", "there", "gone"),
    [
        ({"layout": "cnos", "resolution": 128}, {"distance_mm"}, {"K", "width"}),
        ({"layout": "cnos", "normalize": True}, {"K", "width", "height"}, {"distance_mm"}),
        ({"layout": "cnos", "camera": {"distance_diameters": 3.0}}, {"K", "distance_diameters"}, {"distance_mm"}),
        ({"layout": "foundpose", "level": 0}, {"crop"}, {"poses"}),
        ({"layout": "foundpose", "camera": {"poses": {"level": 0}}}, {"crop", "poses"}, set()),
        ({"layout": "foundpose", "resolution": 64}, {"poses"}, {"crop"}),
        ({"layout": "gigapose", "camera": {"poses": {"viewpoints": {"fibonacci": 3}}}}, {"K", "poses"}, set()),
        ({"layout": "sam6d-bop", "normalize": True}, set(), {"distance_diameters"}),
        ({"layout": "sam6d-bop", "camera": {"distance_mm": 300.0}}, {"distance_mm"}, {"distance_diameters"}),
    ],
)
def test_what_a_request_says_goes_before_a_layouts_default_of_the_same_kind(
    options: dict[str, Any], there: set[str], gone: set[str]
) -> None:  # fmt: skip
    asked = request(**options)
    assert there <= set(camera_of(asked)) and not gone & set(camera_of(asked))


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("options", [{}, {"level": 0}, {"normalize": True, "level": 0}, {"camera": {"distance_mm": 500.0}, "level": 0}])
def test_a_completed_request_stays_as_it_is_also_out_of_the_store(name: str, options: dict[str, Any]) -> None:
    asked = request(layout=name, **options)
    stored = asked.model_dump(exclude={"resolution"} if asked.camera and asked.camera.size else set())
    again = RenderRequest(**stored)
    assert again.model_dump() == asked.model_dump() and completed(again, CAD).model_dump() == asked.model_dump()


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        ({"layout": "cnos", "outputs": ["depth"]}, "outputs", "layout cnos has its own files"),
        ({"layout": "sam6d-bop", "outputs": ["mesh"]}, "outputs", "have the mesh by layout sam6d, and copy model_mm.ply there"),
        ({"layout": "bop", "templates_subfolder": False}, "templates_subfolder", "a folder for each object"),
        ({"layout": "cnos", "camera": {"poses": {"viewpoints": {"fibonacci": 3}}}}, "layout", "level 0, 1 or 2"),
        ({"layout": "gigapose", "resolution": 128}, "layout", "one camera"),
    ],
)
def test_what_a_layout_cannot_have_is_refused_with_the_remedy(options: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ServiceError, match=words) as caught:
        request(**options)
    assert caught.value.code == "validation_error" and caught.value.field == field


def test_the_published_folder_is_the_layouts() -> None:
    assert published_folder("sam6d", None) == "templates" and published_folder("sam6d", 5, templates_subfolder=False) == ""
    assert published_folder("bop", 5) == "000005"
