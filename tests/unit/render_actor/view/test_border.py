from __future__ import annotations

import numpy as np
import pytest

from render_actor.view.border import border_fraction, on_grid


@pytest.mark.parametrize("side", [64, 97, 200, 224, 512, 513, 640, 1000, 2047, 2048])
def test_blender_takes_each_fraction_for_the_pixels_that_are_meant(side: int) -> None:
    fractions = np.array([border_fraction(pixels, side) for pixels in range(side + 1)], dtype=np.float32)
    assert ((fractions * np.float32(side)).astype(int) == np.arange(side + 1)).all()
    assert fractions[0] == 0 and fractions[-1] == 1
    assert np.abs(fractions * float(side) - np.arange(side + 1)).max() < 1e-3  # No pixel is seen from elsewhere.


def test_where_the_quotient_is_exact_it_stays() -> None:
    assert [border_fraction(pixels, 512) for pixels in range(513)] == [pixels / 512 for pixels in range(513)]


@pytest.mark.parametrize(
    ("bounds", "size", "widened"),
    [
        ((70, 70, 130, 130), (512, 512), (64, 64, 192, 192)),
        ((64, 64, 128, 128), (512, 512), (64, 64, 128, 128)),
        ((0, 0, 512, 512), (512, 512), (0, 0, 512, 512)),
        ((70, 70, 130, 95), (200, 100), (64, 36, 192, 100)),  # Counted from below: 36 is 64 above the lowest row.
        ((190, 0, 200, 5), (200, 100), (128, 0, 200, 36)),
    ],
)
def test_bounds_are_widened_to_the_grid_from_the_lower_left(
    bounds: tuple[int, int, int, int], size: tuple[int, int], widened: tuple[int, int, int, int]
) -> None:
    assert on_grid(bounds, *size) == widened
