from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.contract.scene import TemplateScene, object_to_scene
from render_actor.contract.types import CadMesh, SurfaceMaterial
from render_actor.view.pixel_filter import FILTER_WIDTH, PASSES, POINTS
from render_actor.view.surface_guide import COVERAGE, SurfaceGuide, ViewGuide
from render_actor.view.too_slow import ViewTooSlowError
from render_actor.view.xyz_raycast import ObjectCoordinates
from tests.unit.render_actor.contract.test_scene import make_scene

Floats = NDArray[np.float64]

RED = (0.6, 0.2, 0.1)
VIEW = 5
SIZE = 32


def mesh_of(vertices: Floats, faces: list[list[int]], **changes: object) -> CadMesh:
    values: dict[str, object] = {
        "key": "a",
        "vertices": vertices,
        "faces": np.array(faces, dtype=np.int32),
        "corner_normals": None,
        "vertex_colors": None,
        "corner_uv": None,
        "face_materials": np.zeros(len(faces), dtype=np.int32),
        "materials": (SurfaceMaterial(base_color=RED),),
        "textures": (),
        **changes,
    }
    return CadMesh(**values)  # type: ignore[arg-type]


SQUARE = mesh_of(np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]), [[0, 1, 2], [0, 2, 3]])


def guide_of(mesh: CadMesh, grey: float | None = None) -> SurfaceGuide:
    return SurfaceGuide(mesh, ObjectCoordinates(mesh.vertices, mesh.faces), grey)


def scene_of(mesh: CadMesh) -> TemplateScene:
    corners = np.array([mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)])
    return make_scene(SIZE, object_to_scene=object_to_scene(corners, normalize=True, recenter=True, axes="cad"))


def view_of(mesh: CadMesh, bounds: tuple[int, int, int, int] = (0, 0, SIZE, SIZE)) -> ViewGuide:
    return ViewGuide(guide_of(mesh), scene_of(mesh), VIEW, bounds)


def everywhere(shape: tuple[int, int] = (SIZE, SIZE)) -> NDArray[np.bool_]:
    return np.ones(shape, dtype=bool)


def values(view: ViewGuide, passes: int = 1) -> NDArray[np.float32]:
    return view.expected(everywhere(), passes)[0]


_FROM_ABOVE = np.array([[0.0, 0, -1], [0.5, 0.5, -2], [0.4, 0.0, -0.5], [0.9, 0.9, -0.5]])


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("length", [1.0, 7.0])
def test_a_square_is_seen_with_the_cosine_of_its_angle_from_both_sides(side: float, length: float) -> None:
    found = guide_of(SQUARE).along(np.array([0, 0, 2.0 * side]), _FROM_ABOVE * (1, 1, side) * length)
    cosines = [1.0, 2 / np.sqrt(4.5), 0.0, 0.0]  # The other two pass it.
    assert found == pytest.approx(np.outer(cosines, np.array(RED) + COVERAGE), abs=1e-6)


def test_a_grey_replaces_the_colour() -> None:
    assert guide_of(SQUARE, 0.3).along(np.array([0, 0, 2.0]), _FROM_ABOVE[:1])[0] == pytest.approx(np.full(3, 0.3 + COVERAGE), abs=1e-6)


def test_normals_of_the_file_are_interpolated_and_turned_to_the_side_that_is_seen() -> None:
    triangle = mesh_of(np.array([[-1.0, -1, 0], [3, -1, 0], [-1, 3, 0]]), [[0, 1, 2]])
    tilts = np.array([[[0.6, 0, 0.8], [0, 0.6, 0.8], [-1.0, 0, 0]]], dtype=np.float32)
    tilted = guide_of(replace(triangle, corner_normals=tilts))
    weights = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.05, 0.05, 0.9]])
    normals = weights @ tilts[0]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    origin = np.array([0.5, -0.5, 3.0])
    for side in (1.0, -1.0):
        eye = origin * (1, 1, side)
        directions = weights @ triangle.vertices - eye
        back = -directions / np.linalg.norm(directions, axis=1, keepdims=True)
        cosines = np.maximum(side * (normals * back).sum(axis=1), 0)
        assert (cosines[:2] > 0.1).all()
        assert tilted.along(eye, directions) == pytest.approx(np.outer(cosines, np.array(RED) + COVERAGE), abs=1e-5)


def test_a_normal_that_looks_away_from_the_side_that_is_seen_gives_nothing() -> None:
    inward = guide_of(replace(SQUARE, corner_normals=np.tile(np.array([0, 0, -1.0], dtype=np.float32), (2, 3, 1))))
    assert inward.along(np.array([0, 0, 2.0]), _FROM_ABOVE[:2]) == pytest.approx(np.zeros((2, 3)))


def by_chance(mesh: CadMesh, count: int = 2000) -> tuple[Floats, Floats]:
    """Means of rays through places that are drawn from the filter, as Cycles draws them, and the standard errors of these."""
    scene, chance = scene_of(mesh), np.random.default_rng(0)
    axes, centre = scene.camera_in_cad(VIEW)
    steps = np.linspace(-FILTER_WIDTH, FILTER_WIDTH, 3001)
    phase = np.pi * steps / FILTER_WIDTH
    heights = 0.35875 + 0.48829 * np.cos(phase) + 0.14128 * np.cos(2 * phase) + 0.01168 * np.cos(3 * phase)
    rising = np.cumsum(heights) / heights.sum()
    sums, squares = np.zeros((2, SIZE, SIZE, 3))
    rows, columns = (index.ravel() for index in np.mgrid[0:SIZE, 0:SIZE])
    guide = guide_of(mesh)
    for _ in range(count // 50):
        x, y = np.interp(chance.random((2, 50, SIZE * SIZE)), rising, steps)
        local = np.stack([columns + x - (SIZE - 1) / 2, rows + y - (SIZE - 1) / 2, np.full_like(x, scene.focal_lengths(VIEW)[0])], axis=-1)
        found = guide.along(centre, local.reshape(-1, 3) @ axes.T).reshape(50, SIZE, SIZE, 3).astype(np.float64)
        sums += found.sum(axis=0)
        squares += np.square(found).sum(axis=0)
    means = sums / count
    return means, np.sqrt(np.maximum(squares / count - means**2, 0) / count)


TRIANGLE = mesh_of(np.array([[-1.0, -0.8, 0.1], [1, -0.5, -0.3], [0.1, 0.9, 0.4]]), [[0, 1, 2]])


def test_an_outline_is_the_mean_over_the_pixel_filter() -> None:
    truth, chance = by_chance(TRIANGLE)
    assert 0.1 < (truth > 0).mean() < 0.9
    view = view_of(TRIANGLE)
    found = {passes: values(view, passes) for passes in (1, 2, PASSES)}
    for passes, largest in ((1, 0.05), (2, 0.04), (PASSES, 0.03)):
        off = found[passes] - truth
        assert np.abs(off).max() < largest and abs(off.mean()) < 3e-4
        assert found[passes][truth.sum(axis=-1) == 0].max() < 1e-3
    assert np.sqrt(np.square(found[PASSES] - truth).mean()) < 1.3 * np.sqrt(np.square(chance).mean())
    assert rms(found[PASSES] - truth) < 0.7 * rms(found[1] - truth)


def rms(difference: NDArray[Any]) -> float:
    return float(np.sqrt(np.square(difference).mean()))


def test_the_error_is_about_that_of_the_first_pass_and_smaller_with_more() -> None:
    view = view_of(TRIANGLE)
    (first, error), (fine, fine_error) = (view.expected(everywhere(), passes) for passes in (1, PASSES))
    assert 0.5 * rms(first - fine) < rms(error) < 3 * rms(first - fine)
    assert rms(fine_error) < 0.5 * rms(error)
    inside = np.zeros((SIZE, SIZE), dtype=bool)
    inside[15:17, 15:17] = True
    assert np.abs(error[inside]).max() < 1e-2 * np.abs(error).max()


@pytest.mark.parametrize(("passes", "before"), [(1, PASSES), (2, 1), (2, PASSES), (PASSES, 1), (PASSES, 2)])
def test_parts_that_are_asked_for_in_turn_are_those_of_the_whole(passes: int, before: int) -> None:
    at_once = view_of(TRIANGLE).expected(everywhere(), passes)
    in_turn = view_of(TRIANGLE)
    parts = np.random.default_rng(0).integers(0, 3, (SIZE, SIZE))
    in_turn.expected(parts == 1, before)
    for part in range(3):
        found = in_turn.expected(parts == part, passes)
        for one, other in zip(found, at_once, strict=True):
            assert one[parts == part] == pytest.approx(other[parts == part], abs=2e-6)
    again = in_turn.expected(everywhere(), passes)
    assert again[0] == pytest.approx(at_once[0], abs=2e-6)


def test_asking_for_nothing_and_asking_twice_change_nothing() -> None:
    view = view_of(TRIANGLE)
    view.expected(np.zeros((SIZE, SIZE), dtype=bool), PASSES)
    assert np.array_equal(values(view), values(view))


def test_rays_are_cast_for_the_pixels_that_count_and_once() -> None:
    class Counted(SurfaceGuide):
        rays = 0

        def along(self, origin: Floats, directions: Floats) -> NDArray[np.float32]:
            self.rays += len(directions)
            return super().along(origin, directions)

    guide = Counted(TRIANGLE, ObjectCoordinates(TRIANGLE.vertices, TRIANGLE.faces), None)
    view = ViewGuide(guide, scene_of(TRIANGLE), VIEW, (0, 0, SIZE, SIZE))
    pixel = np.zeros((SIZE, SIZE), dtype=bool)
    pixel[10, 10] = True
    counts = []
    for passes in (1, 1, 2, 2, PASSES, PASSES, 1):
        view.expected(pixel, passes)
        counts.append(guide.rays)
    assert counts == [9 * POINTS * cast for cast in (1, 1, 2, 2, PASSES, PASSES, PASSES)]


def test_a_part_of_the_picture_is_that_part() -> None:
    left, top, right, bottom = 5, 9, 20, 29
    part, _ = view_of(TRIANGLE, (left, top, right, bottom)).expected(everywhere((bottom - top, right - left)), 1)
    assert part == pytest.approx(values(view_of(TRIANGLE))[top:bottom, left:right], abs=2e-6)


def test_a_cad_far_off_its_origin_keeps_its_digits() -> None:
    near = values(view_of(TRIANGLE))
    for shift in ((30_000.0, 0, 0), (-2e6, 1e6, 3e5)):
        assert values(view_of(replace(TRIANGLE, vertices=TRIANGLE.vertices + shift))) == pytest.approx(near, abs=1e-3)


def test_the_order_of_a_faces_corners_does_not_count_without_normals() -> None:
    assert values(view_of(replace(TRIANGLE, faces=TRIANGLE.faces[:, ::-1].copy()))) == pytest.approx(values(view_of(TRIANGLE)), abs=1e-5)


@pytest.mark.parametrize(
    ("material", "known"),
    [
        (SurfaceMaterial(), True),
        (SurfaceMaterial(textures={"base_color": 0, "bump": 0}), True),
        (SurfaceMaterial(metallic=1.0, multiplied=True, textures={"metallic_roughness": 0, "normal": 0}), True),
        (SurfaceMaterial(unlit=True), False),
        (SurfaceMaterial(alpha=0.99), False),
        (SurfaceMaterial(textures={"alpha": 0}), False),
    ],
)
def test_what_can_be_looked_through_is_not_known(material: SurfaceMaterial, known: bool) -> None:
    assert SurfaceGuide.knows(replace(SQUARE, materials=(SurfaceMaterial(), material))) is known


def test_rays_have_no_more_time_than_their_view() -> None:
    everywhere = np.ones((SIZE, SIZE), dtype=bool)
    view = ViewGuide(guide_of(TRIANGLE), scene_of(TRIANGLE), VIEW, (0, 0, SIZE, SIZE), may_take_sec=-1.0)
    with pytest.raises(ViewTooSlowError, match="rays at its outlines"):
        view.expected(everywhere, 1)
    assert len(view.expected(~everywhere, 1)) == 2  # Nothing to cast takes no time.
