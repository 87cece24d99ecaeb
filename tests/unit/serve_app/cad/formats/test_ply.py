"""What a PLY says is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from serve_app.base.errors import ServiceError
from serve_app.cad.parse import parse_cad
from tests.hostile.files import TRIANGLES, VERTICES, mixed_ply
from tests.unit.serve_app.cad.written import (
    LIMITS,
    coloured_ply,
    parse,
    ply_header,
)

STRIPS = """ply
format ascii 1.0
element vertex 6
property float x
property float y
property float z
element tristrips 2
property list int int vertex_indices
end_header
0 0 0
1 0 0
0 1 0
1 1 0
0 2 0
1 2 0
9 0 1 2 3 -1 2 3 4 5
4 0 0 1 2
"""


def test_strips_of_triangles_in_the_place_of_faces(tmp_path: Path) -> None:
    parsed = parse_cad(STRIPS.encode(), ".ply", tmp_path, LIMITS)
    assert any("triangle strips: SAM-6D's own reader, trimesh, finds no faces" in warning for warning in parsed.warnings)
    mesh = parsed.mesh
    corners = mesh.vertices[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # The last strip begins with a triangle without area, so that its second one is turned round.
    assert across[:, 2].tolist() == [1, 1, 1, 1, -1]
    with pytest.raises(ServiceError, match="refer to vertices it does not have"):
        parse_cad(STRIPS.replace("3 4 5", "3 4 6").encode(), ".ply", tmp_path, LIMITS)
    with pytest.raises(ServiceError, match="6 triangles, more than 5"):
        parse_cad(STRIPS.encode(), ".ply", tmp_path, dataclasses.replace(LIMITS, faces=5))
    with pytest.raises(ServiceError, match="holds no faces"):
        parse_cad(STRIPS.replace("list int int", "list int float").encode(), ".ply", tmp_path, LIMITS)


def test_normals_and_colours_of_a_ply_are_kept(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    mesh = parse(tmp_path, "coloured.ply", coloured_ply(wedge)).mesh
    assert mesh.vertex_colors is not None and mesh.corner_normals is not None
    assert mesh.vertex_colors[3].tolist() == [30, 20, 30, 255]
    assert np.allclose(mesh.corner_normals, wedge.vertex_normals[wedge.faces], atol=1e-5)


def test_ply_texture_and_uv_are_kept(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (0, 255, 0)).save(tmp_path / "skin.png")
    text = (
        "ply\nformat ascii 1.0\ncomment TextureFile skin.png\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
        "property float texture_u\nproperty float texture_v\nelement face 2\nproperty list uchar int vertex_indices\nend_header\n"
        "0 0 0 0 0\n9 0 0 1 0\n0 9 0 0 1\n0 0 9 1 1\n3 0 1 2\n3 0 1 3\n"
    )
    parsed = parse(tmp_path, "skin.ply", text)
    assert parsed.mesh.materials[0].textures == {"base_color": 0} and parsed.mesh.corner_uv is not None
    assert parsed.mesh.corner_uv[1].tolist() == [[0, 0], [1, 0], [1, 1]]


LISTED = (
    "ply\nformat ascii 1.0\ncomment TextureFile skin.png\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
    "element face {count}\nproperty list uchar int vertex_indices\nproperty list uchar float texcoord\nend_header\n"
    "0 0 0\n9 0 0\n9 9 0\n0 9 1\n"
)


def test_texture_coordinates_of_ply_faces(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (0, 255, 0)).save(tmp_path / "skin.png")
    triangles = "3 0 1 2 6 0 0 1 0 1 1\n3 0 2 3 6 .5 .5 1 1 0 1\n"
    uv = parse(tmp_path, "a.ply", LISTED.format(count=2) + triangles).mesh.corner_uv
    assert uv is not None and uv[0].tolist() == [[0, 0], [1, 0], [1, 1]] and uv[1].tolist() == [[0.5, 0.5], [1, 1], [0, 1]]


def test_polygons_with_lists_of_their_own_keep_their_shape(tmp_path: Path) -> None:
    mesh = parse(tmp_path, "a.ply", LISTED.format(count=2) + "4 0 1 2 3 8 0 0 1 0 1 1 0 1\n3 0 1 2 6 0 0 1 0 1 1\n").mesh
    assert len(mesh.faces) == 3


@pytest.mark.parametrize(("kind", "value", "expected"), [("uchar", "128", 128), ("ushort", "32896", 128), ("float", "0.5", 128)])
def test_ply_colours_of_every_type(kind: str, value: str, expected: int, tmp_path: Path) -> None:
    extra = "".join(f"property {kind} {name}\n" for name in ("red", "green", "blue"))
    rows = "".join(f"{point} {value} {value} {value}\n" for point in ("0 0 0", "9 0 0", "0 9 0"))
    mesh = parse(tmp_path, "a.ply", ply_header("ascii", 3, 1, extra) + rows + "3 0 1 2\n").mesh
    assert mesh.vertex_colors is not None and abs(int(mesh.vertex_colors[0, 0]) - expected) <= 1 and mesh.vertex_colors[0, 3] == 255


def test_a_missing_ply_texture_leaves_the_colours(tmp_path: Path) -> None:
    text = (
        "ply\nformat ascii 1.0\ncomment TextureFile gone.png\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
        "property float texture_u\nproperty float texture_v\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
        "element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0 0 0 9 8 7\n9 0 0 1 0 9 8 7\n0 9 0 0 1 9 8 7\n3 0 1 2\n"
    )
    parsed = parse(tmp_path, "a.ply", text)
    assert parsed.mesh.materials[0].textures == {} and parsed.mesh.vertex_colors is not None
    assert parsed.mesh.vertex_colors[0].tolist() == [9, 8, 7, 255] and any("gone.png" in warning for warning in parsed.warnings)


@pytest.mark.parametrize("order", ["<", ">"])
def test_polygons_of_several_sizes_in_a_binary_ply(order: str, tmp_path: Path) -> None:
    mesh = parse(tmp_path, "a.ply", mixed_ply(order)).mesh
    corners = [mesh.vertices[face].tolist() for face in mesh.faces]
    expected = [(0, 1, 2), (0, 2, 3), *TRIANGLES]
    assert corners == [[list(map(float, VERTICES[i])) for i in face] for face in expected]


def test_colours_of_ply_faces(tmp_path: Path) -> None:
    header = ply_header("ascii", 4, 2).replace("end_header", "property uchar red\nproperty uchar green\nproperty uchar blue\nend_header")
    mesh = parse(tmp_path, "a.ply", header + "0 0 0\n9 0 0\n9 9 0\n0 9 1\n4 0 1 2 3 7 8 9\n3 0 1 2 1 2 3\n").mesh
    assert mesh.vertex_colors is not None and len(mesh.vertices) == 9
    assert mesh.vertex_colors[mesh.faces].tolist() == [[[7, 8, 9, 255]] * 3] * 2 + [[[1, 2, 3, 255]] * 3]


def test_polygons_keep_their_own_texture_coordinates(tmp_path: Path) -> None:
    uv = parse(tmp_path, "a.ply", LISTED.format(count=2) + "4 0 1 2 3 8 0 0 1 0 1 1 0 1\n3 0 1 2 6 0 0 .5 0 1 1\n").mesh.corner_uv
    assert uv is not None
    assert uv.tolist() == [[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]], [[0, 0], [0.5, 0], [1, 1]]]
