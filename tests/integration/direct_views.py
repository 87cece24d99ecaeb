"""The direct light of a view by rays of our own beside Cycles', for ``bounded_views.py``."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import trimesh
from numpy.typing import NDArray

from bench.cad_files import Shape, Surface, write_obj
from bench.cad_files import joined as joined_shapes
from bench.cad_shapes import box
from render_actor.contract.scene import sampling_for
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.block import joined
from render_actor.view.direct_image import ViewDirect
from render_actor.view.guide_slopes import displayed_slope
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import parse_cad

if TYPE_CHECKING:
    from tests.integration.bounded_views import Renderer

_LOOKS = ("Kd 0.6 0.6 0.6", "Kd 0.6 0.6 0.6\nKs 0.5 0.5 0.5\nNs 250", "Kd 0.6 0.6 0.6\nKs 1 1 1\nNs 900", "Kd 0.6 0.1 0.1\nKs 1 1 1\nNs 60")
_LINKS = 14
_SAMPLES = 96
_DARK = 0.15
"""Of the brightest: the lamp does not reach there."""


def link(number: int) -> Shape:
    """One of a ring of links, each turned a quarter: they shade one another from near by. Coarse, and shaded smooth."""
    torus, turn = trimesh.creation.torus(7, 1.6, major_sections=32, minor_sections=12), trimesh.transformations.rotation_matrix
    if number % 2:
        torus.apply_transform(turn(np.pi / 2, [1, 0, 0]))
    angle = 2 * np.pi * number / _LINKS
    torus.apply_transform(turn(angle + np.pi / 2, [0, 0, 1]))
    torus.apply_translation((25 * np.cos(angle), 25 * np.sin(angle), 0))
    return Shape(np.asarray(torus.vertices), np.asarray(torus.faces, dtype=np.int64)).smooth()


def overlapping_boxes() -> Shape:
    """On a part of a plate, boxes that lie in one another and end at the same height."""
    chance, boxes = np.random.default_rng(3), [box(84.0, 54.0, 2.0)]
    for row, column in np.ndindex(2, 9):
        for _ in range(3):
            width, depth = chance.uniform(2, 6, 2)
            boxes.append(box(width, depth, 3.0).moved(column * 9 - 36 + chance.uniform(-2, 2), row * 9 - 22 + chance.uniform(-2, 2), 1.0))
    whole = joined_shapes(boxes)
    return Shape(whole.vertices @ trimesh.transformations.rotation_matrix(0.3, [1, 2, 3])[:3, :3], whole.faces)


def direct_light(renderer: Renderer) -> dict[str, list[dict[str, float]]]:
    """Of some views, how far the picture is from Cycles' own direct light, of 255, and what is told: of all pixels, and of shadows."""
    chain = [(link(number), Surface(_LOOKS[number % 4])) for number in range(_LINKS)]
    boxes = [(overlapping_boxes(), Surface(_LOOKS[0]))]
    return {"chain": _beside_cycles(renderer, "chain", chain, (3, 17)), "boxes": _beside_cycles(renderer, "boxes", boxes, (26, 30))}


def _beside_cycles(renderer: Renderer, name: str, parts: list[tuple[Shape, Surface]], views: tuple[int, ...]) -> list[dict[str, float]]:
    path = write_obj(Path(tempfile.mkdtemp()) / f"{name}.obj", parts)
    mesh = parse_cad(path.read_bytes(), path.suffix, path.parent, CadLimits.from_settings(Settings())).mesh
    renderer.add(name, mesh)
    found: list[dict[str, float]] = []

    def compared(sample: Any, _denoise: Any, mask: NDArray[np.bool_], tone: Any, *givens: Any) -> tuple[NDArray[np.float32], ViewQuality]:
        direct: ViewDirect = next(given for given in givens if isinstance(given, ViewDirect))
        few = [sample(0, 4), sample(4, 4)]
        picture = direct.image(few, mask, tone, 0.2)
        assert picture is not None
        # Others than those; the noise of two that know nothing of each other cancels out.
        one, two = (sample(first, _SAMPLES) for first in (_SAMPLES, 2 * _SAMPLES))
        truth = joined([one, two]).direct
        assert truth is not None
        slope = displayed_slope(tone, joined([one, two]).color)
        bright = truth.mean(axis=-1)
        shadow = mask & picture.where & (bright < _DARK * bright.max())

        def error(where: NDArray[np.bool_]) -> float:
            used = where & picture.where
            squares = (picture.image - one.direct) * (picture.image - two.direct) * np.square(slope)
            return math.sqrt(max(float(squares[used].mean()), 0.0))

        shares = {"known": float(picture.where[mask].mean()), "shadow": float(shadow.sum() / mask.sum())}
        seen = float((truth * slope)[shadow].mean())  # What it would be off by if nothing were known there.
        found.append({"error": error(mask), "in_shadow": error(shadow), "told": picture.error, "seen_in_shadow": seen, **shares})
        return joined(few).color, ViewQuality(8)

    with patch("render_actor.blender.bounded_render.refined", compared):
        for view in views:
            renderer.answer(name, view, sampling_for("standard", max_samples=4 * _SAMPLES))
    return found
