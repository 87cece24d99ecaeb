from __future__ import annotations

import io

import numpy as np
import pytest

from render_actor.contract.xyz_file import packed, unpacked, xyz_file

RNG = np.random.default_rng(11)
MASK = RNG.random((20, 30)) > 0.6
XYZ = np.where(MASK[..., None], RNG.normal(size=(20, 30, 3)), -1).astype(np.float16)


def test_what_was_packed_comes_out_byte_for_byte() -> None:
    points = packed(XYZ, MASK)
    assert points.shape == (MASK.sum(), 3) and points.dtype == np.float16
    assert xyz_file(unpacked(points, MASK)) == xyz_file(XYZ)


def test_not_a_number_and_minus_zero_keep_their_bits() -> None:
    odd = XYZ.copy()
    odd[tuple(np.argwhere(MASK)[0])] = (np.nan, -0.0, np.inf)
    assert xyz_file(unpacked(packed(odd, MASK), MASK)) == xyz_file(odd)


def test_the_file_is_the_same_however_the_array_lies_in_memory() -> None:
    assert xyz_file(np.asfortranarray(XYZ)) == xyz_file(XYZ)
    assert np.array_equal(np.load(io.BytesIO(xyz_file(XYZ)), allow_pickle=False), XYZ)


@pytest.mark.parametrize("points", [packed(XYZ, MASK)[:-1], packed(XYZ, MASK)[:, :2], packed(XYZ, MASK).reshape(-1)])
def test_points_that_do_not_fill_the_mask_are_refused(points: np.ndarray) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match="do not fill"):
        unpacked(points, MASK)
