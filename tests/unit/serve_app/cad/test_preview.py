"""What a browser is given to look at: the CAD in mm, with its parts, colours and textures, and not too much of it."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from render_actor.contract.types import CadMesh, SurfaceMaterial
from serve_app.cad.mesh.join import joined
from serve_app.cad.mesh.parts import face_runs, parts_of
from serve_app.cad.mesh.submesh import Submesh
from serve_app.cad.preview import preview_of

RED, BLUE = SurfaceMaterial("red", (0.8, 0.1, 0.1)), SurfaceMaterial("blue", (0.1, 0.1, 0.8), alpha=0.5)


def submesh(shape: trimesh.Trimesh, material: SurfaceMaterial = RED, part: str = "", **more: Any) -> Submesh:
    fields = {"corner_normals": None, "vertex_colors": None, "corner_uv": None, **more}
    return Submesh(np.asarray(shape.vertices, float), np.asarray(shape.faces, np.int64), material=material, part=part, **fields)


def box(at: float) -> trimesh.Trimesh:
    return trimesh.creation.box((1, 2, 3)).apply_translation((at, 0, 0))


def mesh_of(*submeshes: Submesh, textures: tuple[Any, ...] = ()) -> CadMesh:
    mesh = joined(list(submeshes), textures)
    assert mesh is not None
    return mesh


def read(glb: bytes) -> tuple[dict[str, Any], bytes]:
    """The document, and the binary chunk."""
    length = struct.unpack("<I", glb[12:16])[0]
    return json.loads(glb[20 : 20 + length]), glb[28 + length :]


def scene_of(glb: bytes) -> trimesh.Scene:
    scene = trimesh.load(io.BytesIO(glb), file_type="glb", process=False)
    assert isinstance(scene, trimesh.Scene)
    return scene


def test_each_part_is_a_node_in_mm_in_its_place() -> None:
    damaged = submesh(box(20), BLUE, "lid")
    damaged.faces = np.concatenate([[[0, 0, 1]], damaged.faces])  # A face that is left out moves none of the others.
    submeshes = [submesh(box(0), RED, "base"), damaged, submesh(box(40), RED), submesh(box(60), BLUE, "base")]
    mesh, parts = mesh_of(*submeshes), parts_of(submeshes)
    preview = preview_of(mesh, 10.0, tuple(part.name for part in parts), face_runs(submeshes, parts))
    scene = scene_of(preview.glb)
    found = {name: scene.geometry[scene.graph[name][1]].bounds for name in scene.graph.nodes_geometry if name != "base"}
    assert np.allclose(found["lid"], [[195, -10, -15], [205, 10, 15]]) and np.allclose(found["part"], [[395, -10, -15], [405, 10, 15]])
    document, _ = read(preview.glb)
    assert [node["name"] for node in document["nodes"]] == ["part", "base", "lid"]
    assert [len(entry["primitives"]) for entry in document["meshes"]] == [1, 2, 1]
    assert np.allclose(scene.bounds, [[-5, -10, -15], [605, 10, 15]])
    assert preview.faces == preview.of_faces == 48 and document["asset"]["extras"] == {"unit": "mm", "faces": 48, "faces_of_cad": 48}


def test_materials_are_as_in_the_cad() -> None:
    mesh = mesh_of(submesh(box(0), RED), submesh(box(5), BLUE))
    document, _ = read(preview_of(mesh, 1.0, (), ()).glb)
    red, blue = document["materials"]
    assert red["pbrMetallicRoughness"]["baseColorFactor"] == [0.8, 0.1, 0.1, 1.0] and "alphaMode" not in red
    assert blue["alphaMode"] == "BLEND" and blue["pbrMetallicRoughness"]["baseColorFactor"][3] == 0.5


def test_vertex_colours_are_linear() -> None:
    colors = np.tile(np.array([255, 128, 0, 255], np.uint8), (8, 1))
    glb = preview_of(mesh_of(submesh(box(0), vertex_colors=colors)), 1.0, (), ()).glb
    document, chunk = read(glb)
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"]]
    view = document["bufferViews"][accessor["bufferView"]]
    values = np.frombuffer(chunk, np.uint16, accessor["count"] * 4, view["byteOffset"]).reshape(-1, 4) / 65535
    assert accessor["normalized"] and np.allclose(values, [[1.0, 0.2158605, 0.0, 1.0]] * len(values), atol=1e-4)


def test_normals_split_vertices_only_where_they_differ() -> None:
    sphere = trimesh.creation.icosphere(2)
    smooth = np.asarray(sphere.vertices[sphere.faces], np.float32)
    flat = submesh(sphere).flat_normals()
    counts = []
    for normals in (smooth, flat):
        document, _ = read(preview_of(mesh_of(submesh(sphere, corner_normals=normals)), 1.0, (), ()).glb)
        counts.append(document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]["count"])
    assert counts == [len(sphere.vertices), 3 * len(sphere.faces)]


@pytest.mark.parametrize(("alpha", "kind"), [(255, "image/jpeg"), (100, "image/png")])
def test_textures_come_along_no_larger_than_a_screen_needs(alpha: int, kind: str) -> None:
    pixels = np.zeros((40, 3000, 4), np.uint8)
    pixels[..., 0], pixels[..., 3] = 200, alpha
    material = SurfaceMaterial("wood", textures={"base_color": 0}, wrap="mirror")
    uv = np.tile(np.array([[0.25, 0.25]], np.float32), (36, 1)).reshape(12, 3, 2)
    glb = preview_of(mesh_of(submesh(box(0), material, corner_uv=uv), textures=(pixels,)), 1.0, (), ()).glb
    document, chunk = read(glb)
    assert document["images"][0]["mimeType"] == kind and document["samplers"][0]["wrapS"] == 33648
    view = document["bufferViews"][document["images"][0]["bufferView"]]
    image = Image.open(io.BytesIO(chunk[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]))
    assert image.size[0] == 1024 and abs(np.asarray(image)[0, 0, 0].item() - 200) < 4
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"]]
    place = document["bufferViews"][accessor["bufferView"]]["byteOffset"]
    assert np.frombuffer(chunk, np.float32, 2, place).tolist() == [0.25, 0.75]  # glTF counts from the top.


def test_a_large_mesh_becomes_a_small_one_of_the_same_shape() -> None:
    sphere = trimesh.creation.icosphere(5, radius=50)
    colors = np.tile(np.array([10, 20, 30, 255], np.uint8), (len(sphere.vertices), 1))
    submeshes = [
        submesh(sphere, part="ball", vertex_colors=colors),
        submesh(trimesh.creation.box((20, 20, 20)).apply_translation((90, 0, 0)), part="box"),
    ]
    mesh, parts = mesh_of(*submeshes), parts_of(submeshes)
    preview = preview_of(mesh, 1.0, ("ball", "box"), face_runs(submeshes, parts), max_faces=5000)
    assert 1500 < preview.faces <= 5000 < preview.of_faces == len(mesh.faces)
    scene = scene_of(preview.glb)
    assert sum(len(geometry.faces) for geometry in scene.geometry.values()) == preview.faces
    assert set(scene.graph.nodes_geometry) == {"ball", "box"} and np.allclose(
        scene.bounds, np.array([[-50, -50, -50], [100, 50, 50]]), atol=4
    )


def test_a_mesh_that_is_all_one_place_is_shown_all_the_same() -> None:
    vertices = np.zeros((30_000, 3))
    vertices[-1] = 1e-3
    faces = np.stack([np.arange(9000), np.arange(9000) + 1, np.full(9000, 29_999)], axis=1)
    fields: dict[str, Any] = {"corner_normals": None, "vertex_colors": None, "corner_uv": None}
    preview = preview_of(mesh_of(Submesh(vertices, faces, material=RED, **fields)), 1.0, (), (), max_faces=100)
    assert 0 < preview.faces <= 100 and preview.of_faces == 9000


def test_the_faces_of_the_parts_are_those_of_the_joined_mesh() -> None:
    submeshes = [submesh(box(0), part="a"), submesh(box(1), part="b"), submesh(box(2), part="b"), submesh(box(3))]
    assert face_runs(submeshes, parts_of(submeshes)) == ((0, 12), (1, 24), (-1, 12))
    assert face_runs(submeshes[1:2], parts_of(submeshes)) == ((1, 12),)
