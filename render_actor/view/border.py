"""Blender's border around some pixels: it takes fractions of the image, as float32, and cuts what they come to down to whole pixels."""

from __future__ import annotations

import numpy as np


def border_fraction(pixels: int, side: int) -> float:
    """The smallest fraction of an image that Blender takes for so many of its pixels.

    The quotient itself is often a hair less than that as float32, and then Blender takes one pixel less: at most sides that are no
    power of two, for some numbers.

    Args:
        pixels: 0..``side``.
        side: of the image in pixels.

    Returns:
        0..1, a float32.
    """
    fraction, whole = np.float32(pixels / side), np.float32(side)
    while int(fraction * whole) < pixels:
        fraction = np.nextafter(fraction, np.float32(1))
    return float(fraction)
