"""Makes Blender images of a CAD's textures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.blender.session import bpy


class BlenderImages:
    """Blender's images of a mesh's textures, made when a material wants them.

    One that is wanted both as colours and as numbers is made twice: Blender's images, not their uses, know what they hold.

    Args:
        textures: (H, W, 4) uint8 each.
    """

    def __init__(self, textures: Sequence[NDArray[np.uint8]]) -> None:
        self._textures = textures
        self._made: dict[tuple[int, bool], Any] = {}

    def image(self, index: int, *, numbers: bool) -> Any:
        """The image of a texture, as sRGB or as the numbers that are stored."""
        key = (index, numbers)
        if key not in self._made:
            self._made[key] = _blender_image(self._textures[index], f"texture_{index}", "Non-Color" if numbers else "sRGB")
        return self._made[key]


def _blender_image(pixels: NDArray[np.uint8], name: str, color_space: str) -> Any:
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True)
    if image.colorspace_settings.name != color_space:
        image.colorspace_settings.name = color_space  # Before its pixels: it drops those that it has.
    image.pixels.foreach_set((pixels[::-1] / 255.0).astype(np.float32).ravel())
    image.update()
    return image
