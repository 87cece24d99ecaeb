"""STEP and IGES: what a mesh of them is, measured against the shapes that were written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from render_actor.contract.types import CadMesh, SurfaceMaterial
from serve_app.base.errors import ServiceError
from serve_app.cad.parse import ParsedCad, parse_cad
from serve_app.cad.read_options import WHOLE, ReadOptions, Tessellation
from tests.cads import REFERENCE
from tests.cads.iges import IgesFile
from tests.cads.step import Prism, StepFile, rectangle
from tests.unit.serve_app.cad.written import LIMITS

HOLES = ((-15.0, 0.0, 8.0), (12.0, 5.0, 3.0))
PLATE = Prism(rectangle(60, 40), 10, HOLES)
GREY = "the CAD has no colours, texture or material: rendered in a neutral grey"


def read(data: bytes, suffix: str = ".step", options: ReadOptions = WHOLE) -> ParsedCad:
    return parse_cad(data, suffix, Path("/nowhere"), LIMITS, options)


def written(prism: Prism, unit: str = "mm") -> bytes:
    file = StepFile(unit)
    file.part("made", prism)
    return file.text()


def extremes(mesh: CadMesh) -> list[list[float]]:
    return [mesh.vertices.min(axis=0).round(4).tolist(), mesh.vertices.max(axis=0).round(4).tolist()]


def refusal(data: bytes, suffix: str = ".step") -> str:
    with pytest.raises(ServiceError) as caught:
        read(data, suffix)
    assert caught.value.code == "cad_invalid"
    return caught.value.detail


@pytest.mark.parametrize(("unit", "told"), [("mm", "mm"), ("cm", "cm"), ("m", "m"), ("inch", "inch")])
def test_coordinates_and_unit_are_the_files_own(unit: str, told: str) -> None:
    parsed = read(written(PLATE, unit))
    assert (parsed.unit, extremes(parsed.mesh)) == (told, [[-30, -20, 0], [30, 20, 10]])
    assert parsed.warnings == (GREY,)


@pytest.mark.parametrize(("unit", "millimetres"), [("um", 0.001), ("foot", 304.8)])
def test_a_unit_that_we_do_not_have_becomes_mm(unit: str, millimetres: float) -> None:
    parsed = read(written(Prism(rectangle(6000, 4000), 1000), unit))
    assert parsed.unit == "mm"
    np.testing.assert_allclose(np.ptp(parsed.mesh.vertices, axis=0), np.array([6000, 4000, 1000]) * millimetres, rtol=1e-6)
    assert any(f"{millimetres:g} mm, is none of mm, cm, m, inch" in warning for warning in parsed.warnings)


@pytest.mark.parametrize(
    "word", ["'x'", "x", ".T.", "$", "*", "#3", "1,5", "1e5x", "nan", "-inf", "(1.)", '"00"', "0x1F", "1.0.0", "--1.", ""]
)
def test_a_coordinate_that_is_no_number_is_refused_with_its_line(word: str) -> None:
    data = written(PLATE).decode()
    place = data.index("(-30.0,")
    number, line = re.findall(r"#(\d+)=CART", data[:place])[-1], data.count("\n", 0, place) + 1
    told = refusal(data.replace("(-30.0,", f"({word},", 1).encode())
    assert (
        f"its entity #{number}, a CARTESIAN_POINT in line {line}, has " in told
        and ("(" in word or f"({word}," in told)
        and "where coordinates should be" in told
    )


@pytest.mark.parametrize(("kind", "word"), [("DIRECTION", "'a'"), ("CYLINDRICAL_SURFACE", "'8.0'"), ("CIRCLE", "$"), ("VECTOR", ".F.")])
def test_directions_and_lengths_that_are_no_numbers_are_refused(kind: str, word: str) -> None:
    pattern = r"(=DIRECTION\('',\()[^,]*" if kind == "DIRECTION" else rf"(={kind}\('',#\d+,)[^)]*"
    told = refusal(re.sub(pattern, rf"\g<1>{word}", written(PLATE).decode(), count=1).encode())
    assert f", a {kind} in line " in told and word in told


def test_numbers_in_any_writing_are_read() -> None:
    data = written(PLATE).replace(b"(-30.0,", b"( -.3E+02 ,").replace(b"=CARTESIAN_POINT('',", b" = CARTESIAN_POINT ( 'it''s (1,x)' ,\n")
    assert extremes(read(data.replace(b"(30.0,", b"(30,").replace(b"'',(0.0,", b"$,(/* zero */0.0,")).mesh)[0] == [-30, -20, 0]


def test_several_units_become_mm() -> None:
    file = StepFile("mm")
    low = file.part("low", Prism(rectangle(20, 20), 10))
    file.context("inch")
    high = file.part("high", Prism(rectangle(1, 1), 1))
    file.context("mm")
    file.assembly("both", [(low, (0, 0, 0), (0, 0, 1), (1, 0, 0)), (high, (0, 0, 10), (0, 0, 1), (1, 0, 0))])
    parsed = read(file.text())
    assert (parsed.unit, extremes(parsed.mesh)) == ("mm", [[-12.7, -12.7, 0], [12.7, 12.7, 35.4]])
    assert "the file uses 2 units of length: all of it is read in mm" in parsed.warnings


def test_a_file_without_a_unit_is_read_as_mm() -> None:
    data = re.sub(rb"GLOBAL_UNIT_ASSIGNED_CONTEXT\(\([^)]*\)\)", b"", written(PLATE))
    parsed = read(data)
    assert (parsed.unit, extremes(parsed.mesh)) == ("mm", [[-30, -20, 0], [30, 20, 10]])
    assert "the file names no unit of length: read as mm" in parsed.warnings


def chord_errors(mesh: CadMesh, holes: tuple[tuple[float, float, float], ...] = HOLES) -> list[float]:
    """How far the walls of round holes are from their circles, at most: edges between two points of a circle, at their middles."""
    upright = np.ptp(mesh.vertices[mesh.faces][..., 2], axis=1) > 0  # Triangles of a flat end span its circle.
    edges = mesh.faces[upright][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    starts, ends = mesh.vertices[edges[:, 0]], mesh.vertices[edges[:, 1]]
    errors = []
    for x, y, radius in holes:
        at_start, at_end = (np.hypot(*(points[:, :2] - (x, y)).T) for points in (starts, ends))
        on_wall = np.isclose(at_start, radius, rtol=1e-4) & np.isclose(at_end, radius, rtol=1e-4)
        assert on_wall.sum() > 30
        middle = (starts[on_wall] + ends[on_wall])[:, :2] / 2
        errors.append(float(np.abs(np.hypot(*(middle - (x, y)).T) - radius).max()))
    return errors


@pytest.mark.parametrize("pixels", [60, 512, 1905])
@pytest.mark.parametrize("tessellation", ["coarse", "normal", "fine"])
def test_a_round_hole_is_within_a_quarter_of_a_pixel(pixels: int, tessellation: Tessellation) -> None:
    mesh = read(written(PLATE), options=ReadOptions(pixels_across=pixels, tessellation=tessellation)).mesh
    pixel = float(np.linalg.norm((60, 40, 10))) / pixels
    allowed = {"coarse": 1.0, "normal": 0.25, "fine": 0.0625}[tessellation]
    assert max(chord_errors(mesh)) <= allowed * pixel * 1.001


def test_triangles_are_as_many_as_can_be_seen() -> None:
    counts = [len(read(written(PLATE), options=ReadOptions(pixels_across=pixels)).mesh.faces) for pixels in (64, 512, 4096)]
    assert counts[0] < counts[1] < counts[2] < 10000


def test_a_small_part_of_a_large_assembly_is_made_for_its_own_size() -> None:
    file = StepFile()
    peg, slab = file.part("peg", Prism(5.0, 20)), file.part("slab", Prism(rectangle(2000, 2000), 1))
    file.assembly("all", [(peg, (0, 0, 1), (0, 0, 1), (1, 0, 0)), (slab, (0, 0, 0), (0, 0, 1), (1, 0, 0))])
    alone = read(file.text(), options=ReadOptions(("peg",), 2048)).mesh
    assert max(chord_errors(alone, ((0.0, 0.0, 5.0),))) <= 0.25 * float(np.linalg.norm((10, 10, 20))) / 2048 * 1.001


def test_curved_surfaces_carry_normals_and_flat_ones_are_flat() -> None:
    mesh = read(written(PLATE)).mesh
    assert mesh.corner_normals is not None
    corners = mesh.vertices[mesh.faces]
    x, y, radius = HOLES[0]
    away = corners[..., :2] - (x, y)
    on_wall = np.isclose(np.hypot(away[..., 0], away[..., 1]), radius, rtol=1e-4).all(axis=1) & (np.ptp(corners[..., 2], axis=1) > 1)
    assert on_wall.sum() > 20
    np.testing.assert_allclose(mesh.corner_normals[on_wall][..., :2], -away[on_wall] / radius, atol=2e-3)
    top = (corners[..., 2] == 10).all(axis=1)
    np.testing.assert_allclose(mesh.corner_normals[top], np.broadcast_to((0, 0, 1), (top.sum(), 3, 3)), atol=1e-6)


def test_faces_turn_outwards() -> None:
    mesh = read(written(PLATE)).mesh
    corners = mesh.vertices[mesh.faces]
    volume = float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)
    assert volume == pytest.approx(60 * 40 * 10 - np.pi * 10 * (8**2 + 3**2), rel=2e-3)


def assembly() -> bytes:
    file = StepFile()
    peg = file.part("peg", Prism(5.0, 20, color=(0.2, 0.4, 0.6)))
    base = file.part("base plate", Prism(rectangle(50, 30), 5, color=(1.0, 0.5, 0.1), face_colors={"top": (0.0, 0.0, 1.0)}))
    lying = (peg, (-10, 0, 5), (1, 0, 0), (0, 0, -1))
    file.assembly("all", [(base, (0, 0, 0), (0, 0, 1), (1, 0, 0)), (peg, (10, 0, 5), (0, 0, 1), (1, 0, 0)), lying])
    return file.text()


def test_an_assembly_has_its_instances_in_their_places() -> None:
    parsed = read(assembly())
    assert [part.name for part in parsed.parts] == ["base plate", "peg", "peg #2"]
    pegs = read(assembly(), options=ReadOptions(("peg", "peg #2")))
    np.testing.assert_allclose(extremes(pegs.mesh), [[-10, -5, 0], [15, 5, 25]], atol=0.01)
    assert (pegs.mesh.vertices[:, 2] < 0.001).any() and (pegs.mesh.vertices[:, 2] > 24.999).any()
    lying = read(assembly(), options=ReadOptions(("peg #2",)))
    np.testing.assert_allclose(extremes(lying.mesh), [[-10, -5, 0], [10, 5, 10]], atol=0.01)
    assert pegs.parts == parsed.parts and pegs.mesh.key != parsed.mesh.key


def test_assemblies_of_assemblies() -> None:
    file = StepFile()
    block = file.part("block", Prism(rectangle(2, 2), 1))
    row = file.assembly("row", [(block, (x, 0, 0), (0, 0, 1), (1, 0, 0)) for x in (0, 10)])
    # The second row stands upright: its x is up, its z is to the left.
    file.assembly("all", [(row, (0, 0, 0), (0, 0, 1), (1, 0, 0)), (row, (0, 50, 0), (-1, 0, 0), (0, 0, 1))])
    parsed = read(file.text())
    assert [part.name for part in parsed.parts] == ["block", "block #2", "block #3", "block #4"]
    bounds = {part.name: ([round(x, 3) for x in part.low], [round(x, 3) for x in part.high]) for part in parsed.parts}
    assert bounds["block #2"] == ([9.0, -1.0, 0.0], [11.0, 1.0, 1.0])
    assert bounds["block #4"] == ([-1.0, 49.0, 9.0], [0.0, 51.0, 11.0])


def test_transparency() -> None:
    data = written(Prism(rectangle(9, 9), 2, color=(1.0, 0.0, 0.0)))
    side, color = (re.search(pattern, data) for pattern in (rb"(SURFACE_SIDE_STYLE\('',\()(#\d+)", rb"(#\d+)=COLOUR_RGB"))
    assert side and color
    glass = b"#9001=SURFACE_STYLE_RENDERING_WITH_PROPERTIES(.NORMAL_SHADING.,%s,(#9002));\n#9002=SURFACE_STYLE_TRANSPARENT(0.6);\n"
    data = data.replace(side.group(0), side.group(0) + b",#9001").replace(b"ENDSEC;\nEND-", glass % color.group(1) + b"ENDSEC;\nEND-")
    (material,) = read(data).mesh.materials
    assert material.base_color == pytest.approx((1.0, 0.0, 0.0))
    assert material.alpha == pytest.approx(0.4)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize(
    ("written_as", "name"), [("Träger", "Träger"), (r"Tr\X2\00E4\X0\ger", "Träger"), ("it''s", "it's"), ("a\tb", "a b")]
)
def test_names_in_any_writing(written_as: str, name: str, encoding: str) -> None:
    file = StepFile()
    file.part("NAME", Prism(rectangle(9, 9), 2))
    parsed = read(file.text().decode().replace("'NAME'", f"'{written_as}'").encode(encoding))
    assert [part.name for part in parsed.parts] == [name]


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def test_colours_of_parts_and_faces_are_those_of_the_file() -> None:
    mesh = read(assembly()).mesh
    colors = [material.base_color for material in mesh.materials]
    expected = [tuple(linear(channel) for channel in color) for color in ((1.0, 0.5, 0.1), (0.0, 0.0, 1.0), (0.2, 0.4, 0.6))]
    assert [pytest.approx(color, abs=1e-6) for color in expected] == colors
    top = np.isclose(mesh.vertices[mesh.faces][..., 2], 5).all(axis=1) & (mesh.face_materials == 1)
    assert top.sum() == 2 == (mesh.face_materials == 1).sum()


def test_a_part_without_a_colour_beside_one_with_is_grey() -> None:
    file = StepFile()
    bare, painted = file.part("bare", Prism(rectangle(9, 9), 2)), file.part("painted", Prism(rectangle(9, 9), 2, color=(1, 0, 0)))
    file.assembly("all", [(bare, (0, 0, 0), (0, 0, 1), (1, 0, 0)), (painted, (0, 0, 9), (0, 0, 1), (1, 0, 0))])
    parsed = read(file.text())
    assert parsed.mesh.materials[0] == SurfaceMaterial() and parsed.mesh.materials[1].base_color == (1.0, 0.0, 0.0)
    assert not parsed.warnings


def test_what_of_iges_is_not_read_is_told() -> None:
    file = IgesFile()
    file.box((-30, -20, 0), (30, 20, 10), color=(1.0, 0.0, 0.0))
    file.name("bracket")
    told = " ".join(read(file.text(), ".igs").warnings)
    assert "the colours of an IGES file are not read" in told and "the names in an IGES file are not read: it is one part" in told


@pytest.mark.parametrize("suffix", [".igs", ".iges", ".IGS"])
def test_iges_is_read(suffix: str) -> None:
    file = IgesFile()
    file.box((-30, -20, 0), (30, 20, 10))
    parsed = read(file.text(), suffix)
    assert (parsed.unit, parsed.parts, extremes(parsed.mesh)) == ("mm", (), [[-30, -20, 0], [30, 20, 10]])
    assert parsed.warnings == (GREY,)


@pytest.mark.parametrize(("unit", "told", "factor"), [("inch", "inch", 1.0), ("m", "m", 1.0), ("cm", "cm", 1.0), ("foot", "mm", 304.8)])
def test_units_of_iges(unit: str, told: str, factor: float) -> None:
    file = IgesFile(unit, largest=10.0)
    file.cylinder(5, 10)
    parsed = read(file.text(), ".iges")
    assert parsed.unit == told
    np.testing.assert_allclose(np.ptp(parsed.mesh.vertices, axis=0), np.array([10, 10, 10]) * factor, rtol=2e-3)
    pixel = float(np.linalg.norm((10, 10, 10))) * factor / 512
    assert max(chord_errors(parsed.mesh, ((0.0, 0.0, 5.0 * factor),))) <= 0.25 * pixel * 1.001


def test_colours_of_iges_are_said_to_be_left_out() -> None:
    file = IgesFile()
    file.box((0, 0, 0), (10, 10, 10), (1, 0, 0))
    assert "the colours of an IGES file are not read; export it as STEP AP214 or AP242 to keep them" in read(file.text(), ".igs").warnings


@pytest.mark.skipif(not (REFERENCE / "box_sides.STEP").exists(), reason="the reference CADs are not here")
def test_an_assembly_of_a_cad_program() -> None:
    parsed = read((REFERENCE / "box_sides.STEP").read_bytes())
    assert parsed.unit == "inch" and not parsed.warnings and len(parsed.parts) == 10
    np.testing.assert_allclose(extremes(parsed.mesh), [[-0.7262, 1.8393, 4.4317], [6.5238, 6.3393, 8.1817]], atol=1e-4)
    (material,) = parsed.mesh.materials  # 0.7922, 0.8196, 0.9333 in the file.
    assert material.base_color == pytest.approx((linear(0.79215686), linear(0.81960784), linear(0.93333333)), abs=1e-6)


def test_nothing_in_it() -> None:
    assert "it holds no solid and no surface" in refusal(StepFile().text())
    file = StepFile()
    file.wireframe("ring")
    detail = refusal(file.text())
    assert "only curves, points or nothing" in detail and "AP214 or AP242" in detail


def test_what_is_no_step_file() -> None:
    assert "it does not begin with ISO-10303-21" in refusal(b"solid of some kind\n" * 20)
    assert "no start and global sections" in refusal(b"hello\n" * 20, ".igs")


def test_a_step_file_that_was_cut_off() -> None:
    lines = written(PLATE).splitlines(keepends=True)
    detail = refusal(b"".join(lines[:60]) + lines[60][:20])
    assert re.search(r"damaged at line 6\d: .*unexpected end of file", detail) and "AP214" in detail


def test_an_iges_file_that_was_cut_off() -> None:
    file = IgesFile()
    file.box((0, 0, 0), (10, 10, 10))
    lines = file.text().splitlines(keepends=True)
    assert "it ends too early" in refusal(b"".join(lines[:-1]), ".igs")
    assert re.search(r"it has \d+ lines in its parameter section, and its end says \d+", refusal(b"".join(lines[:-3] + lines[-1:]), ".igs"))


def test_damaged_numbers_are_refused() -> None:
    assert "1 of its values are not of the type" in refusal(written(PLATE).replace(b"1.E-07", b"xx"))


def test_an_entity_that_is_not_there_is_named() -> None:
    data = written(PLATE)
    number = re.search(rb"(#\d+)=PLANE", data)
    assert number is not None
    parsed = read(data.replace(number.group(1) + b"=PLANE", b"#99999=PLANE", 1))
    assert any(number.group(1).decode() in warning and "not in it" in warning for warning in parsed.warnings)
    assert any("has 8 faces, and 7 can be read" in warning for warning in parsed.warnings)


def test_faces_that_cannot_be_read_are_told() -> None:
    parsed = read(written(PLATE).replace(b"CYLINDRICAL_SURFACE(", b"CYLINDRICAL_SURFAC(", 1))
    assert any("has 8 faces, and 7 can be read" in warning for warning in parsed.warnings)


def test_what_opencascade_prints_stays_here(capfd: pytest.CaptureFixture[str]) -> None:
    refusal(b"ISO-10303-21;\nHEADER;\nnonsense")
    assert capfd.readouterr() == ("", "")
