from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.view.same_shadow import SameShadow

SIZE = 24
ROWS, COLUMNS = (axis.ravel() for axis in np.mgrid[:SIZE, :SIZE])


def seen(*rays: NDArray[np.int64]) -> NDArray[np.int8]:
    """What is known after some rays of every pixel."""
    same = SameShadow((SIZE, SIZE))
    for shadow in rays:
        same.add(ROWS, COLUMNS, shadow.astype(np.int8).ravel())
    return same.known()


HALF = np.where(np.arange(SIZE) < SIZE // 2, 1, -1) * np.ones((SIZE, 1), dtype=int)


def test_nothing_is_known_before_enough_rays() -> None:
    assert not seen().any() and not seen(HALF, HALF).any()


@pytest.mark.parametrize("rays", [4, 16])
def test_where_all_say_the_same_it_is_known_but_for_the_shadows_edge(rays: int) -> None:
    known = seen(*[HALF] * rays)[2:-2]
    edge = slice(SIZE // 2 - 2, SIZE // 2 + 2)
    assert (known[:, 2 : edge.start] == 1).all() and (known[:, edge.stop : -2] == -1).all() and not known[:, edge].any()


def test_one_ray_that_says_otherwise_leaves_the_pixels_around_unknown() -> None:
    other = np.full((SIZE, SIZE), -1)
    other[10, 12] = 1
    known = seen(*[np.full((SIZE, SIZE), -1)] * 15, other)
    assert np.argwhere(known[2:-2, 2:-2] == 0).tolist() == [[y - 2, x - 2] for y in range(8, 13) for x in range(10, 15)]


def test_rays_that_were_not_cast_say_nothing() -> None:
    none = np.zeros((SIZE, SIZE), dtype=int)
    assert not seen(*[none] * 50).any()
    assert (seen(*[none] * 50, *[HALF] * 4) == seen(*[HALF] * 4)).all()
