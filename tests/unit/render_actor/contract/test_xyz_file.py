from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.contract.xyz_file import packed, unpacked_file, xyz_file

RNG = np.random.default_rng(11)
MASK = RNG.random((20, 30)) > 0.6
XYZ = np.where(MASK[..., None], RNG.normal(size=(20, 30, 3)), -1).astype(np.float16)


def test_what_was_packed_comes_out_byte_for_byte() -> None:
    sent = packed(XYZ, MASK)
    assert sent.points.shape == (MASK.sum(), 3) and sent.points.dtype == np.float16 and sent.mask_bits.nbytes == 75
    assert unpacked_file(sent) == xyz_file(XYZ)


@pytest.mark.parametrize("full", [False, True])
def test_a_mask_may_be_empty_or_full(full: bool) -> None:
    mask = np.full((5, 7), full)
    xyz = np.full((5, 7, 3), 3.5 if full else -1, dtype=np.float16)
    assert unpacked_file(packed(xyz, mask)) == xyz_file(xyz)


def test_not_a_number_and_minus_zero_keep_their_bits() -> None:
    odd = XYZ.copy()
    odd[tuple(np.argwhere(MASK)[0])] = (np.nan, -0.0, np.inf)
    assert unpacked_file(packed(odd, MASK)) == xyz_file(odd)


def test_the_file_is_the_same_however_the_array_lies_in_memory() -> None:
    assert xyz_file(np.asfortranarray(XYZ)) == xyz_file(XYZ)
    saved = io.BytesIO()
    np.save(saved, XYZ)
    assert saved.getvalue() == xyz_file(XYZ)


def test_points_and_pixels_that_were_changed_are_refused() -> None:
    sent = packed(XYZ, MASK)
    for changed in ({"points": sent.points[::-1]}, {"mask_bits": sent.mask_bits[::-1]}):
        with pytest.raises(ValueError, match="not those that were packed"):
            unpacked_file(dataclasses.replace(sent, **changed))


@pytest.mark.parametrize("cut", [lambda points: points[:-1], lambda points: points[:, :2], lambda points: points.reshape(-1)])
def test_points_that_do_not_fill_the_mask_are_refused(cut: Callable[[NDArray[np.float16]], NDArray[np.float16]]) -> None:
    sent = packed(XYZ, MASK)
    with pytest.raises(ValueError, match="do not fill"):
        unpacked_file(dataclasses.replace(sent, points=cut(sent.points)))
