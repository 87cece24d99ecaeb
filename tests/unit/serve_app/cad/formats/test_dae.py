"""COLLADA: places, unit, colours, textures beside the file only, and XML that is up to something."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from serve_app.base.errors import ServiceError
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import ParsedCad, parse_cad
from tests.cads.dae import document, geometry, image, instance, materials, node, source
from tests.unit.serve_app.cad.written import LIMITS

CORNERS = [[x, y, z] for x in (0, 20) for y in (0, 10) for z in (0, 6)]
SIDES = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
BOX = geometry("box", CORNERS, SIDES)


def read(data: bytes, folder: Path = Path("/nowhere"), limits: CadLimits = LIMITS) -> ParsedCad:
    return parse_cad(data, ".dae", folder, limits)


def refusal(data: bytes, code: str = "cad_invalid", limits: CadLimits = LIMITS) -> str:
    with pytest.raises(ServiceError) as caught:
        read(data, limits=limits)
    assert caught.value.code == code
    return caught.value.detail


def moved(x: float, y: float, z: float) -> list[list[float]]:
    return [[1, 0, 0, x], [0, 1, 0, y], [0, 0, 1, z], [0, 0, 0, 1]]


def volume(parsed: ParsedCad) -> float:
    corners = parsed.mesh.vertices[parsed.mesh.faces]
    return float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)


def test_nodes_come_to_their_places_and_give_names() -> None:
    scene = node("outer", node("first", instance("box")) + node("second", instance("box"), moved(100, 0, 0)), moved(0, 0, 50))
    parsed = read(document(BOX, scene))
    assert [part.name for part in parsed.parts] == ["first", "second"] and volume(parsed) == pytest.approx(2 * 20 * 10 * 6)
    assert parsed.mesh.vertices.min(axis=0).tolist() == [0, 0, 50] and parsed.mesh.vertices.max(axis=0).tolist() == [120, 10, 56]


@pytest.mark.parametrize(
    ("metres", "told", "factor"),
    [(None, None, 1.0), ("1", "m", 1.0), ("0.001", "mm", 1.0), ("0.01", "cm", 1.0), ("0.0254", "inch", 1.0), ("0.3048", "mm", 304.8)],
)
def test_units(metres: str | None, told: str | None, factor: float) -> None:
    asset = f'<unit name="some" meter="{metres}"/>' if metres else ""
    parsed = read(document(BOX, node("n", instance("box")), asset))
    assert parsed.unit == told
    np.testing.assert_allclose(np.ptp(parsed.mesh.vertices, axis=0), np.array([20, 10, 6]) * factor)
    assert any("turned to mm" in warning for warning in parsed.warnings) == (factor != 1.0)


@pytest.mark.parametrize("axis", ["X_UP", "Y_UP", "Z_UP"])
def test_the_frame_is_kept_as_trimesh_keeps_it(axis: str) -> None:
    data = document(BOX, node("n", instance("box"), moved(5, 6, 7)), f"<up_axis>{axis}</up_axis>")
    expected = trimesh.load(io.BytesIO(data), file_type="dae").bounds
    mesh = read(data).mesh
    np.testing.assert_allclose([mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)], expected)


def test_colours_and_normals() -> None:
    normals = source("up", [[0, 0, 2]], "XYZ")
    inputs = '<input semantic="NORMAL" source="#up" offset="1"/>'
    indices = [value for side in SIDES for corner in side for value in (corner, 0)]
    made = geometry("box", CORNERS, SIDES, material="paint", sources=normals, inputs=inputs, indices=indices)
    paint = materials(paint="<color>0.2 0.4 0.6 1</color>")
    parsed = read(document(made, node("n", instance("box", "paint")), materials=paint))
    assert [material.base_color for material in parsed.mesh.materials] == [pytest.approx((0.2, 0.4, 0.6))] and not parsed.warnings
    assert parsed.mesh.corner_normals is not None and (parsed.mesh.corner_normals == (0, 0, 1)).all()


@pytest.mark.parametrize(
    ("shading", "more", "specular"),
    [
        ("lambert", "", 0.0),
        ("phong", "", 0.0),
        ("phong", "<specular><color>0 0 0 1</color></specular>", 0.0),
        ("phong", "<specular><color>0.1 0 0 1</color></specular>", 0.5),
        ("blinn", "<specular><color>1 1 1 1</color></specular>", 0.5),
    ],
)
def test_only_what_has_highlights_shows_some(shading: str, more: str, specular: float) -> None:
    paint = materials(paint="<color>0.2 0.4 0.6 1</color>").replace("lambert", shading).replace("</diffuse>", f"</diffuse>{more}")
    made = geometry("box", CORNERS, SIDES, material="paint")
    (material,) = read(document(made, node("n", instance("box", "paint")), materials=paint)).mesh.materials
    assert material.specular == specular


def test_faces_without_a_symbol_have_the_only_material_there_is() -> None:
    paint = materials(paint="<color>0.2 0.4 0.6 1</color>")
    (material,) = read(document(BOX, node("n", instance("box", "paint")), materials=paint)).mesh.materials
    assert material.base_color == pytest.approx((0.2, 0.4, 0.6))


def test_vertex_colours_beside_a_material() -> None:
    shades = source("shades", [[1, 0, 0], [0, 1, 0]], "RGB")
    inputs = '<input semantic="COLOR" source="#shades" offset="1"/>'
    indices = [value for side in SIDES for corner in side for value in (corner, corner % 2)]
    shaded = geometry("shaded", CORNERS, SIDES, sources=shades, inputs=inputs, indices=indices)
    painted = geometry("painted", CORNERS, SIDES, material="paint")
    paint = materials(paint="<color>0 0 1 1</color>")
    scene = node("a", instance("shaded")) + node("b", instance("painted", "paint"), moved(0, 0, 50))
    mesh = read(document(shaded + painted, scene, materials=paint)).mesh
    assert mesh.vertex_colors is not None
    high = mesh.vertices[:, 2] >= 50
    assert (mesh.vertex_colors[high][:, :3] == (0, 0, 255)).all()
    assert {tuple(color) for color in mesh.vertex_colors[~high][:, :3].tolist()} == {(255, 0, 0), (0, 255, 0)}


def textured(path: str) -> bytes:
    coordinates = source("uv", [[0, 0], [1, 0], [1, 1], [0, 1]], "ST")
    inputs = '<input semantic="TEXCOORD" source="#uv" offset="1" set="0"/>'
    indices = [value for side in SIDES for place, corner in enumerate(side) for value in (corner, place)]
    made = geometry("box", CORNERS, SIDES, material="paint", sources=coordinates, inputs=inputs, indices=indices)
    paint = image(path) + materials(paint='<texture texture="sampler" texcoord="UV"/>')
    return document(made, node("n", instance("box", "paint")), materials=paint)


@pytest.mark.parametrize("path", ["wood%20grain.png", "./wood grain.png"])
def test_a_texture_beside_the_file(path: str, tmp_path: Path) -> None:
    Image.new("RGB", (4, 2), (200, 100, 50)).save(tmp_path / "wood grain.png")
    parsed = read(textured(path), tmp_path)
    assert not parsed.warnings and list(parsed.references) == ["wood grain.png"]
    assert parsed.mesh.textures[0].shape == (2, 4, 4) and parsed.mesh.materials[0].textures == {"base_color": 0}
    assert parsed.mesh.corner_uv is not None and parsed.mesh.corner_uv.max() == 1


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "file:///etc/passwd", "http://example.org/a.png"])
def test_a_texture_elsewhere_is_missing(path: str, tmp_path: Path) -> None:
    folder = tmp_path / "cads"
    folder.mkdir()
    Image.new("RGB", (4, 2)).save(tmp_path / "secret.png")
    parsed = read(textured(path), folder)
    assert not parsed.mesh.textures and any("cannot be used" in warning for warning in parsed.warnings)


def test_what_is_left_out_is_told() -> None:
    lines = BOX.replace(
        "<polylist", '<lines count="1"><input semantic="VERTEX" source="#box-vertices" offset="0"/><p>0 1</p></lines><polylist'
    )
    assert "lines of the COLLADA file are left out: they are no surfaces" in read(document(lines, node("n", instance("box")))).warnings
    broken = read(document(BOX, node("n", instance("box")) + node("m", instance("gone"))))
    assert any("left out" in warning and "gone" in warning for warning in broken.warnings)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"solid x", "its XML is damaged at line 1"),
        (document(BOX, node("n", instance("box")))[:-40], "its XML is damaged at line 2"),
        (b"<svg/>", "its root is <svg>, not <COLLADA>"),
        (document(BOX, node("n", instance("box"))).replace(b"<scene>", b"<scen>").replace(b"</scene>", b"</scen>"), "no scene"),
        (document(BOX, ""), "it holds no faces"),
        (document(geometry("box", CORNERS, [[0, 1, 99]]), node("n", instance("box"))), "damaged"),
        (document(BOX.replace("0 0 0 0", "0 0 x 0", 1), node("n", instance("box"))), "damaged"),
        (document(BOX, node("n", instance("box")), '<unit name="none" meter="0"/>'), "its unit is 0 metres"),
        (document(BOX, "<node>" * 300 + "</node>" * 300), "nested deeper than 256"),
        (document(BOX, "<node>" * 100 + instance("box") + "</node>" * 100), "nested deeper than 64"),
    ],
)
def test_damaged_files_are_refused(data: bytes, reason: str) -> None:
    assert reason in refusal(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_not_expanded(encoding: str) -> None:
    text = document(BOX, node("n", instance("box"))).decode().replace("utf-8", encoding)
    evil = text.replace("<COLLADA", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<COLLADA', 1).replace(
        "</asset>", "<title>&a;</title></asset>"
    )
    assert len(read(text.encode(encoding)).mesh.faces) == 12
    assert "it has a document type" in refusal(evil.encode(encoding))


def test_a_zip_archive_is_not_opened() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.dae", document(BOX, node("n", instance("box"))))
    assert "unpack it" in refusal(stream.getvalue())
    assert "unpack it" in refusal(document(BOX, node("n", instance("box"))) + stream.getvalue())


def test_nodes_that_double_without_end_are_refused() -> None:
    library = node("n0", instance("box"))
    for number in range(1, 30):
        library += node(f"n{number}", f'<instance_node url="#n{number - 1}-node"/>' * 2)
    data = document(BOX, '<node><instance_node url="#n29-node"/></node>', materials=f"<library_nodes>{library}</library_nodes>")
    assert "nodes, more than" in refusal(data, "cad_too_large")


def test_faces_are_counted_over_all_instances() -> None:
    few = CadLimits(**{**vars(LIMITS), "faces": 20})
    assert "it has 24 triangles" in refusal(document(BOX, node("n", instance("box")) * 2), "cad_too_large", few)
