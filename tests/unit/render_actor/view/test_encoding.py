from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from render_actor.view.encoding import decode_rgb, encode_png, encode_xyz, mask_pixels

RNG = np.random.default_rng(5)


def test_rgb_keeps_order_and_three_channels() -> None:
    rgb = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(rgb)))), rgb)


def test_mask_is_one_channel_of_0_and_255() -> None:
    mask = RNG.random((20, 30)) > 0.5
    decoded = np.asarray(Image.open(io.BytesIO(encode_png(mask_pixels(mask)))))
    assert decoded.shape == (20, 30) and decoded.dtype == np.uint8
    assert np.array_equal(decoded, np.where(mask, 255, 0))


def test_xyz_loads_without_pickle() -> None:
    xyz = RNG.normal(size=(20, 30, 3)).astype(np.float16)
    loaded = np.load(io.BytesIO(encode_xyz(xyz)), allow_pickle=False)
    assert loaded.dtype == np.float16 and np.array_equal(loaded, xyz)


def test_an_rgb_file_is_read_as_it_was_written() -> None:
    rgb = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(decode_rgb(encode_png(rgb)), rgb)
    for other in (b"", b"no image", encode_png(rgb[..., 0]), encode_png(rgb.astype(np.uint16))):
        with pytest.raises(ValueError, match="three channels"):
            decode_rgb(other)
