from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.contract.types import CadMesh, SurfaceMaterial
from render_actor.view.base_color import BaseColor, linear

Floats = NDArray[np.float32]

_VERTICES = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
SQUARE = CadMesh(
    key="square",
    vertices=_VERTICES,
    faces=np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
    corner_normals=None,
    vertex_colors=None,
    corner_uv=_VERTICES[[[0, 1, 2], [0, 2, 3]], :2].astype(np.float32),
    face_materials=np.array([0, 1], dtype=np.int32),
    materials=(SurfaceMaterial(base_color=(0.1, 0.2, 0.3)), SurfaceMaterial(base_color=(0.9, 0.5, 0.4))),
    textures=(),
)
"""A square of two faces; where it has a texture, u is x and v is y."""

COLORS = np.array([[0, 128, 255, 255], [255, 0, 10, 255], [90, 90, 90, 255], [10, 200, 30, 255]], dtype=np.uint8)
IMAGE = np.random.default_rng(0).integers(0, 256, (3, 4, 4)).astype(np.uint8)
IMAGE[..., 3] = 255
IMAGE[1, 1, 0], IMAGE[1, 2, 0] = 10, 240  # What lies between them depends on when it is made linear.


def painted(image: NDArray[np.uint8], **changes: Any) -> CadMesh:
    """The square with an image on its first face."""
    materials = (SurfaceMaterial(textures={"base_color": 0}), SQUARE.materials[1])
    return replace(SQUARE, textures=(image,), materials=materials, **changes)


def weights_at(*places: tuple[float, float]) -> Floats:
    """(R, 3) barycentric coordinates on the first face."""
    x, y = np.array(places).T
    return np.stack([1 - x, x - y, y], axis=-1).astype(np.float32)


def on_first(mesh: CadMesh, *places: tuple[float, float], grey: float | None = None) -> Floats:
    return BaseColor(mesh, grey).at(np.zeros(len(places), dtype=np.int64), weights_at(*places))


def decoded(srgb: Any) -> NDArray[np.float64]:
    """Linear of sRGB 0..255, by the standard's formula."""
    value = np.asarray(srgb, dtype=np.float64) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def test_each_face_has_its_materials_colour() -> None:
    weights = np.full((3, 3), 1 / 3, dtype=np.float32)
    assert BaseColor(SQUARE, None).at(np.array([0, 1, 0]), weights) == pytest.approx(
        np.array([[0.1, 0.2, 0.3], [0.9, 0.5, 0.4], [0.1, 0.2, 0.3]])
    )


@pytest.mark.parametrize("mesh", [SQUARE, replace(SQUARE, vertex_colors=COLORS), painted(IMAGE)])
def test_a_grey_replaces_all_colours(mesh: CadMesh) -> None:
    assert on_first(mesh, (0.2, 0.1), (0.9, 0.3), grey=0.25) == pytest.approx(np.full((2, 3), 0.25))


def test_vertex_colours_are_interpolated_in_linear_light() -> None:
    mesh = replace(SQUARE, vertex_colors=COLORS)
    corners = on_first(mesh, (0, 0), (1, 0), (1, 1))
    assert corners == pytest.approx(decoded(COLORS[:3, :3]), abs=1e-6)
    middle = on_first(mesh, (0.5, 0.0))[0]
    assert middle == pytest.approx(decoded(COLORS[:2, :3]).mean(axis=0), abs=1e-6)
    assert np.abs(middle - decoded(COLORS[:2, :3].mean(axis=0))).max() > 0.1  # What it would be without.


def test_a_texture_comes_before_vertex_colours_on_its_own_faces_alone() -> None:
    mesh = painted(IMAGE, vertex_colors=COLORS)
    corner = np.array([[1, 0, 0]], dtype=np.float32)
    base = BaseColor(mesh, None)
    assert base.at(np.array([1]), corner)[0] == pytest.approx(decoded(COLORS[0, :3]), abs=1e-6)
    assert base.at(np.array([0]), weights_at((0.375, 0.5)))[0] == pytest.approx(decoded(IMAGE[1, 1, :3]), abs=1e-6)


def test_the_first_row_of_an_image_is_on_top() -> None:
    middles = [((column + 0.5) / 4, (2.5 - row) / 3) for row in range(3) for column in range(4)]
    assert on_first(painted(IMAGE), *middles) == pytest.approx(decoded(IMAGE[..., :3]).reshape(12, 3), abs=1e-5)


def test_an_image_is_interpolated_as_it_is_stored_and_then_made_linear() -> None:
    between = on_first(painted(IMAGE), (0.5, 0.5), (0.375, 2 / 3), (0.5, 2 / 3), (0.4375, 0.5))
    stored = IMAGE[..., :3].astype(np.float64)
    expected = [
        stored[1, 1:3].mean(axis=0),
        stored[:2, 1].mean(axis=0),
        stored[:2, 1:3].mean(axis=(0, 1)),
        0.75 * stored[1, 1] + 0.25 * stored[1, 2],
    ]
    assert between == pytest.approx(decoded(expected), abs=1e-5)
    assert np.abs(between[0] - decoded(stored[1, 1:3]).mean(axis=0)).max() > 0.1


def test_an_image_repeats_itself_to_all_sides() -> None:
    places = [(0.03, 0.02), (0.9, 0.1), (0.99, 0.98), (0.6, 0.4)]
    once = on_first(painted(IMAGE), *places)
    assert SQUARE.corner_uv is not None
    for shift in ((1, 0), (0, 1), (-1, -2), (5, -3)):
        shifted = painted(IMAGE, corner_uv=SQUARE.corner_uv + np.array(shift, dtype=np.float32))
        assert on_first(shifted, *places) == pytest.approx(once, abs=1e-4), shift
    seam = on_first(painted(IMAGE), (1.0, 0.5))[0]
    assert seam == pytest.approx(decoded((IMAGE[1, 3, :3].astype(float) + IMAGE[1, 0, :3]) / 2), abs=1e-5)


def test_an_image_of_one_pixel_is_one_colour() -> None:
    assert on_first(painted(IMAGE[:1, :1]), (0.1, 0.05), (0.8, 0.3)) == pytest.approx(decoded([IMAGE[0, 0, :3]] * 2), abs=1e-6)


def test_an_alpha_channel_darkens_colours_before_they_are_interpolated() -> None:
    image = IMAGE.copy()
    image[1, 1, 3], image[1, 2, 3] = 0, 128
    found = on_first(painted(image), (0.375, 0.5), (0.625, 0.5), (0.5, 0.5))
    half = IMAGE[1, 2, :3].astype(int) * 128 // 255
    assert found == pytest.approx(decoded([[0, 0, 0], half, half / 2]), abs=1e-5)


def test_without_texture_coordinates_the_lower_left_corner_is_seen() -> None:
    corner = decoded(IMAGE[[2, 2, 0, 0], [0, 3, 0, 3], :3].mean(axis=0))  # Between the four corners, since it repeats itself.
    assert on_first(painted(IMAGE, corner_uv=None), (0.1, 0.05), (0.8, 0.3)) == pytest.approx(np.stack([corner] * 2), abs=1e-5)


def test_srgb_is_made_linear() -> None:
    every = np.arange(256)
    assert linear((every / 255).astype(np.float32)) == pytest.approx(decoded(every), abs=1e-6)


def multiplied(**changes: Any) -> CadMesh:
    """The square with an image and a base colour on its first face, which multiply each other."""
    first = SurfaceMaterial(base_color=(0.5, 0.2, 0.9), textures={"base_color": 0}, multiplied=True, **changes)
    return replace(SQUARE, textures=(IMAGE,), materials=(first, SQUARE.materials[1]))


def test_image_factor_and_vertex_colours_multiply_each_other_where_the_material_says_so() -> None:
    place = (0.7, 0.3)
    image = on_first(painted(IMAGE), place)
    factor = np.array([0.5, 0.2, 0.9])
    assert on_first(multiplied(), place) == pytest.approx(image * factor, abs=1e-6)
    colors = on_first(replace(SQUARE, vertex_colors=COLORS), place)
    both = on_first(replace(multiplied(), vertex_colors=COLORS), place)
    assert both == pytest.approx(image * factor * colors, abs=1e-6)
    plain = replace(SQUARE, vertex_colors=COLORS, materials=(SurfaceMaterial(base_color=(0.5, 0.2, 0.9), multiplied=True),) * 2)
    assert on_first(plain, place) == pytest.approx(factor * colors, abs=1e-6)


@pytest.mark.parametrize(("wrap", "inside"), [("repeat", (0.25, 0.125)), ("clamp", (0.999, 0.125)), ("mirror", (0.75, 0.125))])
def test_beyond_its_edges_an_image_goes_on_as_its_material_says(wrap: Any, inside: tuple[float, float]) -> None:
    """A pixel's middle outside, and the place inside that looks the same; the image is 4 x 3 pixels."""
    mesh = multiplied(wrap=wrap)
    assert mesh.corner_uv is not None
    outside = replace(mesh, corner_uv=mesh.corner_uv + np.array([1.0, 0.0], np.float32))
    assert on_first(outside, (0.25, 0.125)) == pytest.approx(on_first(mesh, inside), abs=1e-5)
