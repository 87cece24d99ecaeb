"""Blender's view transform, for images that were not rendered a moment ago."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.blender.session import bpy
from render_actor.contract.scene import VIEW_TRANSFORM
from render_actor.view.error_estimate import ToneCurve

_BRIGHTEST = 64.0
"""Linear; the view transform shows white from about 16 on."""


class Display:
    """Shows linear images as Blender saves its renders.

    Args:
        path: of a temporary file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # A scene of its own, since its file format is not that of the renders.
        self._scene = bpy.data.scenes.new("display")
        self._scene.view_settings.view_transform = VIEW_TRANSFORM
        self._scene.render.dither_intensity = 0.0
        settings = self._scene.render.image_settings
        settings.file_format, settings.color_mode, settings.color_depth, settings.compression = "PNG", "RGB", "16", 0

    def shown(self, linear: NDArray[np.float32]) -> NDArray[np.uint16]:
        """(H, W, 3) linear RGB as (H, W, 3) of 16 bits.

        Raises:
            RuntimeError: Blender wrote no image.
        """
        height, width = linear.shape[:2]
        pixels = np.ones((height, width, 4), dtype=np.float32)
        pixels[..., :3] = linear[::-1]  # Blender's first row is the lowest.
        image = bpy.data.images.new("display", width, height, alpha=False, float_buffer=True)
        try:
            image.pixels.foreach_set(pixels.ravel())
            image.save_render(str(self._path), scene=self._scene)
        finally:
            bpy.data.images.remove(image)
        shown = cv2.imread(str(self._path), cv2.IMREAD_UNCHANGED)
        if shown is None:
            raise RuntimeError("Blender saved no image")
        self._path.unlink()
        return np.ascontiguousarray(shown[..., ::-1], dtype=np.uint16)

    def tone_curve(self) -> ToneCurve:
        """The view transform of greys."""
        linear = np.concatenate([[0.0], np.geomspace(1e-4, _BRIGHTEST, 1023)]).astype(np.float32)
        shown = self.shown(np.repeat(linear[None, :, None], 3, axis=-1))
        return ToneCurve(linear, (shown[0, :, 1] / 257.0).astype(np.float32))
