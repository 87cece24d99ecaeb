from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.view.exr import ExrError, ExrImage, read_exr
from tests.unit.render_actor.view.exr_files import ZIP, exr

LAYER = "ViewLayer"


def colors(height: int, width: int, dtype: str, seed: int = 0) -> NDArray[np.generic]:
    """Linear colours, some brighter than white and some negative."""
    return np.random.default_rng(seed).uniform(-2, 50, (height, width, 3)).astype(dtype)


def layer(name: str, pixels: NDArray[np.generic], letters: str = "RGB") -> dict[str, NDArray[np.generic]]:
    return {f"{LAYER}.{name}.{letter}": pixels[..., number] for number, letter in enumerate(letters)}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (5, 1), (13, 29)])
def test_pixels_are_as_they_were_written(height: int, width: int, dtype: str) -> None:
    pixels = colors(height, width, dtype)
    found = ExrImage(exr(layer("Combined", pixels))).vectors("Combined", "RGB")
    assert found.dtype == np.float32 and found.shape == (height, width, 3)
    assert np.array_equal(found, pixels.astype(np.float32))


def test_layers_and_types_may_be_mixed_and_letters_have_the_order_that_is_asked_for() -> None:
    combined, albedo = colors(6, 9, "float32", 1), colors(6, 9, "float16", 2)
    depth = np.arange(54, dtype=np.float32).reshape(6, 9)
    alpha = {f"{LAYER}.Combined.A": np.ones((6, 9), dtype=np.float16)}
    image = ExrImage(exr({**layer("Combined", combined), **alpha, **layer("Denoising Albedo", albedo), f"{LAYER}.Depth.Z": depth}))
    assert np.array_equal(image.vectors("Combined", "RGB"), combined)
    assert np.array_equal(image.vectors("Denoising Albedo", "BGR"), albedo[..., ::-1].astype(np.float32))
    assert np.array_equal(image.vectors("Depth", "Z")[..., 0], depth)
    assert (image.vectors("Combined", "A") == 1).all()


def test_numbers_that_are_no_finite_ones_arrive_as_they_are() -> None:
    pixels = np.array([[[np.inf, -np.inf, np.nan], [0.0, -0.0, 65504.0]]], dtype=np.float32)
    assert np.array_equal(ExrImage(exr(layer("Combined", pixels))).vectors("Combined", "RGB"), pixels, equal_nan=True)


def test_a_part_of_a_picture_has_its_own_size() -> None:
    pixels = colors(4, 3, "float32")
    for corner in ((0, 0), (120, 7), (-5, -9)):
        assert np.array_equal(ExrImage(exr(layer("Combined", pixels), corner=corner)).vectors("Combined", "RGB"), pixels)


def test_texts_of_the_header_are_kept_and_other_attributes_are_not_among_them() -> None:
    told = {"cycles.ViewLayer.render_time": "00:01.23", "Note": "gr\u00f6\u00dfer", "empty": ""}
    assert ExrImage(exr(layer("Combined", colors(2, 2, "float32")), told)).attributes == told


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path, pixels = tmp_path / "part.exr", colors(5, 4, "float32")
    path.write_bytes(exr(layer("Combined", pixels)))
    assert np.array_equal(read_exr(path).vectors("Combined", "RGB"), pixels)
    with pytest.raises(FileNotFoundError):
        read_exr(tmp_path / "none.exr")


def test_a_channel_that_is_missing_is_named_beside_those_that_are_there() -> None:
    image = ExrImage(exr(layer("Combined", colors(2, 2, "float32"))))
    with pytest.raises(ExrError, match="Denoising Albedo") as raised:
        image.vectors("Denoising Albedo", "RGB")
    assert f"{LAYER}.Combined.R" in str(raised.value)
    with pytest.raises(ExrError):
        image.vectors("Combined", "RGBA")


def test_a_file_that_is_cut_short_anywhere_is_refused() -> None:
    whole = exr(layer("Combined", colors(3, 4, "float16")), {"note": "text"})
    for length in range(len(whole)):
        with pytest.raises(ExrError):
            ExrImage(whole[:length])


@pytest.mark.parametrize("without", ["channels", "compression", "dataWindow"])
def test_a_file_without_what_is_needed_is_refused(without: str) -> None:
    with pytest.raises(ExrError, match=without):
        ExrImage(exr(layer("Combined", colors(3, 4, "float32")), without=without))


def test_other_forms_are_refused() -> None:
    pixels = colors(3, 4, "float32")
    with pytest.raises(ExrError, match="compressed"):
        ExrImage(exr(layer("Combined", pixels), compression=ZIP))
    with pytest.raises(ExrError):
        ExrImage(exr(layer("Combined", np.ones((3, 4, 3), dtype=np.uint32))))
    for other in (b"", b"\x89PNG\r\n\x1a\n" + bytes(64), b"\0" * 500, exr(layer("Combined", pixels))[1:]):
        with pytest.raises(ExrError):
            ExrImage(other)
