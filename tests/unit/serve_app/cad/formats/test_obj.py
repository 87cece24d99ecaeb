"""What an OBJ, its materials and its textures say is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from serve_app.base.errors import ServiceError
from tests.unit.serve_app.cad.written import (
    TRIANGLE,
    obj_text,
    parse,
)


def test_normals_of_an_obj_are_kept(tmp_path: Path) -> None:
    text = "v 0 0 0\nv 9 0 0\nv 0 9 0\nvn 0 0.6 0.8\nvn 0.6 0 0.8\nf 1//1 2//1 3//2\n"
    normals = parse(tmp_path, "bent.obj", text).mesh.corner_normals
    assert normals is not None
    assert np.allclose(normals[0], [[0, 0.6, 0.8], [0, 0.6, 0.8], [0.6, 0, 0.8]])


def test_mtl_colours_and_maps_are_kept(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    Image.new("RGB", (4, 2), (255, 0, 0)).save(tmp_path / "paint.png")
    (tmp_path / "wedge.mtl").write_text(
        "newmtl paint\nKd 0.1 0.2 0.3\nKs 0.6 0.6 0.6\nNs 250\nd 0.5\nKe 0 0 0.5\nmap_Kd -s 1 1 1 paint.png\n"
    )
    parsed = parse(tmp_path, "one.obj", obj_text(wedge))
    material = parsed.mesh.materials[0]
    assert material.base_color == (0.1, 0.2, 0.3) and material.alpha == 0.5 and material.emission == (0.0, 0.0, 0.5)
    assert material.specular == pytest.approx(0.6) and material.roughness == pytest.approx(0.5)
    assert material.textures == {"base_color": 0} and set(parsed.references) == {"wedge.mtl", "paint.png"}


def test_texture_and_uv_are_kept(tmp_path: Path) -> None:
    pixels = np.zeros((2, 4, 3), dtype=np.uint8)
    pixels[0, 0] = (255, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "paint.png")
    (tmp_path / "wedge.mtl").write_text("newmtl paint\nmap_Kd paint.png\n")
    text = "mtllib wedge.mtl\nv 0 0 0\nv 9 0 0\nv 0 9 0\nv 0 0 9\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl paint\nf 1/1 2/2 3/3\nf 1/1 2/2 4/3\n"
    mesh = parse(tmp_path, "textured.obj", text).mesh
    assert mesh.materials[0].textures == {"base_color": 0}
    assert mesh.textures[0].shape == (2, 4, 4) and mesh.textures[0][0, 0].tolist() == [255, 0, 0, 255]
    assert mesh.corner_uv is not None and mesh.corner_uv[0].tolist() == [[0, 0], [1, 0], [0, 1]]


def test_missing_references_are_warnings(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    parsed = parse(tmp_path, "one.obj", obj_text(wedge))
    assert any("wedge.mtl" in warning for warning in parsed.warnings)
    (tmp_path / "wedge.mtl").write_text("newmtl paint\nKd 1 1 1\nmap_Kd gone.png\n")
    assert any("gone.png" in warning for warning in parse(tmp_path, "one.obj", obj_text(wedge)).warnings)


@pytest.mark.parametrize("reference", ["../secret.mtl", "{absolute}", "linked.mtl"])
def test_references_never_leave_the_folder(reference: str, wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    folder = tmp_path / "cad"
    folder.mkdir()
    secret = tmp_path / "secret.mtl"
    secret.write_text("newmtl paint\nKd 1 0 0\n")
    (folder / "linked.mtl").symlink_to(secret)
    text = obj_text(wedge).replace("wedge.mtl", reference.format(absolute=secret))
    parsed = parse(folder, "one.obj", text)
    assert parsed.mesh.materials[0].base_color != (1.0, 0.0, 0.0)
    assert all(digest is None for digest in parsed.references.values())


@pytest.mark.parametrize(
    "faces",
    ["f 1 2 3", "f\t1\t2\t3", "  f 1 2 3", "f 1 2 3 # a comment", "f 1 \\\n2 3", "f -3 -2 -1", "f 1/ 2/ 3/"],
)
def test_obj_lines_are_read_as_people_write_them(faces: str, tmp_path: Path) -> None:
    mesh = parse(tmp_path, "a.obj", TRIANGLE + faces + "\n").mesh
    assert mesh.vertices[mesh.faces[0]].tolist() == [[0, 0, 0], [9, 0, 0], [0, 9, 0]]


@pytest.mark.parametrize("corner", ["0", "-4", "x"])
def test_an_impossible_index_is_refused_with_its_line(corner: str, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="line 4"):
        parse(tmp_path, "a.obj", TRIANGLE + f"f 1 2 {corner}\n")


@pytest.mark.parametrize("statement", ["mtllib a.mtl\nmtllib b two.mtl\n", "mtllib a.mtl b two.mtl\n"])
def test_several_material_libraries_are_merged(statement: str, tmp_path: Path) -> None:
    (tmp_path / "a.mtl").write_text("newmtl red one\nKd 1 0 0\n")
    (tmp_path / "b two.mtl").write_text("newmtl blue\nKd 0 0 1\n")
    text = statement + TRIANGLE + "v 0 0 9\nusemtl red one\nf 1 2 3\nusemtl blue\nf 1 2 4\n"
    parsed = parse(tmp_path, "a.obj", text)
    assert {material.name: material.base_color for material in parsed.mesh.materials} == {"red one": (1, 0, 0), "blue": (0, 0, 1)}
    assert parsed.warnings == ()


def test_faces_with_and_without_normals_keep_to_themselves(tmp_path: Path) -> None:
    text = TRIANGLE + "v 0 0 9\nvn 0 0.6 0.8\nf 1//1 2//1 3//1\nf 1 2 4\n"
    mesh = parse(tmp_path, "a.obj", text).mesh
    assert mesh.corner_normals is not None
    of_faces = {tuple(np.round(normals[0].astype(float), 3).tolist()) for normals in mesh.corner_normals}
    assert of_faces == {(0.0, 0.6, 0.8), (0.0, -1.0, 0.0)}


def test_a_smoothing_group_is_smooth(tmp_path: Path) -> None:
    roof = "v 0 0 0\nv 9 0 0\nv 0 9 0\nv 0 0 9\n"
    flat = parse(tmp_path, "a.obj", roof + "f 1 2 3\nf 1 4 2\n").mesh
    smooth = parse(tmp_path, "a.obj", roof + "s 1\nf 1 2 3\nf 1 4 2\n").mesh
    assert flat.corner_normals is None and smooth.corner_normals is not None
    shared = smooth.corner_normals[:, 0]
    assert np.allclose(shared[0], shared[1])


def test_a_broken_texture_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "t.png").write_bytes(b"garbage")
    (tmp_path / "a.mtl").write_text("newmtl m\nmap_Kd t.png\n")
    parsed = parse(tmp_path, "a.obj", "mtllib a.mtl\nusemtl m\nvt 0 0\n" + TRIANGLE + "f 1/1 2/1 3/1\n")
    assert parsed.mesh.materials[0].textures == {} and any("t.png" in warning for warning in parsed.warnings)


def test_deep_grey_textures_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    Image.fromarray(np.full((2, 2), 30000, dtype=np.uint16)).save(tmp_path / "t.png")
    (tmp_path / "a.mtl").write_text("newmtl m\nmap_Kd t.png\n")
    parsed = parse(tmp_path, "a.obj", "mtllib a.mtl\nusemtl m\nvt 0 0\n" + TRIANGLE + "f 1/1 2/1 3/1\n")
    assert parsed.mesh.textures[0][0, 0].tolist() == [116, 116, 116, 255]


def test_vertex_colours_of_an_obj_are_kept_unless_it_has_a_material(tmp_path: Path) -> None:
    coloured = "v 0 0 0 1 0 0\nv 9 0 0 1 0 0\nv 0 9 0 1 0 0\n"
    colors = parse(tmp_path, "a.obj", coloured + "f 1 2 3\n").mesh.vertex_colors
    assert colors is not None and colors[0].tolist() == [255, 0, 0, 255]
    (tmp_path / "a.mtl").write_text("newmtl m\nKd 0 1 0\n")
    mesh = parse(tmp_path, "a.obj", "mtllib a.mtl\n" + coloured + "usemtl m\nf 1 2 3\n").mesh
    assert mesh.vertex_colors is None and mesh.materials[0].base_color == (0, 1, 0)


def test_a_quad_and_a_polygon_are_split(tmp_path: Path) -> None:
    square = "v 0 0 0\nv 9 0 0\nv 9 9 0\nv 4 12 0\nv 0 9 0\n"
    assert len(parse(tmp_path, "a.obj", square + "f 1 2 3 5\nf 1 2 3\nf 1 2 3 4 5\n").mesh.faces) == 6


def test_smooth_normals_are_weighted_by_angle(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in wedge.vertices]
    lines += ["s 1", *("f " + " ".join(str(i + 1) for i in face) for face in wedge.faces)]
    mesh = parse(tmp_path, "a.obj", "\n".join(lines)).mesh
    assert mesh.corner_normals is not None
    assert np.allclose(mesh.corner_normals, wedge.vertex_normals[wedge.faces], atol=1e-4)


def test_parts_that_look_alike_share_a_material(tmp_path: Path) -> None:
    (tmp_path / "a.mtl").write_text("newmtl m\nKd 0 1 0\n")
    text = "mtllib a.mtl\n" + TRIANGLE + "v 0 0 9\nvt 0 0\nf 1 2 3\nusemtl m\nf 1 2 4\ns 1\nf 1/1 3/1 4/1\nusemtl unknown\nf 2 3 4\n"
    mesh = parse(tmp_path, "a.obj", text).mesh
    assert sorted(material.name for material in mesh.materials) == ["default", "m"]
    green = [mesh.materials[slot].name for slot in mesh.face_materials]
    assert sorted(green) == ["default", "default", "m", "m"]


def test_colours_of_obj_vertices_may_go_to_255(tmp_path: Path) -> None:
    colors = parse(tmp_path, "a.obj", "v 0 0 0 255 0 10\nv 9 0 0 255 0 10\nv 0 9 0 255 0 10\nf 1 2 3\n").mesh.vertex_colors
    assert colors is not None and colors[0].tolist() == [255, 0, 10, 255]


@pytest.mark.parametrize("before", ["", "s 1\n", "vt 0 0\n"])
def test_faces_that_name_a_vertex_twice_are_left_out(before: str, tmp_path: Path) -> None:
    faces = "f 1/1 1/1 2/1\nf 1/1 2/1 3/1\nf 2/1 3/1 3/1\n" if before.startswith("vt") else "f 1 1 2\nf 1 2 3\nf 2 3 3\n"
    mesh = parse(tmp_path, "a.obj", before + TRIANGLE + faces).mesh
    assert mesh.faces.tolist() == [[0, 1, 2]] and mesh.face_materials.tolist() == [0]
    assert all(values is None or len(values) == 1 for values in (mesh.corner_normals, mesh.corner_uv))
    with pytest.raises(ServiceError, match="one vertex twice"):
        parse(tmp_path, "a.obj", TRIANGLE + "f 1 1 2\nf 3 3 3\n")
