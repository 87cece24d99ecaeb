from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from render_actor.contract.scene import LIGHT_ENERGY, LIGHT_RADIUS, WORLD_GREY
from render_actor.contract.types import CadMesh, SurfaceMaterial
from render_actor.view.direct_light import DirectLight, Lit
from render_actor.view.reflectance import POWERS, matt_part
from tests.unit.render_actor.view.test_surface_guide import RED, SQUARE, VIEW, guide_of, mesh_of, scene_of


def light_of(mesh: CadMesh, grey: float | None = None) -> DirectLight:
    return DirectLight(guide_of(mesh, grey), scene_of(SQUARE), VIEW, grey=grey is not None)


def lit(mesh: CadMesh, target: tuple[float, float, float], disk: tuple[float, float] = (0.0, 0.0), grey: float | None = None) -> Lit:
    """What the ray from the camera to a place of the mesh meets."""
    way = np.array([target]) - scene_of(SQUARE).camera_in_cad(VIEW)[1]
    return light_of(mesh, grey).along(way.astype(np.float32), np.array([disk], dtype=np.float32))


def matt(place: tuple[float, float, float], material: SurfaceMaterial) -> float:
    """The part that is reflected in all directions, where the camera looks at a place of the square."""
    back = scene_of(SQUARE).camera_in_cad(VIEW)[1] - place
    rest = 1 - abs(back[2]) / np.linalg.norm(back)
    return float(matt_part(material.specular, material.roughness) @ [rest**power for power in POWERS])


def with_shade(size: float) -> CadMesh:
    """The square, and a small one on half the way from its middle to the camera, which is also the way to the lamp."""
    axes, centre = scene_of(SQUARE).camera_in_cad(VIEW)
    small = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) @ axes[:, :2].T * size + centre * 1.5  # Behind the camera.
    faces = [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]
    return mesh_of(np.concatenate([SQUARE.vertices, small]), faces)


def test_a_plane_reflects_the_lamp_by_cosine_and_distance() -> None:
    scene, place = scene_of(SQUARE), (0.3, -0.2, 0.0)
    found, matt_here = lit(SQUARE, place), matt(place, SQUARE.materials[0])
    to_lamp = scene.light_position(VIEW) - (scene.object_to_scene @ [*place, 1])[:3]
    distance = np.linalg.norm(to_lamp)
    normal = scene.object_to_scene[:3, 2] / np.linalg.norm(scene.object_to_scene[:3, 2])
    white = LIGHT_ENERGY / (4 * np.pi**2) * abs(normal @ to_lamp) / distance**3
    assert found.lamp[0] == pytest.approx(np.array(RED) * matt_here * white, rel=1e-4)
    assert found.world[0] == pytest.approx(np.array(RED) * matt_here * WORLD_GREY, rel=1e-4)
    assert lit(SQUARE, place, grey=0.5).lamp[0] == pytest.approx([0.5 * matt(place, SurfaceMaterial()) * white] * 3, rel=1e-4)


def test_places_on_the_lamp_are_as_far_apart_as_it_is_wide() -> None:
    light, middle = light_of(SQUARE), np.array([[3.0, -4.0, 12.0]], dtype=np.float32)
    radius = LIGHT_RADIUS / np.linalg.norm(scene_of(SQUARE).object_to_scene[:3, 0])
    rims = [light._on_lamp(middle, np.array([[1.0, angle]], dtype=np.float32))[0] - middle[0] for angle in (0.0, 0.25, 0.5)]
    for rim in rims:
        assert np.linalg.norm(rim) == pytest.approx(radius, rel=1e-5) and abs(rim @ middle[0]) < 1e-5 * 13 * radius
    assert rims[0] == pytest.approx(-rims[2], abs=1e-6) and abs(rims[0] @ rims[1]) < 1e-6


def test_what_is_in_the_way_of_the_lamp_makes_a_shadow() -> None:
    # Far larger and far smaller than the lamp: all of the lamp is hidden, and hardly any of it.
    for disk in ((0.0, 0.0), (0.9, 0.3), (0.9, 0.8)):
        assert not lit(with_shade(1.0), (0.01, 0.02, 0.0), disk).lamp.any(), disk
    assert lit(with_shade(0.001), (0.01, 0.02, 0.0), (0.9, 0.3)).lamp.all()


@pytest.mark.parametrize(("told", "dark"), [(0, True), (1, True), (-1, False)])
def test_where_the_shadow_is_known_no_ray_is_cast_to_the_lamp(told: int, dark: bool) -> None:
    light = light_of(with_shade(1.0))
    way = (np.array([[0.01, 0.02, 0.0]]) - scene_of(SQUARE).camera_in_cad(VIEW)[1]).astype(np.float32)
    with patch.object(light._coordinates, "blocked", wraps=light._coordinates.blocked) as rays:
        found = light.along(way, np.zeros((1, 2), dtype=np.float32), shadow=np.array([told], dtype=np.int8))
    assert found.lamp.any() != dark and found.shadow.tolist() == [1 if told == 0 else 0]
    assert sum(len(call.args[0]) for call in rays.call_args_list) == (told == 0)


def test_as_much_of_the_world_is_seen_as_nothing_is_in_the_way_of() -> None:
    """A wall as high as a place is away from it hides 1/2 (1 - 1 / sqrt 2) of the world, if it is wide."""
    floor, far = [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], 50.0
    wall = [[-far, 1, -1], [far, 1, -1], [far, 1, 1], [-far, 1, 1]]
    mesh = mesh_of(np.array([*floor, *wall], dtype=float), [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    chance = np.random.default_rng(1)
    ways = np.repeat([[0.0, 0.0, 0.0] - scene_of(SQUARE).camera_in_cad(VIEW)[1]], 20_000, axis=0).astype(np.float32)
    disk, sky = chance.random((2, len(ways), 2), dtype=np.float32)
    assert light_of(mesh).along(ways, disk, sky).open.mean() == pytest.approx(1 - (1 - 1 / np.sqrt(2)) / 2, abs=0.01)
    assert light_of(SQUARE).along(ways, disk, sky).open.all() and light_of(mesh).along(ways, disk).open.all()


@pytest.mark.parametrize(("height", "tilt", "doubled"), [(0.0, 0.0, True), (1e-3, 0.0, False), (-1e-3, 0.0, False), (0.0, 0.1, False)])
def test_a_face_in_another_one_is_told_and_one_close_by_or_across_is_not(height: float, tilt: float, doubled: bool) -> None:
    """On one half of the square, from both sides of it."""
    half = np.array([[-0.9, -0.9, height], [0.0, -0.9, height], [0.0, 0.9, height], [-0.9, 0.9, height]])
    half[:, 2] += tilt * half[:, 1]
    mesh = mesh_of(np.concatenate([SQUARE.vertices, half]), [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    chance = np.random.default_rng(5)
    places = np.concatenate([chance.uniform((-0.85, -0.85), (0.85, 0.85), (2000, 2)), np.zeros((2000, 1))], axis=1)
    ways = (places - scene_of(SQUARE).camera_in_cad(VIEW)[1]).astype(np.float32)
    told = light_of(mesh).along(ways, *chance.random((2, 2000, 2), dtype=np.float32)).doubled
    left, right = places[:, 0] < -0.05, places[:, 0] > 0.05
    assert not told[right].any() and (told[left].mean() > 0.1) == doubled and (doubled or not told.any())
    assert not light_of(mesh).along(ways, np.zeros((2000, 2), dtype=np.float32)).doubled.any()


def test_a_surface_does_not_shade_itself_and_rays_that_meet_nothing_are_not_told() -> None:
    chance = np.random.default_rng(0)
    places = np.concatenate([chance.uniform(-0.99, 0.99, (500, 2)), np.zeros((500, 1))], axis=1)
    places[::2] += (5, 0, 0)
    ways = (places - scene_of(SQUARE).camera_in_cad(VIEW)[1]).astype(np.float32)
    found = light_of(SQUARE).along(ways, chance.random((500, 2), dtype=np.float32))
    assert found.hit.tolist() == list(range(1, 500, 2)) and (found.lamp > 0).all()


def test_metal_reflects_nothing_in_all_directions_and_polish_leaves_less() -> None:
    looks = SurfaceMaterial(base_color=RED, metallic=1.0), SurfaceMaterial(base_color=RED, specular=1.0, roughness=0.1)
    mesh = replace(SQUARE, materials=looks, face_materials=np.array([0, 1], dtype=np.int32))
    metal, polished, matt = (
        lit(of, place).lamp[0] for of, place in ((mesh, (0.5, -0.5, 0.0)), (mesh, (-0.5, 0.5, 0.0)), (SQUARE, (-0.5, 0.5, 0.0)))
    )
    assert not metal.any() and (polished > 0.8 * matt).all() and (polished < 0.98 * matt).all()
    assert lit(mesh, (0.5, -0.5, 0.0), grey=0.4).lamp.all()


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({}, True),
        ({"emission": (0.1, 0.0, 0.0)}, False),
        ({"textures": {"normal": 0}}, False),
        ({"textures": {"base_color": 0}}, True),
        ({"textures": {"roughness": 0}}, False),
    ],
)
def test_what_shines_on_others_or_reflects_by_a_texture_is_not_known(change: dict[str, Any], known: bool) -> None:
    assert DirectLight.knows(replace(SQUARE, materials=(SurfaceMaterial(), SurfaceMaterial(**change)))) == known
