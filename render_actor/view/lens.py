"""A pinhole matrix as Blender's camera takes it: focal length, sensor, shift and pixel aspect."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SENSOR_MM = 36.0
"""Width of the sensor; Blender's own."""

_SHORTEST_MM = 1.0
"""Blender's lens may be no shorter: for a wider view the sensor is larger."""


class Lens(NamedTuple):
    """What Blender's camera is set to, with a horizontal sensor fit.

    Attributes:
        sensor_mm: width of the sensor.
        focal_mm: focal length.
        shift_x: of the image, in image widths; to the right is positive.
        shift_y: of the image, in image widths too, of pixels as wide as they are; up is positive.
        aspect_x: width of a pixel; Blender allows none below 1.
        aspect_y: height of a pixel; one of the two is 1.
    """

    sensor_mm: float
    focal_mm: float
    shift_x: float
    shift_y: float
    aspect_x: float
    aspect_y: float


def lens_of(intrinsics: NDArray[np.float64], width: int, height: int) -> Lens:
    """The lens of a pinhole camera.

    Blender's image plane lies ``focal_mm`` before the camera, is ``sensor_mm`` wide, and its middle is off the axis by the shift. A
    pixel is ``sensor_mm / width`` wide and ``aspect_y / aspect_x`` times as high: so the aspect is fx / fy, and the shift brings
    the principal point, counted from the corner of the first pixel (half a pixel before its centre), onto the axis.

    Args:
        intrinsics: (3, 3), pixel centres at integer coordinates.
        width: of the image in pixels.
        height: of the image in pixels.
    """
    fx, fy, cx, cy = (float(intrinsics[place]) for place in ((0, 0), (1, 1), (0, 2), (1, 2)))
    aspect = fx / fy
    shift_x = (width / 2 - (cx + 0.5)) / width
    shift_y = ((cy + 0.5) - height / 2) * aspect / width
    focal = fx * _SENSOR_MM / width
    larger = max(1.0, _SHORTEST_MM / focal)
    return Lens(_SENSOR_MM * larger, focal * larger, shift_x, shift_y, max(1.0, 1.0 / aspect), max(1.0, aspect))
