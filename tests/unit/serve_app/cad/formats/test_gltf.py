"""glTF files: what they place, where their bytes lie, and what is said of those that are broken."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from serve_app.base.errors import ServiceError
from serve_app.cad.parse import ParsedCad, parse_cad
from serve_app.cad.read_options import WHOLE, ReadOptions
from tests.gltf_writer import GltfWriter, png, simple
from tests.unit.serve_app.cad.written import LIMITS, parse

BOX = trimesh.creation.box((0.02, 0.04, 0.06))
RED = np.full((2, 2, 3), (255, 0, 0), dtype=np.uint8)


def read(writer: GltfWriter, folder: Path, options: ReadOptions = WHOLE) -> ParsedCad:
    return parse_cad(writer.glb(), ".glb", folder, LIMITS, options)


def assembly() -> GltfWriter:
    """Two bolts and a lid, of one mesh with a name and one without, below a node that carries nothing."""
    writer = GltfWriter()
    bolt = writer.mesh(writer.primitive(BOX.vertices, BOX.faces), name="bolt")
    lid = writer.mesh(writer.primitive(BOX.vertices, BOX.faces), writer.primitive(BOX.vertices + 1, BOX.faces))
    children = [
        writer.node(root=False, mesh=bolt, translation=[0.1, 0, 0]),
        writer.node(root=False, mesh=lid, name="lid"),
        writer.node(root=False, mesh=bolt, translation=[0, 0.1, 0], rotation=[0, 0, 1, 0]),
    ]
    writer.node(name="top", children=children, scale=[2, 2, 2])
    return writer


def test_parts_have_their_nodes_names_or_their_meshes(tmp_path: Path) -> None:
    parsed = read(assembly(), tmp_path)
    assert [part.name for part in parsed.parts] == ["bolt", "lid", "bolt #2"]
    assert parsed.unit == "m" and len(parsed.mesh.faces) == 4 * 12
    only = read(assembly(), tmp_path, ReadOptions(("bolt #2",))).mesh
    expected = np.array([[0, 0.2, 0], [0, 0.2, 0]]) + 2 * np.array([[-0.01, -0.02, -0.03], [0.01, 0.02, 0.03]])
    np.testing.assert_allclose([only.vertices.min(axis=0), only.vertices.max(axis=0)], expected, atol=1e-7)


def test_the_frame_is_the_files_own_as_trimesh_has_it(tmp_path: Path) -> None:
    theirs = trimesh.load_scene((tmp_path / "a.glb") if (tmp_path / "a.glb").write_bytes(assembly().glb()) else "").to_mesh()
    ours = read(assembly(), tmp_path).mesh
    np.testing.assert_allclose(np.sort(ours.vertices, axis=0), np.sort(theirs.vertices, axis=0), atol=1e-6)


def test_bytes_may_lie_in_the_text_beside_it_and_under_a_name_with_spaces(tmp_path: Path) -> None:
    writer = simple(BOX)
    inside = parse(tmp_path, "a.gltf", writer.gltf())
    (tmp_path / "some data.bin").write_bytes(writer.data)
    beside = parse(tmp_path, "a.gltf", writer.gltf("some%20data.bin"))
    assert (inside.mesh.vertices == beside.mesh.vertices).all() and not inside.references
    assert beside.references.keys() == {"some data.bin"}
    assert inside.mesh.key != beside.mesh.key


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("gone.bin", "it is not in the CAD's folder"),
        ("../secret.bin", "it is not in the CAD's folder"),
        ("%2e%2e/secret.bin", "it is not in the CAD's folder"),
        ("/etc/passwd", "it is not in the CAD's folder"),
        ("http://127.0.0.1:9/a.bin", "only files in the CAD's own folder"),
        ("file:///etc/passwd", "only files in the CAD's own folder"),
        ("C:/a.bin", "only files in the CAD's own folder"),
        ("//server/share.bin", "only files in the CAD's own folder"),
        ("data:application/octet-stream;base64,AAA", "its base64 is damaged"),
        ("data:text/plain,hello", "not in base64"),
        ("", "it is not in the CAD's folder"),
        ("\0", "it is not in the CAD's folder"),
    ],
)
def test_bytes_from_elsewhere_are_refused_with_the_buffers_number(uri: str, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "cads"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(simple(BOX).data)
    header = json.loads(simple(BOX).gltf()) | {"buffers": [{"uri": uri, "byteLength": 4}]}
    with pytest.raises(ServiceError, match=f"GLTF: buffer 0.*{message}") as caught:
        parse(folder, "a.gltf", json.dumps(header))
    assert caught.value.code == "cad_invalid"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("KHR_draco_mesh_compression", "Draco-compressed: export it without compression"),
        ("EXT_meshopt_compression", "gltfpack without -c"),
        ("KHR_texture_basisu", "PNG or JPEG"),
        ("EXT_mesh_gpu_instancing", "export each copy as a node"),
        ("ACME_thing", "export it without that extension"),
    ],
)
def test_an_extension_that_is_needed_and_not_read_is_named_with_the_remedy(name: str, message: str, tmp_path: Path) -> None:
    writer = simple(BOX)
    writer.header |= {"extensionsUsed": [name], "extensionsRequired": [name]}
    with pytest.raises(ServiceError, match=f"{name}.*{message}"):
        read(writer, tmp_path)


def test_an_extension_that_is_only_used_hinders_nothing(tmp_path: Path) -> None:
    writer = simple(BOX)
    writer.header |= {"extensionsUsed": ["KHR_lights_punctual", "ACME_thing"], "cameras": [{}], "animations": [{}], "skins": [{}]}
    warnings = read(writer, tmp_path).warnings
    still = "skinned meshes stand where their nodes are, not as their joints turn them"
    assert f"its cameras and animations and skins and lights are left out; {still}" in warnings


def changed(kind: str, index: int, **entries: Any) -> Callable[[GltfWriter], None]:
    """A header with other entries; None takes one out."""

    def change(writer: GltfWriter) -> None:
        entry = writer.header[kind][index]
        for key, value in entries.items():
            entry[key] = value
            if value is None:
                del entry[key]

    return change


def sparse(count: int = 2, **parts: dict[str, Any]) -> Callable[[GltfWriter], None]:
    """Positions of which some are replaced: rows 7, 0 or 200; ``parts`` change what says so."""

    def change(writer: GltfWriter) -> None:
        values, places = writer.view(bytes(24)), writer.view(b"\x07\x00\xc8")
        entry = {"indices": {"bufferView": places, "componentType": 5121}, "values": {"bufferView": values}}
        writer.header["accessors"][0]["sparse"] = {"count": count} | {name: entry[name] | parts.get(name, {}) for name in entry}

    return change


def morphed(targets: list[Any]) -> Callable[[GltfWriter], None]:
    """A mesh with morph targets, the first of which is shown."""

    def change(writer: GltfWriter) -> None:
        writer.header["meshes"][0] |= {"weights": [1.0]}
        writer.header["meshes"][0]["primitives"][0]["targets"] = targets

    return change


BROKEN: dict[str, tuple[Callable[[GltfWriter], None], str]] = {
    "no data": (changed("accessors", 0, bufferView=None), "accessor 0 has no data; if the file is compressed"),
    "too long": (changed("accessors", 0, count=9), "accessor 0 needs 108 bytes of buffer view 0, which has 96"),
    "far too long": (changed("accessors", 0, count=10**15), "accessor 0 needs"),
    "negative": (changed("accessors", 0, count=-1), "accessor 0 has count '-1'"),
    "true": (changed("accessors", 0, count=True), "accessor 0 has count 'True'"),
    "fraction": (changed("accessors", 0, count=8.0), "accessor 0 has count '8.0'"),
    "offset": (changed("accessors", 0, byteOffset=1), "accessor 0 needs 97 bytes"),
    "no vertices": (changed("accessors", 0, count=0), "mesh 0 has faces and no vertices"),
    "sparse": (changed("accessors", 0, sparse={}), "accessor 0 is sparse, and does not say which rows.*export it without"),
    "sparse list": (changed("accessors", 0, sparse=[1]), "accessor 0 is sparse, and does not say which rows"),
    "sparse count": (sparse(count=9), "accessor 0 is sparse, and changes 9 rows of 8"),
    "sparse component": (sparse(indices={"componentType": 5126}), "accessor 0 is sparse, and its indices are of component type '5126'"),
    "sparse view": (sparse(values={"bufferView": 9}), "accessor 0 refers to '9' of its bufferViews"),
    "sparse size": (sparse(indices={"byteOffset": 3}), "accessor 0 needs 5 bytes of buffer view 3, which has 3"),
    "sparse row": (sparse(indices={"byteOffset": 2}, values={"byteOffset": 12}, count=1), "changes row 200 of 8"),
    "matrices": (changed("accessors", 0, type="MAT4"), "accessor 0 is of type 'MAT4'"),
    "pairs": (changed("accessors", 0, type="VEC2"), "accessor 0 has 2 numbers a row, which POSITION of mesh 0 cannot have"),
    "component": (changed("accessors", 0, componentType=5130), "accessor 0 is of type 'VEC3' and component type '5130'"),
    "float indices": (changed("accessors", 1, componentType=5126), "accessor 1 is no list of whole numbers"),
    "odd corners": (changed("accessors", 1, count=35), "mesh 0 has 35 corners"),
    "view": (changed("accessors", 0, bufferView=7), "accessor 0 refers to '7' of its bufferViews, and there are 2"),
    "view beyond": (changed("bufferViews", 0, byteLength=10**6), "buffer view 0 ends at byte 1000000.* which has 240"),
    "stride": (changed("bufferViews", 0, byteStride=4), "accessor 0 has rows of 12 bytes every 4 bytes"),
    "buffer": (changed("bufferViews", 0, buffer=3), "buffer view 0 refers to '3' of its buffers, and there are 1"),
    "no position": (changed("meshes", 0, primitives=[{"attributes": {}}]), "mesh 0 has no POSITION"),
    "no primitives": (changed("meshes", 0, primitives=3), "mesh 0 has no list of primitives"),
    "weights": (changed("meshes", 0, weights=["a"]), "mesh 0 has weights that are no list of numbers"),
    "targets": (morphed([1]), "mesh 0 has targets that are no list of objects"),
    "short target": (morphed([{"POSITION": 1}]), "a target of mesh 0 has 36 entries of 1, and its POSITION 8 of 3"),
    "target": (morphed([{"POSITION": 9}]), "target of mesh 0 refers to '9' of its accessors"),
    "lines": (changed("meshes", 0, primitives=[{"mode": 1, "attributes": {"POSITION": 0}}]), "points or lines and no triangles"),
    "mesh": (changed("nodes", 0, mesh=4), "node 0 refers to '4' of its meshes, and there are 1"),
    "child": (changed("nodes", 0, children=[4]), "node 0 refers to '4' of its nodes"),
    "own child": (changed("nodes", 0, children=[0], name="loop"), "node 'loop' stands below two others or below itself"),
    "children": (changed("nodes", 0, children="abc"), "its children of node 0 are no list of numbers"),
    "copies": (changed("nodes", 0, extensions={"EXT_mesh_gpu_instancing": {}}), "node 0 has the extension.*export each copy as a node"),
    "flat": (changed("nodes", 0, scale=[1, 1, 0], name="plate"), "node 'plate' has a transform that flattens"),
    "short matrix": (changed("nodes", 0, matrix=[1, 2]), "node 0 has a matrix that is not 16 numbers"),
    "text": (changed("nodes", 0, translation=["a", "b", "c"]), "node 0 has a translation that is not 3 numbers"),
    "huge scale": (changed("nodes", 0, scale=[1e300, 1e300, 1e300], translation=[1e300] * 3), "NaN or infinite|coordinates reach"),
    "scene": (lambda writer: writer.header.update(scene=5), "its header refers to '5' of its scenes, and there are 1"),
    "nodes": (lambda writer: writer.header.update(nodes={"a": 1}), "its 'nodes' are no list of objects"),
    "version": (lambda writer: writer.header.update(asset={"version": "1.0"}), "it is glTF '1.0', and only version 2"),
    "extensions": (lambda writer: writer.header.update(extensionsRequired="all"), "its extensionsRequired are no list of names"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_what_is_broken(name: str, tmp_path: Path) -> None:
    writer = simple(BOX)
    change, message = BROKEN[name]
    change(writer)
    with pytest.raises(ServiceError, match=message) as caught:
        read(writer, tmp_path)
    assert caught.value.code == "cad_invalid" and len(caught.value.detail) < 400


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"glTF", "it ends after 4 bytes"),
        (simple(BOX).glb()[:-100], "it is cut off: its header declares"),
        (b"glTF" + b"\1\0\0\0" + simple(BOX).glb()[8:], "it is glTF 1, and only version 2"),
        (simple(BOX).glb().replace(b"JSON", b"NOSJ"), "no JSON chunk"),
        (simple(BOX).glb().replace(b'"asset"', b'"asset}'), "its JSON text is damaged"),
        (b"[" * 100_000, "its JSON text is damaged"),
        (b"[]", "its JSON text is no object"),
        (b"some text", "it is no glTF: it neither begins"),
    ],
)
def test_a_broken_container_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=message):
        parse(tmp_path, "a.glb", data)


def test_a_face_without_its_vertex_is_refused_with_the_meshs_name(tmp_path: Path) -> None:
    writer = GltfWriter()
    writer.node(mesh=writer.mesh(writer.primitive(BOX.vertices, [[0, 1, 8]]), name="odd"))
    with pytest.raises(ServiceError, match="mesh 'odd' has faces that refer to vertex 8, and it has 8"):
        read(writer, tmp_path)


def test_the_sum_over_instances_is_limited_before_anything_is_read(tmp_path: Path) -> None:
    writer = simple(BOX)
    for _ in range(99):
        writer.node(mesh=0)
    with pytest.raises(ServiceError, match="1200 triangles, more than 1199") as caught:
        parse_cad(writer.glb(), ".glb", tmp_path, dataclasses.replace(LIMITS, faces=1199))
    assert caught.value.code == "cad_too_large"


def test_whole_numbers_are_read_as_the_format_means_them(tmp_path: Path) -> None:
    """KHR_mesh_quantization: positions as 16-bit fractions, normals as bytes, rows with a gap."""
    writer, largest = GltfWriter(), 32767
    corners = (BOX.vertices / 0.03 * largest).round()
    padded = np.concatenate([corners, np.full((8, 1), 77)], axis=1)
    positions = writer.accessor(padded, "int16", normalized=True)
    writer.header["accessors"][positions]["type"] = "VEC3"
    writer.header["bufferViews"][0]["byteStride"] = 8
    normals = writer.accessor((BOX.vertex_normals * 127).round(), "int8", normalized=True)
    indices = writer.accessor(BOX.faces.ravel(), "uint8")
    primitive = {"attributes": {"POSITION": positions, "NORMAL": normals}, "indices": indices}
    writer.node(mesh=writer.mesh(primitive), scale=[0.03] * 3)
    writer.header |= {"extensionsUsed": ["KHR_mesh_quantization"], "extensionsRequired": ["KHR_mesh_quantization"]}
    mesh = read(writer, tmp_path).mesh
    np.testing.assert_allclose(mesh.vertices, BOX.vertices, atol=1e-6)
    assert mesh.corner_normals is not None
    np.testing.assert_allclose(mesh.corner_normals, BOX.vertex_normals[BOX.faces], atol=0.02)


def test_a_strip_and_a_list_without_indices_are_the_same_as_faces(tmp_path: Path) -> None:
    square = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    writer = GltfWriter()
    strip = {"mode": 5, "attributes": {"POSITION": writer.accessor(square)}}
    listed = writer.primitive(square[[0, 1, 2, 2, 1, 3]] + [0, 0, 1], None)
    writer.node(mesh=writer.mesh(strip, listed))
    mesh = read(writer, tmp_path).mesh
    assert len(mesh.faces) == 4
    assert (np.cross(*np.diff(mesh.vertices[mesh.faces], axis=1).swapaxes(0, 1))[:, 2] > 0).all()


def test_morph_targets_are_shown_with_the_weights_of_their_mesh(tmp_path: Path) -> None:
    writer = simple(BOX)
    up, side = (writer.accessor(np.tile(np.array(step, dtype=float), (8, 1))) for step in ([0, 0, 4], [9, 0, 0]))
    primitive = writer.header["meshes"][0]["primitives"][0]
    primitive["targets"] = [{"POSITION": up}, {"POSITION": side}, {"NORMAL": 77}]
    for weights, moved in (([0.5, 0, 0], [0, 0, 2]), ([0, 1], [9, 0, 0]), ([], [0, 0, 0])):
        writer.header["meshes"][0]["weights"] = weights
        parsed = read(writer, tmp_path)
        np.testing.assert_allclose(parsed.mesh.vertices, BOX.vertices + moved, atol=1e-6)
        assert not any("morph" in warning for warning in parsed.warnings)
    writer.header["nodes"][0]["weights"] = [1, 0, 0]
    assert any("weights that its nodes give to morph targets are left out" in warning for warning in read(writer, tmp_path).warnings)


def test_a_fan_is_the_same_as_faces(tmp_path: Path) -> None:
    around = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    writer = GltfWriter()
    positions = writer.accessor(around)
    turned = writer.accessor([3, 2, 1, 0], "uint8")
    degenerate = {"mode": 6, "attributes": {"POSITION": writer.accessor(around[:2])}}
    fans = {"mode": 6, "attributes": {"POSITION": positions}}, {"mode": 6, "attributes": {"POSITION": positions}, "indices": turned}
    writer.node(mesh=writer.mesh(*fans, degenerate))
    mesh = read(writer, tmp_path).mesh
    heights = np.cross(*np.diff(mesh.vertices[mesh.faces], axis=1).swapaxes(0, 1))[:, 2]
    assert heights.tolist() == [1, 1, -1, -1]


@pytest.mark.parametrize("dense", [True, False])
def test_sparse_accessors_change_rows_of_others_or_of_zeros(dense: bool, tmp_path: Path) -> None:
    writer = simple(BOX)
    header = writer.header["accessors"][0]
    rows = np.array([1, 6] if dense else [0, 1, 2, 4, 7], dtype=np.uint16)
    expected = BOX.vertices.copy() if dense else np.zeros((8, 3))
    expected[rows] = BOX.vertices[rows] * [1, 2, 1]
    places, values = writer.view(b"\0\0" + rows.tobytes()), writer.view(expected[rows].astype("<f4").tobytes())
    entries = {"indices": {"bufferView": places, "componentType": 5123, "byteOffset": 2}, "values": {"bufferView": values}}
    header["sparse"] = {"count": len(rows), **entries}
    if not dense:
        del header["bufferView"]
    mesh = read(writer, tmp_path).mesh
    np.testing.assert_allclose(mesh.vertices[mesh.faces].max(axis=(0, 1)), expected.max(axis=0), rtol=1e-6)
    assert {tuple(row) for row in mesh.vertices.round(6)} == {tuple(row) for row in expected.round(6)}


def test_other_scenes_points_and_lines_are_left_out_with_a_warning(tmp_path: Path) -> None:
    writer = simple(BOX)
    far = writer.node(root=False, mesh=0, translation=[9, 9, 9])
    writer.header["scenes"].append({"nodes": [far]})
    writer.header["meshes"][0]["primitives"].append({"mode": 0, "attributes": {"POSITION": 0}})
    parsed = read(writer, tmp_path)
    assert len(parsed.mesh.faces) == 12
    assert any("several scenes" in warning for warning in parsed.warnings)
    assert any("points and lines are left out" in warning for warning in parsed.warnings)


def test_without_scenes_all_nodes_are_rendered(tmp_path: Path) -> None:
    writer = assembly()
    del writer.header["scenes"], writer.header["scene"]
    assert len(read(writer, tmp_path).mesh.faces) == 48


def test_a_file_without_meshes_says_that_it_has_no_faces(tmp_path: Path) -> None:
    writer = GltfWriter()
    writer.node()
    with pytest.raises(ServiceError, match="holds no faces"):
        read(writer, tmp_path)


def test_the_ending_may_be_wrong(tmp_path: Path) -> None:
    assert len(parse(tmp_path, "a.gltf", simple(BOX).glb()).mesh.faces) == 12
    assert len(parse(tmp_path, "a.glb", simple(BOX).gltf()).mesh.faces) == 12


def test_an_image_beside_the_file_is_a_reference(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png(RED))
    writer = GltfWriter()
    material = writer.material(factors={"baseColorTexture": {"index": writer.texture("red.png")}})
    writer.node(mesh=writer.mesh(writer.primitive(BOX.vertices, BOX.faces, material, TEXCOORD_0=writer.accessor(BOX.vertices[:, :2]))))
    parsed = read(writer, tmp_path)
    assert parsed.references.keys() == {"red.png"} and (parsed.mesh.textures[0] == (255, 0, 0, 255)).all()
    (tmp_path / "red.png").unlink()
    missing = read(writer, tmp_path)
    assert missing.mesh.key != parsed.mesh.key
    assert any("'image 0 (red.png)' cannot be used: it is not in the CAD's folder" in warning for warning in missing.warnings)
