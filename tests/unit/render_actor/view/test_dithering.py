from __future__ import annotations

import numpy as np

from render_actor.view.dithering import dithered


def test_dithering_is_the_same_for_the_same_pixel_and_has_no_bias() -> None:
    grey = np.full((256, 256, 3), round(70.5 * 257), dtype=np.uint16)
    first = dithered(grey, 256, 256)
    assert np.array_equal(first, dithered(grey, 256, 256))
    assert set(np.unique(first)) == {70, 71}
    assert abs(first.mean() - 70.5) < 0.01
    assert np.array_equal(first[..., 0], first[..., 1])


def test_values_near_a_level_mostly_keep_it_and_the_ends_do_not_wrap() -> None:
    level = np.full((128, 128, 3), 100 * 257, dtype=np.uint16)
    assert (dithered(level, 128, 128) == 100).mean() > 0.6
    assert dithered(np.zeros((64, 64, 3), dtype=np.uint16), 64, 64).max() <= 1
    assert dithered(np.full((64, 64, 3), 65535, dtype=np.uint16), 64, 64).min() >= 254


def test_a_part_is_dithered_as_in_the_whole() -> None:
    whole = dithered(np.full((80, 96, 3), round(70.5 * 257), dtype=np.uint16), 96, 80)
    part = dithered(np.full((20, 30, 3), round(70.5 * 257), dtype=np.uint16), 96, 80, left=7, top=50)
    assert np.array_equal(part, whole[50:70, 7:37])
    assert not np.array_equal(part, whole[:20, :30])


def test_rows_count_from_the_bottom_as_in_blender() -> None:
    small, large = (dithered(np.full((size, size, 3), round(70.5 * 257), dtype=np.uint16), size, size) for size in (64, 96))
    assert np.array_equal(large[-64:, :64], small)
    assert not np.array_equal(large[:64, :64], small)
