"""One shape in every format that is read gives the same templates, and a broken one a clear refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from render_actor.contract.types import CadMesh
from render_actor.view.xyz_raycast import ObjectCoordinates
from serve_app.base.errors import ServiceError
from serve_app.cad.mesh.geometry import bounds, double_areas
from tests.unit.render_actor.view.test_xyz_raycast import scene_for
from tests.unit.serve_app.cad.written import (
    TRIANGLE,
    WRITERS,
    ascii_ply,
    coloured_ply,
    obj_text,
    parse,
    ply_header,
)


def templates(mesh: CadMesh, view: int):  # type: ignore[no-untyped-def]
    return ObjectCoordinates(mesh.vertices, mesh.faces).cast(scene_for(mesh.vertices), view)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_masks_and_xyz(name: str, wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    reference = parse(tmp_path, "wedge.ply", ascii_ply(wedge)).mesh
    mesh = parse(tmp_path, name, WRITERS[name](wedge)).mesh
    assert len(mesh.faces) == len(reference.faces)
    for view in (0, 8, 33):
        (mask, xyz), (expected_mask, expected_xyz) = templates(mesh, view), templates(reference, view)
        assert (mask ^ expected_mask).sum() <= 2
        both = mask & expected_mask
        assert np.abs(xyz[both].astype(np.float32) - expected_xyz[both]).max() < 0.05


def test_without_normals_there_are_none(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    for name in ("little.ply", "one.obj", "binary.stl"):
        assert parse(tmp_path, name, WRITERS[name](wedge)).mesh.corner_normals is None
    textured = "v 0 0 0\nv 9 0 0\nv 0 9 0\nv 0 0 9\nvt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 3/3\nf 1/1 2/2 4/3\n"
    assert parse(tmp_path, "textured.obj", textured).mesh.corner_normals is None


def test_a_cad_without_looks_is_grey_and_says_so(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    parsed = parse(tmp_path, "plain.ply", ascii_ply(wedge))
    assert any("neutral grey" in warning for warning in parsed.warnings)
    assert not any("grey" in warning for warning in parse(tmp_path, "coloured.ply", coloured_ply(wedge)).warnings)


def test_the_diameter_is_that_of_the_mesh(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    apart = wedge.vertices[:, None] - wedge.vertices
    parsed = parse(tmp_path, "wedge.stl", trimesh.exchange.stl.export_stl(wedge))
    assert parsed.diameter == pytest.approx(np.linalg.norm(apart, axis=2).max(), rel=1e-6)


def test_the_key_changes_with_the_cad_and_with_its_texture(tmp_path: Path, wedge: trimesh.Trimesh) -> None:
    (tmp_path / "wedge.mtl").write_text("newmtl paint\nKd 1 0 0\n")
    first = parse(tmp_path, "one.obj", obj_text(wedge)).mesh.key
    assert parse(tmp_path, "one.obj", obj_text(wedge)).mesh.key == first
    (tmp_path / "wedge.mtl").write_text("newmtl paint\nKd 0 1 0\n")
    assert parse(tmp_path, "one.obj", obj_text(wedge)).mesh.key != first
    assert parse(tmp_path, "one.obj", obj_text(wedge) + "# more\n").mesh.key != first


BROKEN: dict[str, tuple[bytes | str, str]] = {
    "empty.ply": (b"", "cannot be read"),
    "noise.stl": (bytes(range(256)) * 3, "invalid format"),
    "text.obj": ("hello world\n", "invalid format"),
    "points.ply": (
        "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\nend_header\n0 0 0\n1 1 1\n",
        "no faces",
    ),
    "points.obj": ("v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces"),
    "dot.obj": ("v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "no size"),
    "nan.obj": ("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "NaN"),
    "inf.obj": ("v inf 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "infinite"),
    "outside.ply": (ply_header("ascii", 3, 1) + "0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n", "invalid format"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_in_the_words_users_know(name: str, tmp_path: Path) -> None:
    data, words = BROKEN[name]
    with pytest.raises(ServiceError) as caught:
        parse(tmp_path, name, data)
    assert caught.value.code == "cad_invalid" and caught.value.field == "cad_path"
    assert caught.value.detail.startswith("CAD file not found or invalid format") and words in caught.value.detail


@pytest.mark.parametrize("stray", ["nan nan nan", "1e9 0 0"])
def test_a_vertex_that_no_face_uses_decides_nothing(stray: str, tmp_path: Path) -> None:
    mesh = parse(tmp_path, "a.ply", ply_header("ascii", 4, 1) + f"0 0 0\n9 0 0\n0 9 0\n{stray}\n3 0 1 2\n").mesh
    assert len(mesh.vertices) == 3 and np.abs(mesh.vertices).max() == 9


def test_warnings_are_few_however_many_there_are(tmp_path: Path) -> None:
    libraries = "".join(f"mtllib {number}.mtl\n" for number in range(200))
    warnings = parse(tmp_path, "a.obj", libraries + TRIANGLE + "f 1 2 3\n").warnings
    assert len(warnings) == 20 and warnings[-1] == "182 more warnings of this kind"


def test_faces_that_lie_over_each_other_by_the_thousand_are_refused(tmp_path: Path) -> None:
    assert len(parse(tmp_path, "a.obj", TRIANGLE + "f 1 2 3\n" * 1900).mesh.faces) == 1900
    with pytest.raises(ServiceError, match="over each other"):
        parse(tmp_path, "a.obj", TRIANGLE + "f 1 2 3\n" * 2100)


def test_bounds_and_areas_are_those_of_numpy() -> None:
    points = np.random.default_rng(5).normal(size=(30, 3)) * [1e-9, 1, 1e9]
    low, high = bounds(points)
    assert np.array_equal(low, points.min(axis=0)) and np.array_equal(high, points.max(axis=0))
    corners = points.reshape(-1, 3, 3)
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert np.array_equal(double_areas(corners), np.linalg.norm(crossed, axis=1))
