"""3MF: units, components, names, colours, and packages that are not what they say."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import trimesh

from render_actor.contract.types import SurfaceMaterial
from serve_app.base.errors import ServiceError
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.srgb import linear
from serve_app.cad.parse import ParsedCad, parse_cad
from tests.cads import REFERENCE
from tests.cads.threemf import mesh_object, model, package
from tests.gltf_writer import png
from tests.unit.serve_app.cad.written import LIMITS

BOX = trimesh.creation.box((20, 10, 6))
ITEM = '<item objectid="1"/>'
COUNTER = REFERENCE / "counterXP.3MF"


def read(data: bytes, limits: CadLimits = LIMITS) -> ParsedCad:
    return parse_cad(data, ".3mf", Path("/nowhere"), limits)


def box(number: int = 1, attributes: str = "", *triangles: str) -> str:
    return mesh_object(number, BOX.vertices, BOX.faces, attributes, triangles)


def names(parsed: ParsedCad) -> list[str]:
    return [part.name for part in parsed.parts]


def refusal(data: bytes, limits: CadLimits = LIMITS, code: str = "cad_invalid") -> str:
    with pytest.raises(ServiceError) as caught:
        read(data, limits)
    assert caught.value.code == code
    return caught.value.detail


@pytest.mark.parametrize(
    ("unit", "told", "factor"),
    [
        (None, "mm", 1.0),
        ("millimeter", "mm", 1.0),
        ("centimeter", "cm", 1.0),
        ("inch", "inch", 1.0),
        ("meter", "m", 1.0),
        ("micron", "mm", 0.001),
        ("foot", "mm", 304.8),
    ],
)
def test_units(unit: str | None, told: str, factor: float) -> None:
    parsed = read(package(model(box(), ITEM, unit)))
    assert parsed.unit == told
    np.testing.assert_allclose(np.ptp(parsed.mesh.vertices, axis=0), np.array([20, 10, 6]) * factor)
    assert any(f"unit of length is {unit}" in warning for warning in parsed.warnings) == (factor != 1.0)


def test_components_come_to_their_places_and_have_names() -> None:
    turned = "0 1 0 -1 0 0 0 0 1 100 0 0"  # x becomes y, y becomes -x, then 100 to the right.
    whole = f'<object id="2"><components><component objectid="1"/><component objectid="1" transform="{turned}"/></components></object>'
    parsed = read(package(model(box(1, 'name="box"') + whole, '<item objectid="2" transform="1 0 0 0 1 0 0 0 1 0 0 50"/>')))
    assert names(parsed) == ["box", "box #2"]
    assert parsed.mesh.vertices.min(axis=0).tolist() == [-10, -10, 47] and parsed.mesh.vertices.max(axis=0).tolist() == [105, 10, 53]


def test_a_mirrored_object_keeps_its_outside() -> None:
    mesh = read(package(model(box(), '<item objectid="1" transform="-1 0 0 0 1 0 0 0 1 0 0 0"/>'))).mesh
    corners = mesh.vertices[mesh.faces]
    assert np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6 == pytest.approx(20 * 10 * 6)


def test_a_body_has_the_name_of_its_part() -> None:
    part = '<object id="2" name="bracket"><components><component objectid="1"/></components></object>'
    assert names(read(package(model(box(1, 'name="body418"') + part, '<item objectid="2"/>')))) == ["bracket"]


def test_colours_of_materials_and_groups() -> None:
    groups = '<basematerials id="5"><base name="a" displaycolor="#336699"/></basematerials>'
    groups += '<m:colorgroup id="6"><m:color color="#FF8000"/><m:color color="#0000FF80"/></m:colorgroup>'
    triangles = ['pid="6" p1="0"', 'pid="6" p1="1"']
    mesh = read(package(model(groups + box(1, 'pid="5" pindex="0"', *triangles), ITEM))).mesh
    assert mesh.vertex_colors is None
    colors = {material.base_color: (mesh.face_materials == number).sum() for number, material in enumerate(mesh.materials)}
    linear = [((channel + 0.055) / 1.055) ** 2.4 for channel in (0.2, 0.4, 0.6, 128 / 255)]
    expected = {tuple(linear[:3]): 10, (1.0, linear[3], 0.0): 1, (0.0, 0.0, 1.0): 1}
    assert {tuple(round(channel, 6) for channel in color): count for color, count in colors.items()} == {
        tuple(round(channel, 6) for channel in color): count for color, count in expected.items()
    }
    assert {material.alpha for material in mesh.materials} == {1.0, 128 / 255}


def test_a_colour_from_above_reaches_the_mesh_below() -> None:
    groups = '<m:colorgroup id="6"><m:color color="#FF0000"/></m:colorgroup>'
    part = '<object id="2" pid="6" pindex="0"><components><component objectid="1"/></components></object>'
    parsed = read(package(model(groups + box() + part, '<item objectid="2"/>')))
    assert [material.base_color for material in parsed.mesh.materials] == [(1.0, 0.0, 0.0)] and not parsed.warnings


def test_colours_that_change_along_a_triangle_are_those_of_its_corners() -> None:
    groups = '<m:colorgroup id="6"><m:color color="#FF0000"/><m:color color="#00FF00"/><m:color color="#0000FF"/></m:colorgroup>'
    mesh = read(package(model(groups + box(1, "", 'pid="6" p1="0" p2="1" p3="2"'), ITEM))).mesh
    assert mesh.vertex_colors is not None and mesh.materials == (SurfaceMaterial(),)
    assert mesh.vertex_colors[mesh.faces[0]][:, :3].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert (mesh.vertex_colors[mesh.faces[1:]][..., :3] == 231).all()


IMAGE = '<m:texture2d id="7" path="/3D/Textures/a.png" contenttype="image/png" tilestyleu="mirror"/>'
UV = '<m:texture2dgroup id="6" texid="7"><m:tex2coord u="0" v="0"/><m:tex2coord u="2" v="0"/><m:tex2coord u="0" v="1"/></m:texture2dgroup>'
PICTURE = {"3D/Textures/a.png": png(np.full((2, 4, 3), 200, np.uint8))}


def test_textures_lie_on_the_triangles_that_name_them() -> None:
    colors = '<m:colorgroup id="5"><m:color color="#FF0000"/></m:colorgroup>'
    triangles = ['pid="6" p1="0" p2="1" p3="2"', 'pid="6" p1="2"']
    parsed = read(package(model(colors + IMAGE + UV + box(1, 'pid="5" pindex="0"', *triangles), ITEM), PICTURE))
    mesh = parsed.mesh
    assert not parsed.warnings and mesh.corner_uv is not None
    (shown,) = (slot for slot, material in enumerate(mesh.materials) if material.textures)
    assert mesh.materials[shown].textures == {"base_color": 0} and mesh.materials[shown].wrap == "mirror"
    assert mesh.corner_uv[mesh.face_materials == shown].tolist() == [[[0, 0], [2, 0], [0, 1]], [[0, 1], [0, 1], [0, 1]]]
    assert mesh.textures[0].shape == (2, 4, 4) and (mesh.textures[0] == [200, 200, 200, 255]).all()
    assert [material.base_color for material in mesh.materials if not material.textures] == [(1.0, 0.0, 0.0)]


def test_an_object_may_have_a_texture_for_all_of_it() -> None:
    mesh = read(package(model(IMAGE + UV + box(1, 'pid="6" pindex="1"'), ITEM), PICTURE)).mesh
    assert mesh.corner_uv is not None and (mesh.corner_uv == [2, 0]).all() and mesh.materials[0].textures == {"base_color": 0}


def test_a_texture_that_is_not_there_is_told() -> None:
    triangle = 'pid="6" p1="0" p2="1" p3="2"'
    parsed = read(package(model(IMAGE + UV + box(1, "", triangle), ITEM)))
    assert any("'/3D/Textures/a.png' cannot be used" in warning for warning in parsed.warnings) and not parsed.mesh.textures
    parsed = read(package(model(UV + box(1, "", triangle), ITEM)))
    assert "a texture of the 3MF file names no image that is in it: rendered without" in parsed.warnings
    assert "texture coordinates it does not have: it has 3" in refusal(
        package(model(IMAGE + UV + box(1, "", 'pid="6" p1="9"'), ITEM), PICTURE)
    )
    assert "where a number of a texture" in refusal(package(model(UV.replace('u="2"', 'u="x"') + box(), ITEM)))


BASES = (
    '<basematerials id="3"><base name="a" displaycolor="#FF0000"/><base name="b" displaycolor="#00FF00"/><base name="c" '
    'displaycolor="#0000FF80"/></basematerials>'
)


@pytest.mark.parametrize(
    ("group", "srgb", "alpha"),
    [
        ('<m:compositematerials id="4" matid="3" matindices="0 1"><m:composite values="1 3"/></m:compositematerials>', (64, 191, 0), 255),
        ('<m:compositematerials id="4" matid="9" matindices="0"><m:composite values="1"/></m:compositematerials>', None, 255),
        ('<m:multiproperties id="4" pids="3 3"><m:multi pindices="0 1"/></m:multiproperties>', (0, 255, 0), 255),
        ('<m:multiproperties id="4" pids="3 3"><m:multi pindices="0 2"/></m:multiproperties>', (127, 0, 128), 255),
        ('<m:multiproperties id="4" pids="3 3" blendmethods="multiply"><m:multi pindices="0 1"/></m:multiproperties>', (0, 0, 0), 255),
        ('<m:multiproperties id="4" pids="9 3"><m:multi pindices="0 2"/></m:multiproperties>', (0, 0, 255), 128),
        (
            '<m:colorgroup id="4"><m:composite values="1"/><m:multi pindices="0"/><m:color color="#FF0000"/></m:colorgroup>',
            (255, 0, 0),
            255,
        ),
    ],
)
def test_colours_made_of_others(group: str, srgb: tuple[int, int, int] | None, alpha: int) -> None:
    (material,) = read(package(model(BASES + group + box(1, 'pid="4" pindex="0"'), ITEM))).mesh.materials
    expected = (0.8, 0.8, 0.8) if srgb is None else tuple(linear(channel / 255) for channel in srgb)
    assert material.base_color == pytest.approx(expected, abs=1e-6) and material.alpha == pytest.approx(alpha / 255)


def test_what_of_the_looks_is_not_read_is_told() -> None:
    layers = '<m:multiproperties id="8" pids="6"><m:multi pindices="0"/></m:multiproperties>'
    parsed = read(package(model(IMAGE + UV + layers + box(1, 'pid="8" pindex="0"'), ITEM, more=' requiredextensions="m b"')))
    assert any("textures in layered materials (multiproperties)" in warning for warning in parsed.warnings)
    assert any("needs extensions of 3MF that are not read (b)" in warning for warning in parsed.warnings)


def test_objects_in_other_files_of_the_package() -> None:
    other = model(box(1, 'name="far"'), "")
    whole = '<object id="2"><components><component objectid="1" p:path="/3D/Objects/other.model"/></components></object>'
    assert names(read(package(model(whole, '<item objectid="2"/>'), {"3D/Objects/other.model": other}))) == ["far"]


def test_supports_are_left_out() -> None:
    stilt = box(2).replace('type="model"', 'type="support"')
    parsed = read(package(model(box() + stilt, ITEM + '<item objectid="2" transform="1 0 0 0 1 0 0 0 1 0 0 99"/>')))
    assert parsed.mesh.vertices[:, 2].max() == 3 and any("supports" in warning for warning in parsed.warnings)


def test_trimesh_reads_the_same() -> None:
    data = BOX.export(file_type="3mf")
    np.testing.assert_allclose(np.sort(read(data).mesh.vertices, axis=0), np.sort(BOX.vertices, axis=0))


@pytest.mark.skipif(not COUNTER.exists(), reason="the reference CADs are not here")
def test_an_assembly_of_a_cad_program() -> None:
    parsed = read(COUNTER.read_bytes())
    expected = trimesh.load(COUNTER, file_type="3mf")
    np.testing.assert_allclose([parsed.mesh.vertices.min(axis=0), parsed.mesh.vertices.max(axis=0)], expected.bounds, atol=1e-3)
    assert len(parsed.mesh.faces) == 83750 and len(parsed.parts) == 6 and not parsed.warnings


def test_what_is_no_3mf() -> None:
    assert "it is no zip archive" in refusal(b"solid x")
    assert "it is no zip archive" in refusal(package(model(box(), ITEM))[:-30])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert "it holds no model" in refusal(stream.getvalue())


@pytest.mark.parametrize(
    ("resources", "build", "reason"),
    [
        (box(), "", "its build section names no object"),
        (box(), '<item objectid="9"/>', "refers to the object '9'"),
        (box().replace('v1="', 'v1="99', 1), ITEM, "refer to vertices it does not have: it has 8"),
        (box().replace('x="', 'x="nonsense', 1), ITEM, "coordinates or indices that are no numbers"),
        (box().replace('x="', 'x="1 2 ', 1), ITEM, "other than three numbers"),
        (box().replace(' y="', ' w="', 1), ITEM, "a <vertex> has no attribute y"),
        (box(), '<item objectid="1" transform="1 0 0"/>', "has 3 numbers, not 12"),
        (box(), '<item objectid="1" transform="1 0 0 0 1 0 0 0 0 0 0 0"/>', "flattens"),
        ('<object id="1"><components><component objectid="1"/></components></object>', ITEM, "nested deeper than 64, or in a circle"),
        (box()[:-20], ITEM, "its XML is damaged at line 3"),
    ],
)
def test_damaged_models_are_refused(resources: str, build: str, reason: str) -> None:
    assert reason in refusal(package(model(resources, build)))


def test_entities_are_refused_not_expanded() -> None:
    text = model(box(), ITEM)
    start = text.index("<model")
    laughs = (
        '<!DOCTYPE model [<!ENTITY a "ha">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1 if i else str()};" * 10}">' for i in range(9)) + "]>"
    )
    assert "it has a document type" in refusal(package(text[:start] + laughs + text[start:]))
    fetched = '<!DOCTYPE model SYSTEM "file:///etc/passwd">'
    assert "it has a document type" in refusal(package(text[:start] + fetched + text[start:]))


def test_objects_that_double_without_end_are_refused() -> None:
    chain = box()
    for number in range(2, 40):
        below = f'<component objectid="{number - 1}"/>'
        chain += f'<object id="{number}"><components>{below}{below}</components></object>'
    assert "places 549755813887" in refusal(package(model(chain, '<item objectid="39"/>')), code="cad_too_large")


def test_zip_bombs_are_refused() -> None:
    small = CadLimits(**{**vars(LIMITS), "max_bytes": 200_000})
    data = package(model(box(), ITEM), {"Metadata/zeros": b"\0" * 10_000_000})
    assert "it unpacks to 100" in refusal(data, small, "cad_too_large")
    lying = bytearray(package(model(box() + " " * 1_000_000, ITEM)))
    with zipfile.ZipFile(io.BytesIO(lying)) as archive:
        size = archive.getinfo("3D/3dmodel.model").file_size
    told = lying.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert "is damaged" in refusal(bytes(told), small)


def test_faces_are_counted_over_all_instances() -> None:
    few = CadLimits(**{**vars(LIMITS), "faces": 20})
    assert len(read(package(model(box(), ITEM)), few).mesh.faces) == 12
    assert "it has 24 triangles, more than 20" in refusal(package(model(box(), ITEM + ITEM)), few, "cad_too_large")
