"""How much of the light that falls on a surface Cycles has it reflect in all directions, by the angle to the camera.

Blender's "Principled BSDF" gives what its polished layer does not mirror to the matt surface below. That layer mirrors the more, the
flatter the camera looks; how much depends on how specular and how rough it is. Measured with Blender 4.5 on spheres, by 64 rays and 256
samples of each pixel; repeated, it is within 0.01 where the camera looks straight, and within 0.05 at an outline.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

POWERS = (0, 1, 5)
"""Of 1 - cosine of the angle to the camera: the reflected part is a sum of these, each times its factor."""

_ROUGHNESS = (0.0, 0.25, 0.5, 0.75, 1.0)
_MIRRORED_STRAIGHT = (0.075, 0.074, 0.070, 0.052, 0.028)
"""Of a fully specular layer; of others in proportion."""

_MIRRORED_SLANTING = (0.055, 0.060, 0.050, 0.030, 0.018)
_MIRRORED_FLAT = (0.83, 0.65, 0.24, 0.10, 0.07)
"""Of a layer that is at least half specular; hardly less of one that is a tenth: at an outline, all polish mirrors alike."""


def matt_part(specular: float, roughness: float) -> NDArray[np.float32]:
    """(powers,) factors of the part of the light that is reflected in all directions, times the base colour.

    Args:
        specular: "specular IOR level" of the layer, 0..1.
        roughness: of the layer, 0..1.
    """
    if specular <= 0:
        return np.array([1, 0, 0], dtype=np.float32)
    straight, slanting, flat = (
        float(np.interp(roughness, _ROUGHNESS, mirrored)) for mirrored in (_MIRRORED_STRAIGHT, _MIRRORED_SLANTING, _MIRRORED_FLAT)
    )
    shares = 1 - specular * straight, -min(1.0, 4 * specular) * slanting, -min(1.0, 0.8 + 0.4 * specular) * flat
    return np.array(shares, dtype=np.float32)
