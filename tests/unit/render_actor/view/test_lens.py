from __future__ import annotations

import numpy as np
import pytest

from render_actor.contract.intrinsics import stock_intrinsics
from render_actor.view.lens import lens_of
from tests.unit.render_actor.contract.odd_cameras import HEIGHT, UNEQUAL, WIDTH


def test_the_stock_camera_is_blenders_own_fifty_millimetres() -> None:
    for resolution in (64, 97, 512):
        lens = lens_of(stock_intrinsics(resolution), resolution, resolution)
        assert np.float32(lens.focal_mm) == np.float32(50.0000114440918)  # What its field of view is in Blender, to the bit.
        assert lens.sensor_mm == 36.0 and lens[2:] == (0.0, 0.0, 1.0, 1.0)


def test_a_point_is_seen_where_the_matrix_says() -> None:
    lens = lens_of(UNEQUAL, WIDTH, HEIGHT)
    # In millimetres on the sensor, which is shifted in units of its width; a pixel is as wide as the sensor by their number.
    pixel = lens.sensor_mm / WIDTH
    x, y, z = 0.3, -0.2, 2.0
    right, up = lens.focal_mm * x / z - lens.shift_x * lens.sensor_mm, -lens.focal_mm * y / z - lens.shift_y * lens.sensor_mm
    column, row = right / pixel + WIDTH / 2 - 0.5, HEIGHT / 2 - up / (pixel * lens.aspect_y / lens.aspect_x) - 0.5
    assert (UNEQUAL @ [x / z, y / z, 1.0])[:2] == pytest.approx([column, row], abs=1e-9)


def test_no_lens_is_shorter_than_blender_allows() -> None:
    matrix = np.diag([1.0, 1.0, 1.0])
    lens = lens_of(matrix, 2048, 64)
    assert lens.focal_mm >= 1.0 and lens.focal_mm / lens.sensor_mm * 2048 == pytest.approx(1.0)


@pytest.mark.parametrize("stretch", [0.5, 1.0, 3.0])
def test_no_side_of_a_pixel_is_below_one(stretch: float) -> None:
    matrix = np.array(UNEQUAL)
    matrix[1, 1] = matrix[0, 0] * stretch
    lens = lens_of(matrix, WIDTH, HEIGHT)
    assert min(lens.aspect_x, lens.aspect_y) == 1.0 and lens.aspect_x / lens.aspect_y == pytest.approx(stretch)
