"""Views of which pixels are left out, for ``bounded_views.py``."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.quality_cads import write
from render_actor.contract.scene import sampling_for
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.block import Block
from render_actor.view.narrowing import Narrowing
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import parse_cad

if TYPE_CHECKING:
    from tests.integration.bounded_views import Renderer

_CADS, _GLOSSY = ("knot.ply", "crate.obj"), "glossy_knot"
_VIEW = 9
_BLOCK_IMAGES = ("color", "albedo", "guide", "direct", "normal")
_PIXELS, _OTHER_PIXELS = 320, 200
_OTHER_LENS = np.array([[260.0, 0.0, 120.0], [0.0, 310.0, 130.0], [0.0, 0.0, 1.0]])


def left_out(renderer: Renderer) -> dict[str, Any]:
    """Samples of views in which pixels are left out, in turn others, beside the same samples of all pixels; and the views themselves."""
    found: dict[str, Any] = {"samples": [], "views": []}
    chance = np.random.default_rng(1)

    def compared(sample: Callable[[int, int], Block], *givens: Any) -> tuple[NDArray[np.float32], ViewQuality]:
        mask, leave_out = givens[1], givens[-1]
        whole = sample(4, 2)
        for _ in range(3):
            patches = cv2.GaussianBlur(chance.normal(size=mask.shape), (0, 0), 4)
            where = patches > np.median(patches)
            leave_out.sample_only(where)
            part = sample(4, 2)
            # The filter of a pixel reaches into those around it.
            sampled, not_sampled = (cv2.erode(one.astype(np.uint8), np.ones((5, 5))) > 0 for one in (where, ~where & mask))
            found["samples"].append(
                {
                    "pixels": [int((sampled & mask).sum()), int(not_sampled.sum())],
                    "same": all(np.array_equal(getattr(part, name)[sampled], getattr(whole, name)[sampled]) for name in _BLOCK_IMAGES),
                    "left_out": float(part.color[not_sampled].max()),
                    "whole": float(whole.color[not_sampled].min()),
                }
            )
        return whole.color, ViewQuality(2)

    sampling = sampling_for("standard")
    before = [renderer.told(cad, _VIEW, sampling) for cad in _CADS]
    with patch("render_actor.blender.bounded_render.refined", compared):
        for cad in _CADS:
            scene = renderer.template_scene(cad, sampling)
            lenses = np.tile(_OTHER_LENS, (len(scene.intrinsics), 1, 1))
            for shown in (scene, dataclasses.replace(scene, width=300, height=220, intrinsics=lenses)):
                renderer.answer(cad, _VIEW, sampling, scene=shown)
    found["unchanged"] = [renderer.told(cad, _VIEW, sampling) for cad in _CADS] == before
    path = write(_GLOSSY, Path(tempfile.mkdtemp()))
    renderer.add(_GLOSSY, parse_cad(path.read_bytes(), path.suffix, path.parent, CadLimits.from_settings(Settings())).mesh)
    # The second time in a picture of another size, and after a view of another CAD.
    for resolution in (_PIXELS, _OTHER_PIXELS, _PIXELS):
        scene = renderer.template_scene(_GLOSSY, sampling)
        scene = scene.scaled(resolution / scene.width)
        asked = list[int]()
        narrow = Narrowing.narrow

        def counted(self: Narrowing, *givens: Any, narrow: Any = narrow, asked: list[int] = asked) -> bool:
            asked.append(narrow(self, *givens))
            return bool(asked[-1])

        with patch.object(Narrowing, "narrow", counted):
            found["views"].append({**renderer.told(_GLOSSY, _VIEW, sampling, scene), "narrowed": sum(asked)})
        renderer.told(_CADS[1], _VIEW, sampling)
    return found
