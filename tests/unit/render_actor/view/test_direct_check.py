from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render_actor.view.block import Block
from render_actor.view.direct_check import SLIGHT, WINDOW, checked

SIZE, MIDDLE = 64, 32
EVERYWHERE = np.ones((SIZE, SIZE), dtype=bool)
PICTURE = np.full((SIZE, SIZE, 3), 100, dtype=np.float32)


def used(direct: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the picture is used beside samples without noise."""
    blocks = [Block(4, direct, np.zeros_like(direct), np.zeros_like(direct), direct)] * 2
    return checked(PICTURE, blocks, np.ones_like(PICTURE), EVERYWHERE, EVERYWHERE)[0]


def test_no_single_pixel_keeps_its_light_among_others_that_do_not() -> None:
    """The denoiser would take it for a firefly and leave a dark dot."""
    direct = PICTURE.copy()
    direct[MIDDLE, MIDDLE] += WINDOW**2 * (SLIGHT + 0.01)
    where = used(direct)
    left_out = set(map(tuple, np.argwhere(~where)))
    assert left_out >= {(MIDDLE + y, MIDDLE + x) for y in range(-8, 9) for x in range(-8, 9)} and where[0, 0]
