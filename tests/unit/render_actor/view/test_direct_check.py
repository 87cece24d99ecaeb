from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block
from render_actor.view.direct_check import FAR_OFF, SLIGHT, WINDOW, checked, said_otherwise

SIZE, MIDDLE = 64, 32
EVERYWHERE = np.ones((SIZE, SIZE), dtype=bool)
NOWHERE = ~EVERYWHERE
PICTURE = np.full((SIZE, SIZE, 3), 100, dtype=np.float32)


def used(*halves: NDArray[np.float32], spread: float = 0.0, doubled: NDArray[np.bool_] = NOWHERE) -> NDArray[np.bool_]:
    """Where the picture is used beside samples, by how far those of one pixel may be apart, and by where faces lie in one another."""
    blocks = [Block(4, half, np.zeros_like(half), np.zeros_like(half), half) for half in halves]
    squares, slope = np.square(PICTURE).sum(axis=-1) + np.float32(spread), np.ones_like(PICTURE)
    return checked(PICTURE, said_otherwise(PICTURE, squares, blocks, slope), doubled, blocks, slope, EVERYWHERE, EVERYWHERE)[0]


def test_no_single_pixel_keeps_its_light_among_others_that_do_not() -> None:
    """The denoiser would take it for a firefly and leave a dark dot."""
    direct = PICTURE.copy()
    direct[MIDDLE, MIDDLE] += WINDOW**2 * (SLIGHT + 0.01)
    where = used(direct, direct)
    left_out = set(map(tuple, np.argwhere(~where)))
    assert left_out >= {(MIDDLE + y, MIDDLE + x) for y in range(-8, 9) for x in range(-8, 9)} and where[0, 0]


def test_a_pixel_that_its_rays_see_alike_and_its_samples_otherwise_is_left_to_the_samples() -> None:
    for off, spread, differs in ((0.9, 0.0, False), (1.1, 0.0, True), (1.1, 8.0, False), (-3.0, 8.0, True)):
        direct = PICTURE.copy()
        direct[MIDDLE, MIDDLE] += off * FAR_OFF
        where = used(direct, direct, spread=spread)
        assert where[MIDDLE, MIDDLE] != differs and where[MIDDLE, MIDDLE + WINDOW], (off, spread)


def test_a_single_sample_at_an_outline_leaves_nothing_out() -> None:
    direct = PICTURE.copy()
    direct[MIDDLE, MIDDLE] += 5 * FAR_OFF
    assert used(direct, PICTURE).all() and not used(direct, direct).all()


def test_faces_in_one_another_are_left_out_where_they_have_spots_of_shadow() -> None:
    doubled = NOWHERE.copy()
    doubled[::16, ::16] = True
    chance = np.random.default_rng(2)
    for darker, left_out in ((0.0, False), (SLIGHT / 2, False), (2 * SLIGHT, True)):
        halves = [PICTURE + chance.standard_normal(PICTURE.shape).astype(np.float32) for _ in range(2)]
        for half in halves:
            half[doubled] -= np.float32(darker)
        where = used(*halves, spread=3.0, doubled=doubled)
        assert where[doubled].any() != left_out and where.any() and (left_out or where.all()), darker
