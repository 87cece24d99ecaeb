"""The mesh that was rendered comes back from its file, as our own reader and trimesh read it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from render_actor.contract.model_file import MESH_COMMENT
from render_actor.contract.types import CadMesh, SurfaceMaterial
from serve_app.base.settings import Settings
from serve_app.cad.formats.ply_writer import ply_in_mm
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.geometry import face_normals
from serve_app.cad.parse import parse_cad

LIMITS = CadLimits.from_settings(Settings())
VERTICES = np.array([[0.0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 4]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], dtype=np.int32)


def mesh(**changes: Any) -> CadMesh:
    values: dict[str, Any] = {
        "key": "",
        "vertices": VERTICES,
        "faces": FACES,
        "corner_normals": None,
        "vertex_colors": None,
        "corner_uv": None,
        "face_materials": np.zeros(4, dtype=np.int32),
        "materials": (SurfaceMaterial(),),
        "textures": (),
    }
    return CadMesh(**{**values, **changes})


def written(what: CadMesh, mm: float = 1.0) -> bytes:
    return b"".join(ply_in_mm(what, mm))


def read(data: bytes) -> CadMesh:
    return parse_cad(data, ".ply", Path("/"), LIMITS).mesh


def test_a_mesh_comes_back_in_mm() -> None:
    data = written(mesh(), 25.4)
    assert MESH_COMMENT.encode() in data[:256]
    again = read(data)
    assert np.array_equal(again.vertices, VERTICES * 25.4) and np.array_equal(again.faces, FACES)
    assert again.corner_normals is None and again.vertex_colors is None
    loaded = trimesh.load_mesh(io.BytesIO(data), file_type="ply", process=False)
    assert np.array_equal(loaded.vertices, VERTICES * 25.4) and np.array_equal(loaded.faces, FACES)


def test_corners_keep_their_normals() -> None:
    flat = np.repeat(face_normals(VERTICES, FACES.astype(np.int64))[:, None], 3, axis=1).astype(np.float32)
    flat[0] *= -1.0  # Whatever the file has said.
    again = read(written(mesh(corner_normals=flat)))
    assert again.corner_normals is not None and np.allclose(again.corner_normals, flat, atol=1e-6)
    assert len(again.vertices) == 12 and np.array_equal(again.vertices[again.faces], VERTICES[FACES])


def test_vertices_are_shared_where_their_normals_are() -> None:
    outwards = (VERTICES - VERTICES.mean(axis=0)).astype(np.float32)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    again = read(written(mesh(corner_normals=outwards[FACES])))
    assert again.corner_normals is not None and np.allclose(again.corner_normals, outwards[FACES], atol=1e-6)
    assert len(again.vertices) == 4


def test_vertex_colours_are_kept() -> None:
    colors = np.array([[255, 0, 0, 255], [0, 255, 0, 128], [1, 2, 3, 255], [9, 9, 9, 9]], dtype=np.uint8)
    data = written(mesh(vertex_colors=colors, corner_normals=np.full((4, 3, 3), 3**-0.5, dtype=np.float32)))
    again = read(data).vertex_colors
    assert again is not None and np.array_equal(again, colors)
    loaded = trimesh.load_mesh(io.BytesIO(data), file_type="ply", process=False)
    assert np.array_equal(loaded.visual.vertex_colors, colors)


def test_plain_materials_become_srgb_colours() -> None:
    apart, faces = VERTICES[FACES].reshape(-1, 3), np.arange(12, dtype=np.int32).reshape(4, 3)
    materials = (SurfaceMaterial(base_color=(1.0, 0.0, 0.5)), SurfaceMaterial(base_color=(0.8, 0.8, 0.8), alpha=0.5))
    which = np.array([0, 1, 0, 1], dtype=np.int32)
    colors = read(written(mesh(vertices=apart, faces=faces, materials=materials, face_materials=which))).vertex_colors
    assert colors is not None
    assert colors[faces[0]].tolist() == [[255, 0, 188, 255]] * 3 and colors[faces[3]].tolist() == [[231, 231, 231, 128]] * 3


@pytest.mark.parametrize("turns", [0, 1, -2])
def test_a_texture_becomes_the_colour_that_it_has_at_each_vertex(turns: int) -> None:
    image = np.zeros((2, 2, 4), dtype=np.uint8)
    image[1, 0], image[1, 1], image[0, 0], image[0, 1] = (1, 0, 0, 255), (2, 0, 0, 255), (3, 0, 0, 255), (4, 0, 0, 255)
    of_vertices = np.array([[0.2, 0.2], [0.7, 0.2], [0.2, 0.7], [0.7, 0.7]], dtype=np.float32)  # Origin at the lower left.
    painted = SurfaceMaterial(textures={"base_color": 0})
    colors = read(written(mesh(corner_uv=of_vertices[FACES] + turns, materials=(painted,), textures=(image,)))).vertex_colors
    assert colors is not None and colors[:, 0].tolist() == [1, 2, 3, 4]
