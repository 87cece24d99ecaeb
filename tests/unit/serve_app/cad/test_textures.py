"""Textures are decoded once each, and a warning says why one cannot be used."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.references import ReferenceResolver
from serve_app.cad.textures import TextureStore
from tests.hostile.files import png, png_claiming

LIMITS = dataclasses.replace(CadLimits.from_settings(Settings()), texture_pixels=100)


def store(folder: Path) -> TextureStore:
    return TextureStore(ReferenceResolver(folder, LIMITS.max_bytes), LIMITS)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png_claiming(50_000, 50_000), "pixels; all textures of a CAD may have 100 (RENDER_MAX_TEXTURE_PIXELS)"),
        (png_claiming(11, 10), "11 x 10 pixels are too many: all textures of a CAD may have 100 (RENDER_MAX_TEXTURE_PIXELS)"),
        (b"garbage", "it is no image of the types PNG, JPEG, BMP, TGA, TIFF"),
        (png_claiming(9, 9), "it is a damaged PNG"),
    ],
)
def test_a_warning_says_why_a_texture_cannot_be_used(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(data)
    textures = store(tmp_path)
    assert textures.index_of("a.png") is None and textures.images == []
    assert len(textures.warnings) == 1 and words in textures.warnings[0] and "'a.png'" in textures.warnings[0]


def test_one_that_is_used_twice_is_decoded_once(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(png(4, 4))
    textures = store(tmp_path)
    assert [textures.index_of(name) for name in ("a.png", "b.png", "a.png")] == [0, 1, 0]
    assert textures.images[0].shape == (2, 3, 4) and textures.images[0][0, 0].tolist() == [1, 2, 3, 255] and not textures.warnings


def test_all_textures_count_together(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png(8, 8))
    textures = store(tmp_path)
    assert [textures.index_of(name) for name in ("a.png", "b.png")] == [0, None] and "RENDER_MAX_TEXTURE_PIXELS" in textures.warnings[0]
