"""When the mesh goes along, where the request does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs.request import RenderRequest
from serve_app.service.layout_request import completed


@pytest.mark.parametrize(
    ("name", "options", "outputs"),
    [
        ("a.stl", {}, []),
        ("a.OBJ", {"unit": "mm"}, []),
        ("a.ply", {"unit": "inch"}, ["mesh"]),
        ("a.step", {}, ["mesh"]),
        ("a.glb", {"unit": "mm"}, ["mesh"]),
        ("a.step", {"outputs": []}, []),
        ("a.step", {"outputs": ["depth", "depth"]}, ["depth"]),
        ("a.stl", {"outputs": ["mesh"]}, ["mesh"]),
        ("a.step", {"layout": "cnos"}, []),
    ],
)
def test_the_mesh_goes_along_where_the_cad_is_not_in_mm(name: str, options: dict[str, Any], outputs: list[str]) -> None:
    request = completed(RenderRequest(cad_path=name, output_dir="out", **options), Path(name))
    assert request.outputs == outputs and completed(request, Path(name)) == request


def test_a_layout_without_outputs_has_no_mesh_either() -> None:
    with pytest.raises(ServiceError, match="mesh") as caught:
        completed(RenderRequest(cad_path="a.step", output_dir="out", layout="bop", outputs=["mesh"]), Path("a.step"))
    assert caught.value.field == "outputs"
