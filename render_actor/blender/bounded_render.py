"""Renders what the camera shows until its error is within a bound."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from render_actor.blender.denoiser import Denoiser
from render_actor.blender.display import Display
from render_actor.blender.guide_pass import GUIDE_PASS
from render_actor.blender.sampling import next_samples
from render_actor.blender.session import TEMPORARY_FOLDER, bpy
from render_actor.blender.timed_render import timed_render
from render_actor.contract.scene import Sampling
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.block import Block
from render_actor.view.control_variate import Guide
from render_actor.view.direct_image import ViewDirect
from render_actor.view.exr import read_exr
from render_actor.view.narrowing import LeaveOut
from render_actor.view.refinement import Care, refined
from render_actor.view.too_slow import ViewTooSlowError

_BRIGHTEST = 65504.0
"""The largest number of 16 bits."""

_LEFT_WITH_NORMALS, _LEFT_THROUGH_GLASS = 0.93, 0.6
"""Parts of the quick denoiser's error that the slower ones leave: the first of 13 CADs (0.7 of mirrors), the second of glass."""

_FROM_WITH_NORMALS, _FROM_THROUGH_GLASS = 36, 0
"""From how many samples on they spare more than they cost: a seventh of the samples, and two thirds."""


class BoundedRender:
    """Takes samples with Cycles, denoises them and looks at the error, as often as needed."""

    def __init__(self) -> None:
        self._path = TEMPORARY_FOLDER / "part.exr"
        self._display = Display(TEMPORARY_FOLDER / "display.png")
        scene = bpy.context.scene
        self._denoiser = Denoiser(gpu=scene.cycles.device == "GPU", threads=scene.render.threads)
        self._tone = self._display.tone_curve()

    def image(
        self,
        mask: NDArray[np.bool_],
        sampling: Sampling,
        guide: Guide | None,
        may_take_sec: float = math.inf,
        all_may_take_sec: float = math.inf,
        direct: ViewDirect | None = None,
        leave_out: LeaveOut | None = None,
    ) -> tuple[NDArray[np.uint16], ViewQuality]:
        """The part of the picture that the border shows.

        Args:
            mask: (H, W) the object's pixels of that part.
            sampling: that the scene is set up for; it has a bound.
            guide: of that part, where its expected value is known.
            may_take_sec: seconds for the first samples; more samples may take longer in proportion.
            all_may_take_sec: seconds for all of them.
            direct: light of that part, where it is known.
            leave_out: leaves pixels of that part out, where that can be.

        Returns:
            (H, W, 3) RGB of 16 bits, and how good it is.

        Raises:
            ViewTooSlowError: some samples took longer than they may.
        """
        assert sampling.bound is not None
        began = time.monotonic()

        def sample(first: int, count: int) -> Block:
            left = began + all_may_take_sec - time.monotonic()
            if left <= 0.0:
                raise ViewTooSlowError(f"{first} samples took {all_may_take_sec:.3g} s, and more are needed")
            return self._sample(first, count, min(may_take_sec * max(1.0, count / sampling.samples), left))

        def denoise(block: Block) -> NDArray[np.float32]:
            return self._denoiser.denoise(block.color, block.albedo)

        def with_normals(block: Block) -> NDArray[np.float32]:
            assert block.normal is not None
            return self._denoiser.denoise_with_normals(block.color, block.albedo, block.normal)

        def through_glass(block: Block) -> NDArray[np.float32]:
            return self._denoiser.denoise_through_glass(block.color, block.albedo)

        care = Care(with_normals, _LEFT_WITH_NORMALS, _FROM_WITH_NORMALS)
        if guide is None:
            care = Care(through_glass, _LEFT_THROUGH_GLASS, _FROM_THROUGH_GLASS)
        most = sampling.most_samples(mask.size)
        bound, first = sampling.bound, sampling.samples
        linear, quality = refined(sample, denoise, mask, self._tone, bound, first, most, guide, care, direct, leave_out)
        return self._display.shown(linear), quality

    def _sample(self, first: int, count: int, may_take_sec: float) -> Block:
        next_samples(first, count)
        bpy.context.scene.render.filepath = str(self._path)
        timed_render(self._path, may_take_sec)
        image = read_exr(self._path)
        self._path.unlink()
        color, albedo, guide = (_finite(image.vectors(name, "RGB")) for name in ("Combined", "Denoising Albedo", GUIDE_PASS))
        direct = image.vectors("DiffDir", "RGB") * image.vectors("DiffCol", "RGB")
        return Block(count, color, albedo, guide, _finite(direct), _finite(image.vectors("Denoising Normal", "XYZ")))


def _finite(color: NDArray[np.float32]) -> NDArray[np.float32]:
    """A colour without what is no number: one such pixel would leave no estimate of the whole image's error."""
    return np.nan_to_num(color, copy=False, nan=0.0, posinf=_BRIGHTEST, neginf=0.0)
