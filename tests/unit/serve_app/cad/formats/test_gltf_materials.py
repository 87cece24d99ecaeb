"""glTF materials become surfaces, and what of them cannot is named."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from render_actor.contract.types import CadMesh, SurfaceMaterial
from serve_app.base.errors import ServiceError
from serve_app.cad.parse import ParsedCad, parse_cad
from serve_app.cad.sandbox.transfer import dump_parsed, load_parsed
from tests.gltf_writer import GltfWriter, png
from tests.unit.serve_app.cad.written import LIMITS

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=np.float64)
IMAGE = np.random.default_rng(0).integers(0, 255, (3, 5, 4), dtype=np.uint8)


def read(writer: GltfWriter, folder: Path) -> ParsedCad:
    return parse_cad(writer.glb(), ".glb", folder, LIMITS)


def triangle(material: dict[str, Any] | None = None, writer: GltfWriter | None = None, **attributes: int) -> GltfWriter:
    """One triangle with the material of an entry."""
    writer = writer or GltfWriter()
    number = None if material is None else writer.add("materials", material)
    if "TEXCOORD_0" not in attributes:
        attributes["TEXCOORD_0"] = writer.accessor(CORNERS[:, :2])
    writer.node(mesh=writer.mesh(writer.primitive(CORNERS, [[0, 1, 2]], number, **attributes)))
    return writer


def surface(material: dict[str, Any], folder: Path, writer: GltfWriter | None = None) -> tuple[SurfaceMaterial, CadMesh, tuple[str, ...]]:
    parsed = read(triangle(material, writer), folder)
    return parsed.mesh.materials[0], parsed.mesh, parsed.warnings


def test_factors_are_taken_as_they_are(tmp_path: Path) -> None:
    factors = {"baseColorFactor": [0.1, 0.2, 0.3, 0.4], "metallicFactor": 0.6, "roughnessFactor": 0.7}
    found, _, _ = surface({"name": "paint", "pbrMetallicRoughness": factors, "emissiveFactor": [0.1, 0, 0.5]}, tmp_path)
    assert found == SurfaceMaterial(
        name="paint",
        base_color=(0.1, 0.2, 0.3),
        alpha=1.0,
        metallic=0.6,
        roughness=0.7,
        emission=(0.1, 0.0, 0.5),
        multiplied=True,
    )


def test_what_a_material_does_not_say_is_as_the_format_has_it(tmp_path: Path) -> None:
    found, _, _ = surface({}, tmp_path)
    assert (found.base_color, found.metallic, found.roughness, found.alpha) == ((1.0, 1.0, 1.0), 1.0, 1.0, 1.0)


def test_without_a_material_the_cad_is_grey_and_says_so(tmp_path: Path) -> None:
    parsed = read(triangle(), tmp_path)
    assert parsed.mesh.materials == (SurfaceMaterial(multiplied=True),)
    assert any("neutral grey" in warning for warning in parsed.warnings)


def test_vertex_colours_are_linear_and_of_any_kind(tmp_path: Path) -> None:
    for kind, scale in (("float32", 1.0), ("uint8", 255), ("uint16", 65535)):
        writer = GltfWriter()
        colors = writer.accessor(np.array([[0.0, 0.2140411, 1.0]] * 3) * scale, kind, normalized=kind != "float32")
        parsed = read(triangle({"pbrMetallicRoughness": {"baseColorFactor": [0.5, 1, 1, 1]}}, writer, COLOR_0=colors), tmp_path)
        assert parsed.mesh.vertex_colors is not None
        assert np.abs(parsed.mesh.vertex_colors.astype(int) - (0, 128, 255, 255)).max() <= 1
        assert parsed.mesh.materials[0].base_color == (0.5, 1.0, 1.0)


def test_each_slot_has_its_image_and_no_image_twice(tmp_path: Path) -> None:
    writer = GltfWriter()
    first, second = ({"index": writer.texture(png(IMAGE))} for _ in range(2))
    material = {
        "pbrMetallicRoughness": {"baseColorTexture": first, "metallicRoughnessTexture": second},
        "normalTexture": {**second, "scale": 0.3},
        "emissiveTexture": first,
        "emissiveFactor": [1, 1, 1],
    }
    found, mesh, _ = surface(material, tmp_path, writer)
    assert found.textures == {"base_color": 0, "metallic_roughness": 1, "normal": 1, "emission": 0}
    assert found.bump_strength == 0.3 and len(mesh.textures) == 2
    assert (mesh.textures[0][..., :3] == IMAGE[..., :3]).all() and (mesh.textures[0][..., 3] == 255).all()


def test_an_image_that_gives_off_nothing_is_not_decoded(tmp_path: Path) -> None:
    writer = GltfWriter()
    found, mesh, _ = surface({"emissiveTexture": {"index": writer.texture(png(IMAGE))}}, tmp_path, writer)
    assert not found.textures and not mesh.textures


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ({}, (1.0, None, False)),
        ({"alphaMode": "BLEND"}, (0.5, None, True)),
        ({"alphaMode": "MASK"}, (0.5, 0.5, True)),
        ({"alphaMode": "MASK", "alphaCutoff": 0.2}, (0.5, 0.2, True)),
        ({"alphaMode": "MASK", "alphaCutoff": 0.0}, (1.0, None, False)),
    ],
)
def test_alpha_counts_where_the_material_says_so(mode: dict[str, Any], expected: tuple[Any, ...], tmp_path: Path) -> None:
    writer = GltfWriter()
    factors = {"baseColorFactor": [1, 1, 1, 0.5], "baseColorTexture": {"index": writer.texture(png(IMAGE))}}
    found, mesh, _ = surface({"pbrMetallicRoughness": factors, **mode}, tmp_path, writer)
    assert (found.alpha, found.alpha_cutoff, "alpha" in found.textures) == expected
    if expected[2]:
        assert (mesh.textures[found.textures["alpha"]][..., 3] == IMAGE[..., 3]).all()


def test_an_opaque_image_needs_no_alpha(tmp_path: Path) -> None:
    writer = GltfWriter()
    factors = {"baseColorTexture": {"index": writer.texture(png(IMAGE[..., :3]))}}
    found, _, _ = surface({"pbrMetallicRoughness": factors, "alphaMode": "BLEND"}, tmp_path, writer)
    assert found.textures == {"base_color": 0} and found.alpha == 1.0


@pytest.mark.parametrize(("factor", "alpha"), [(0.4, 0.0), (0.6, 1.0)])
def test_a_mask_without_image_shows_all_or_nothing(factor: float, alpha: float, tmp_path: Path) -> None:
    found, _, _ = surface({"pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, factor]}, "alphaMode": "MASK"}, tmp_path)
    assert (found.alpha, found.alpha_cutoff) == (alpha, None)


def test_texture_coordinates_are_of_the_images_set_turned_and_from_below(tmp_path: Path) -> None:
    writer = GltfWriter()
    second = writer.accessor(np.array([[0, 0], [0.5, 0], [0, 1]]))
    moved = {"offset": [0.1, 0.2], "scale": [2, 1], "rotation": np.pi / 2}
    info = {"index": writer.texture(png(IMAGE)), "texCoord": 1, "extensions": {"KHR_texture_transform": moved}}
    parsed = read(triangle({"pbrMetallicRoughness": {"baseColorTexture": info}}, writer, TEXCOORD_1=second), tmp_path)
    assert parsed.mesh.corner_uv is not None
    # (u, v) from above becomes (0.1 + v, 0.2 - 2 u), and is then counted from below.
    np.testing.assert_allclose(parsed.mesh.corner_uv[0], [[0.1, 0.8], [0.1, 1.8], [1.1, 0.8]], atol=1e-6)


@pytest.mark.parametrize(("mode", "wrap"), [(10497, "repeat"), (33071, "clamp"), (33648, "mirror"), (5, "repeat")])
def test_an_image_goes_on_beyond_its_edges_as_its_sampler_says(mode: int, wrap: str, tmp_path: Path) -> None:
    writer = GltfWriter()
    texture = writer.texture(png(IMAGE), wrapS=mode, wrapT=mode)
    found, _, _ = surface({"pbrMetallicRoughness": {"baseColorTexture": {"index": texture}}}, tmp_path, writer)
    assert found.wrap == wrap


def test_an_image_that_lies_otherwise_than_the_first_is_left_out_with_a_warning(tmp_path: Path) -> None:
    writer = GltfWriter()
    texture = writer.texture(png(IMAGE))
    material = {
        "name": "skin",
        "pbrMetallicRoughness": {"baseColorTexture": {"index": texture}},
        "normalTexture": {"index": texture, "texCoord": 1},
    }
    found, _, warnings = surface(material, tmp_path, writer)
    assert set(found.textures) == {"base_color"}
    assert any(warning.startswith("material 'skin': its normal texture is left out") for warning in warnings)


def test_an_unlit_surface_keeps_its_image(tmp_path: Path) -> None:
    writer = GltfWriter()
    material = {
        "pbrMetallicRoughness": {"baseColorTexture": {"index": writer.texture(png(IMAGE))}},
        "extensions": {"KHR_materials_unlit": {}},
    }
    found, _, _ = surface(material, tmp_path, writer)
    assert found.unlit and found.textures == {"base_color": 0}


def test_light_given_off_may_be_stronger_than_white(tmp_path: Path) -> None:
    strong = {"KHR_materials_emissive_strength": {"emissiveStrength": 4}}
    found, _, _ = surface({"emissiveFactor": [0.5, 0.25, 0], "extensions": strong}, tmp_path)
    assert found.emission == (2.0, 1.0, 0.0)


def test_specular_and_glossiness_become_metallic_and_roughness(tmp_path: Path) -> None:
    glossy = {"diffuseFactor": [0.1, 0.2, 0.3, 1], "glossinessFactor": 0.7, "specularFactor": [0.04, 0.04, 0.04]}
    found, _, _ = surface({"extensions": {"KHR_materials_pbrSpecularGlossiness": glossy}}, tmp_path)
    assert (found.base_color, found.metallic) == ((0.1, 0.2, 0.3), 0.0)
    assert found.roughness == pytest.approx(0.3) and found.specular == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("extensions", "specular"),
    [
        ({}, 0.5),
        ({"KHR_materials_specular": {"specularFactor": 0.4}}, 0.2),
        ({"KHR_materials_ior": {"ior": 1.0}}, 0.0),
        ({"KHR_materials_ior": {"ior": 1.8}}, 1.0),
    ],
)
def test_what_a_surface_reflects_is_principleds_specular_level(extensions: dict[str, Any], specular: float, tmp_path: Path) -> None:
    assert surface({"extensions": extensions}, tmp_path)[0].specular == pytest.approx(specular)


def test_looks_that_are_left_out_are_named(tmp_path: Path) -> None:
    _, _, warnings = surface({"name": "glass", "extensions": {"KHR_materials_transmission": {"transmissionFactor": 1}}}, tmp_path)
    assert "material 'glass': 'KHR_materials_transmission' is left out" in warnings


@pytest.mark.parametrize(
    ("material", "message"),
    [
        ({"pbrMetallicRoughness": {"baseColorFactor": [1, 1]}}, "material 'm' has a baseColorFactor that is not 4 numbers"),
        ({"pbrMetallicRoughness": {"metallicFactor": "much"}}, "material 'm' has a metallicFactor that is no number"),
        ({"emissiveFactor": [float("nan"), 0, 0]}, "material 'm' has a emissiveFactor that is no number"),
        ({"pbrMetallicRoughness": {"baseColorTexture": {"index": 3}}}, "baseColorTexture of material 'm' refers to '3' of its textures"),
        ({"normalTexture": {"index": 0, "texCoord": -1}}, "normalTexture of material 'm' has texCoord '-1'"),
    ],
)
def test_what_is_no_number_is_refused_by_name(material: dict[str, Any], message: str, tmp_path: Path) -> None:
    writer = GltfWriter()
    writer.texture(png(IMAGE))
    with pytest.raises(ServiceError, match=message):
        surface({"name": "m", **material}, tmp_path, writer)


def test_an_image_that_is_damaged_or_of_another_kind_is_left_out_by_name(tmp_path: Path) -> None:
    writer = GltfWriter()
    texture = writer.texture(b"\xabKTX 20\xbb nonsense")
    found, _, warnings = surface({"pbrMetallicRoughness": {"baseColorTexture": {"index": texture}}}, tmp_path, writer)
    assert not found.textures
    assert any("'image 0' cannot be used: it is no image of the types PNG, JPEG, WEBP" in warning for warning in warnings)


def test_an_image_that_only_an_extension_gives_is_named_with_it(tmp_path: Path) -> None:
    writer = GltfWriter()
    texture = writer.add("textures", {"extensions": {"KHR_texture_basisu": {"source": 0}}})
    found, _, warnings = surface({"pbrMetallicRoughness": {"baseColorTexture": {"index": texture}}}, tmp_path, writer)
    assert not found.textures
    assert any("no PNG, JPEG or WebP image, only one by 'KHR_texture_basisu'" in warning for warning in warnings)


def test_images_that_wrap_otherwise_than_the_first_are_kept_with_a_warning(tmp_path: Path) -> None:
    writer = GltfWriter()
    factors = {"baseColorTexture": {"index": writer.texture(png(IMAGE))}}
    other = {"index": writer.texture(png(IMAGE), wrapS=33071, wrapT=33071)}
    found, _, warnings = surface({"pbrMetallicRoughness": factors, "normalTexture": other}, tmp_path, writer)
    assert set(found.textures) == {"base_color", "normal"} and found.wrap == "repeat"
    assert any("its normal texture goes on as the other one, by repeat" in warning for warning in warnings)


def test_a_look_comes_out_of_the_reading_process_as_it_went_in(tmp_path: Path) -> None:
    writer = GltfWriter()
    texture = {"index": writer.texture(png(IMAGE), wrapS=33648, wrapT=33648)}
    material = {
        "pbrMetallicRoughness": {"baseColorTexture": texture, "metallicRoughnessTexture": texture, "metallicFactor": 0.25},
        "normalTexture": {**texture, "scale": 0.3},
        "emissiveFactor": [0.1, 0.2, 0.3],
        "alphaMode": "MASK",
    }
    parsed = read(triangle(material, writer), tmp_path)
    stream = io.BytesIO()
    dump_parsed(parsed, stream)
    stream.seek(0)
    again = load_parsed(stream)
    assert again.mesh.materials == parsed.mesh.materials
    assert (again.unit, again.parts, again.warnings) == (parsed.unit, parsed.parts, parsed.warnings)
    assert all((ours == theirs).all() for ours, theirs in zip(again.mesh.textures, parsed.mesh.textures, strict=True))


def test_many_primitives_of_one_material_are_one_shader(tmp_path: Path) -> None:
    writer = GltfWriter()
    for material in (0, 1):
        triangle({"name": str(material)}, writer)
    writer.node(mesh=0)
    assert len(read(writer, tmp_path).mesh.materials) == 2
