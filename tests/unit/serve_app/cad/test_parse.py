"""One shape in every format that is read gives the same templates, and a broken one a clear refusal."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from render_actor.contract.types import CadMesh
from render_actor.view.xyz_raycast import ObjectCoordinates
from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.geometry import bounds, double_areas
from serve_app.cad.parse import ParsedCad, parse_cad
from tests.hostile.files import TRIANGLES, VERTICES, mixed_ply
from tests.unit.render_actor.view.test_xyz_raycast import scene_for

LIMITS = CadLimits.from_settings(Settings())


def parse(folder: Path, name: str, data: bytes | str) -> ParsedCad:
    return parse_cad(data.encode() if isinstance(data, str) else data, Path(name).suffix, folder, LIMITS)


def ply_header(encoding: str, vertices: int, faces: int, extra: str = "") -> str:
    return (
        f"ply\nformat {encoding} 1.0\nelement vertex {vertices}\nproperty float x\nproperty float y\nproperty float z\n{extra}"
        f"element face {faces}\nproperty list uchar int vertex_indices\nend_header\n"
    )


def ascii_ply(mesh: trimesh.Trimesh) -> bytes:
    lines = [" ".join(f"{value:.9g}" for value in vertex) for vertex in mesh.vertices]
    lines += ["3 " + " ".join(map(str, face)) for face in mesh.faces]
    return (ply_header("ascii", len(mesh.vertices), len(mesh.faces)) + "\n".join(lines) + "\n").encode()


def binary_ply(mesh: trimesh.Trimesh, endian: str) -> bytes:
    name = "binary_little_endian" if endian == "<" else "binary_big_endian"
    body = mesh.vertices.astype(f"{endian}f4").tobytes()
    body += b"".join(struct.pack(f"{endian}B3i", 3, *face) for face in mesh.faces)
    return ply_header(name, len(mesh.vertices), len(mesh.faces)).encode() + body


def coloured_ply(mesh: trimesh.Trimesh) -> bytes:
    extra = "".join(f"property float n{axis}\n" for axis in "xyz") + "".join(f"property uchar {c}\n" for c in ("red", "green", "blue"))
    lines = [
        " ".join(f"{value:.9g}" for value in (*vertex, *normal)) + f" {10 * i} 20 30"
        for i, (vertex, normal) in enumerate(zip(mesh.vertices, mesh.vertex_normals, strict=True))
    ]
    lines += ["3 " + " ".join(map(str, face)) for face in mesh.faces]
    return (ply_header("ascii", len(mesh.vertices), len(mesh.faces), extra) + "\n".join(lines) + "\n").encode()


def obj_text(mesh: trimesh.Trimesh, *, relative: bool = False, objects: int = 1) -> str:
    """The mesh as OBJ; with several objects each carries its own vertices, and indices may count back."""
    lines, used = ["mtllib wedge.mtl"], 0
    for part, faces in enumerate(np.array_split(mesh.faces, objects)):
        lines.append(f"o part{part}")
        vertices = mesh.vertices[faces].reshape(-1, 3)
        lines += ["v " + " ".join(f"{value:.9g}" for value in vertex) for vertex in vertices]
        lines.append("usemtl paint")
        for face in range(len(faces)):
            indices = [used + 3 * face + corner + 1 for corner in range(3)]
            if relative:
                indices = [index - (used + len(vertices)) - 1 for index in indices]
            lines.append("f " + " ".join(map(str, indices)))
        used += len(vertices)
    return "\n".join(lines) + "\n"


def stl_ascii(mesh: trimesh.Trimesh) -> bytes:
    return trimesh.exchange.stl.export_stl_ascii(mesh).encode()


WRITERS: dict[str, Callable[[trimesh.Trimesh], bytes | str]] = {
    "little.ply": lambda mesh: binary_ply(mesh, "<"),
    "big.ply": lambda mesh: binary_ply(mesh, ">"),
    "coloured.ply": coloured_ply,
    "UPPER.PLY": ascii_ply,
    "binary.stl": lambda mesh: trimesh.exchange.stl.export_stl(mesh),
    "ascii.STL": stl_ascii,
    "one.obj": obj_text,
    "two.obj": lambda mesh: obj_text(mesh, objects=2),
    "relative.obj": lambda mesh: obj_text(mesh, relative=True),
    "relative_two.OBJ": lambda mesh: obj_text(mesh, relative=True, objects=2),
    "windows.obj": lambda mesh: obj_text(mesh, objects=2).replace("\n", "\r\n"),
}


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


def test_normals_and_colours_of_a_ply_are_kept(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    mesh = parse(tmp_path, "coloured.ply", coloured_ply(wedge)).mesh
    assert mesh.vertex_colors is not None and mesh.corner_normals is not None
    assert mesh.vertex_colors[3].tolist() == [30, 20, 30, 255]
    assert np.allclose(mesh.corner_normals, wedge.vertex_normals[wedge.faces], atol=1e-5)


def test_without_normals_there_are_none(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    for name in ("little.ply", "one.obj", "binary.stl"):
        assert parse(tmp_path, name, WRITERS[name](wedge)).mesh.corner_normals is None
    textured = "v 0 0 0\nv 9 0 0\nv 0 9 0\nv 0 0 9\nvt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 3/3\nf 1/1 2/2 4/3\n"
    assert parse(tmp_path, "textured.obj", textured).mesh.corner_normals is None


def test_normals_of_an_obj_are_kept(tmp_path: Path) -> None:
    text = "v 0 0 0\nv 9 0 0\nv 0 9 0\nvn 0 0.6 0.8\nvn 0.6 0 0.8\nf 1//1 2//1 3//2\n"
    normals = parse(tmp_path, "bent.obj", text).mesh.corner_normals
    assert normals is not None
    assert np.allclose(normals[0], [[0, 0.6, 0.8], [0, 0.6, 0.8], [0.6, 0, 0.8]])


def test_a_cad_without_looks_is_grey_and_says_so(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    parsed = parse(tmp_path, "plain.ply", ascii_ply(wedge))
    assert any("neutral grey" in warning for warning in parsed.warnings)
    assert not any("grey" in warning for warning in parse(tmp_path, "coloured.ply", coloured_ply(wedge)).warnings)


def test_a_cad_in_metres_is_noticed(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    small = wedge.copy()
    small.apply_scale(0.001)
    assert any("unit=m" in warning for warning in parse(tmp_path, "small.stl", trimesh.exchange.stl.export_stl(small)).warnings)


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


TRIANGLE = "v 0 0 0\nv 9 0 0\nv 0 9 0\n"


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


@pytest.mark.parametrize("stray", ["nan nan nan", "1e9 0 0"])
def test_a_vertex_that_no_face_uses_decides_nothing(stray: str, tmp_path: Path) -> None:
    mesh = parse(tmp_path, "a.ply", ply_header("ascii", 4, 1) + f"0 0 0\n9 0 0\n0 9 0\n{stray}\n3 0 1 2\n").mesh
    assert len(mesh.vertices) == 3 and np.abs(mesh.vertices).max() == 9


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


@pytest.mark.parametrize("order", ["<", ">"])
def test_polygons_of_several_sizes_in_a_binary_ply(order: str, tmp_path: Path) -> None:
    mesh = parse(tmp_path, "a.ply", mixed_ply(order)).mesh
    corners = [mesh.vertices[face].tolist() for face in mesh.faces]
    expected = [(0, 1, 2), (0, 2, 3), *TRIANGLES]
    assert corners == [[list(map(float, VERTICES[i])) for i in face] for face in expected]


def test_polygons_keep_their_own_texture_coordinates(tmp_path: Path) -> None:
    uv = parse(tmp_path, "a.ply", LISTED.format(count=2) + "4 0 1 2 3 8 0 0 1 0 1 1 0 1\n3 0 1 2 6 0 0 .5 0 1 1\n").mesh.corner_uv
    assert uv is not None
    assert uv.tolist() == [[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]], [[0, 0], [0.5, 0], [1, 1]]]


def test_colours_of_ply_faces(tmp_path: Path) -> None:
    header = ply_header("ascii", 4, 2).replace("end_header", "property uchar red\nproperty uchar green\nproperty uchar blue\nend_header")
    mesh = parse(tmp_path, "a.ply", header + "0 0 0\n9 0 0\n9 9 0\n0 9 1\n4 0 1 2 3 7 8 9\n3 0 1 2 1 2 3\n").mesh
    assert mesh.vertex_colors is not None and len(mesh.vertices) == 9
    assert mesh.vertex_colors[mesh.faces].tolist() == [[[7, 8, 9, 255]] * 3] * 2 + [[[1, 2, 3, 255]] * 3]


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


def test_warnings_are_few_however_many_there_are(tmp_path: Path) -> None:
    libraries = "".join(f"mtllib {number}.mtl\n" for number in range(200))
    warnings = parse(tmp_path, "a.obj", libraries + TRIANGLE + "f 1 2 3\n").warnings
    assert len(warnings) == 20 and warnings[-1] == "182 more warnings of this kind"


def test_faces_that_lie_over_each_other_by_the_thousand_are_refused(tmp_path: Path) -> None:
    assert len(parse(tmp_path, "a.obj", TRIANGLE + "f 1 2 3\n" * 1900).mesh.faces) == 1900
    with pytest.raises(ServiceError, match="over each other"):
        parse(tmp_path, "a.obj", TRIANGLE + "f 1 2 3\n" * 2100)


@pytest.mark.parametrize("before", ["", "s 1\n", "vt 0 0\n"])
def test_faces_that_name_a_vertex_twice_are_left_out(before: str, tmp_path: Path) -> None:
    faces = "f 1/1 1/1 2/1\nf 1/1 2/1 3/1\nf 2/1 3/1 3/1\n" if before.startswith("vt") else "f 1 1 2\nf 1 2 3\nf 2 3 3\n"
    mesh = parse(tmp_path, "a.obj", before + TRIANGLE + faces).mesh
    assert mesh.faces.tolist() == [[0, 1, 2]] and mesh.face_materials.tolist() == [0]
    assert all(values is None or len(values) == 1 for values in (mesh.corner_normals, mesh.corner_uv))
    with pytest.raises(ServiceError, match="one vertex twice"):
        parse(tmp_path, "a.obj", TRIANGLE + "f 1 1 2\nf 3 3 3\n")


def test_bounds_and_areas_are_those_of_numpy() -> None:
    points = np.random.default_rng(5).normal(size=(30, 3)) * [1e-9, 1, 1e9]
    low, high = bounds(points)
    assert np.array_equal(low, points.min(axis=0)) and np.array_equal(high, points.max(axis=0))
    corners = points.reshape(-1, 3, 3)
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert np.array_equal(double_areas(corners), np.linalg.norm(crossed, axis=1))
