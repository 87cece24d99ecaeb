"""Renders views with their guide, with a renderer of its own, and prints what ``test_guided_views.py`` asks of them.

Run as a process of its own, since Blender wants the main thread: ``python -m tests.integration.guided_views THREADS FOLDER``
writes ``FOLDER/agreement.json`` and ``FOLDER/gain.json``.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
import traceback
from pathlib import Path
from unittest.mock import patch

import numpy as np

from render_actor.contract.cameras import camera_poses
from render_actor.contract.error_bound import ErrorBound
from render_actor.contract.scene import TemplateScene, object_to_scene, poses_in_scene, sampling_for
from render_actor.contract.types import CadMesh
from render_actor.view.expected_samples import guide_is_worth_it
from render_actor.view.pixel_filter import PASSES
from tests.integration.bounded_views import Renderer
from tests.integration.guided_cads import CASES, GAINS, HARMLESS, Case

SAMPLES = 128
RESOLUTION = 96
GAIN_SAMPLES, TRUE_SAMPLES = 16, 240
GAIN_RESOLUTION = 128
_NEVER_ENOUGH = ErrorBound(median=1e-3, every_view=100.0)
"""All samples are taken, and the guide is followed wherever it may help."""


def scene_of(case: Case, mesh: CadMesh, resolution: int, samples: int) -> TemplateScene:
    """As a request would have it."""
    corners = np.array([mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)])
    placed = object_to_scene(corners, normalize=case.normalize, recenter=case.recenter, axes=case.axes)
    sampling = dataclasses.replace(sampling_for("standard"), samples=samples, bound=_NEVER_ENOUGH, max_samples=samples)
    return TemplateScene.stock(resolution, placed, poses_in_scene(camera_poses(0)), 1.0, case.base_color, sampling)


def shown(renderer: Renderer, mesh: CadMesh, scene: TemplateScene) -> None:
    """Have a mesh, and nothing else, be seen."""
    if mesh.key not in renderer.scene.meshes:
        renderer.scene.meshes.load(mesh)
    renderer.scene.show(mesh.key, scene)


def agreement(renderer: Renderer, case: Case) -> list[dict[str, float]]:
    """How far Cycles' guide is from its expected value in each view."""
    mesh = case.mesh()
    scene = scene_of(case, mesh, RESOLUTION, SAMPLES)
    shown(renderer, mesh, scene)
    found = [agreement_of(renderer, scene, view) for view in case.views]
    renderer.scene.meshes.drop(mesh.key)
    return found


def agreement_of(renderer: Renderer, scene: TemplateScene, view: int) -> dict[str, float]:
    """The same in one view of the mesh that is shown."""
    renderer.scene._aim(scene, view)
    guide = renderer.scene._guide(scene, view)
    assert guide is not None
    parts = [renderer.scene._bounded._sample(first, SAMPLES // 4, math.inf).guide for first in range(0, SAMPLES, SAMPLES // 4)]
    theirs = np.mean(parts, axis=0)
    ours, _ = guide.expected(np.ones(theirs.shape[:2], dtype=bool), PASSES)
    off = theirs - ours
    return {
        "level": float(theirs.mean()),
        "mean": float(np.abs(off.mean(axis=(0, 1))).max()),
        "rms": float(np.sqrt(np.square(off).mean())),
        "noise": float(np.sqrt(np.var(parts, axis=0, ddof=1).mean() / len(parts))),
        "largest": float(np.abs(off).max()),
    }


def gain(renderer: Renderer, case: Case) -> list[dict[str, float]]:
    """The error to many samples, of 255, of a few samples with the guide and without it."""
    mesh = case.mesh()
    scene = scene_of(case, mesh, GAIN_RESOLUTION, GAIN_SAMPLES)
    shown(renderer, mesh, scene)
    bounded = renderer.scene._bounded
    found = []
    for view in case.views:
        renderer.scene._aim(scene, view)
        left, top, right, bottom = renderer.scene._bounds(scene, view)
        mask = renderer.scene.mask_and_xyz(scene, view)[0][top:bottom, left:right]
        many = bounded._sample(GAIN_SAMPLES, TRUE_SAMPLES, math.inf)  # Others than those that are compared.
        truth = bounded._display.shown(bounded._denoiser.denoise(many.color, many.albedo))[mask] / 257.0
        errors = {}
        for name, worth in (("guided", guide_is_worth_it), ("plain", lambda *_: False)):
            # Without any guide, another denoiser would be compared.
            with patch("render_actor.view.refinement.guide_is_worth_it", worth):
                image, quality = bounded.image(mask, scene.sampling, renderer.scene._guide(scene, view))
            assert quality.samples == GAIN_SAMPLES
            errors[name] = float(np.sqrt(np.square(image[mask] / 257.0 - truth).mean()))
        found.append(errors)
    renderer.scene.meshes.drop(mesh.key)
    return found


if __name__ == "__main__":
    threads, folder = int(sys.argv[1]), Path(sys.argv[2])
    try:
        the_renderer = Renderer(threads)
        (folder / "agreement.json").write_text(json.dumps({case.name: agreement(the_renderer, case) for case in CASES}))
        (folder / "gain.json").write_text(json.dumps({case.name: gain(the_renderer, case) for case in [*GAINS, *HARMLESS]}))
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # Blender hangs or crashes when its interpreter ends in order.
    os._exit(0)
