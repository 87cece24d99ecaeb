"""A shape as exact surfaces and as meshes gives the same masks and xyz."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from render_actor.contract.types import CadMesh
from render_actor.view.xyz_raycast import ObjectCoordinates
from serve_app.cad.parse import ParsedCad, parse_cad
from serve_app.cad.read_options import ReadOptions
from tests.cads.iges import IgesFile
from tests.cads.meshes import MESHES
from tests.cads.step import Prism, StepFile
from tests.unit.render_actor.view.test_xyz_raycast import scene_for
from tests.unit.serve_app.cad.written import LIMITS

RESOLUTION = 512
OPTIONS = ReadOptions(pixels_across=475)


def tube() -> trimesh.Trimesh:
    """Of so many sides that it is round for every camera here."""
    return trimesh.creation.annulus(r_min=8, r_max=25, height=20, sections=2048)


def step_tube() -> bytes:
    file = StepFile()
    file.part("tube", Prism(25.0, 20, [(0, 0, 8)]))
    return file.text()


def read(data: bytes, suffix: str) -> ParsedCad:
    return parse_cad(data, suffix, Path("/nowhere"), LIMITS, OPTIONS)


def views(mesh: CadMesh, like: NDArray[np.float64]) -> list[tuple[NDArray[np.bool_], NDArray[np.float16]]]:
    scene = scene_for(like, resolution=RESOLUTION)
    return [ObjectCoordinates(mesh.vertices, mesh.faces).cast(scene, view) for view in (8, 33)]


def check_alike(mesh: CadMesh, expected: trimesh.Trimesh) -> None:
    reference = read(MESHES[".ply"](expected), ".ply").mesh
    for (mask, xyz), (expected_mask, expected_xyz) in zip(views(mesh, expected.vertices), views(reference, expected.vertices), strict=True):
        assert (mask & expected_mask).sum() / (mask | expected_mask).sum() > 0.995
        both = mask & expected_mask
        away = np.linalg.norm(xyz[both].astype(np.float64) - expected_xyz[both], axis=1)
        assert np.percentile(away, 99) < 0.1


@pytest.mark.parametrize("suffix", MESHES)
def test_meshes(suffix: str) -> None:
    check_alike(read(MESHES[suffix](tube()), suffix).mesh, tube())


def test_step() -> None:
    moved = tube()
    moved.apply_translation((0, 0, 10))  # It stands on z = 0.
    check_alike(read(step_tube(), ".step").mesh, moved)


def test_iges() -> None:
    file = IgesFile()
    file.cylinder(25, 20)
    solid = trimesh.creation.cylinder(radius=25, height=20, sections=2048)
    solid.apply_translation((0, 0, 10))
    check_alike(read(file.text(), ".igs").mesh, solid)
