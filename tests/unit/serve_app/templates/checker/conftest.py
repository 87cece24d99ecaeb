"""Small folders of templates that keep the contract, made without a renderer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

VIEWS, SIZE = 3, 32
BOUNDS = np.array([[-10.0, -10.0, -10.0], [10.0, 10.0, 10.0]])
"""Of the CAD that the templates show."""


def save_png(path: Path, pixels: NDArray[Any]) -> None:
    Image.fromarray(pixels).save(path)


def write_manifest(folder: Path, **of_each_view: Any) -> None:
    views = [
        {
            "index": index,
            **of_each_view,
            "files": {
                path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
                for path in (folder / f"rgb_{index}.png", folder / f"mask_{index}.png", folder / f"xyz_{index}.npy")
            },
        }
        for index in range(VIEWS)
    ]
    (folder / "manifest.json").write_text(json.dumps({"views": views}))


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """Three views of 32 x 32: a square of 16 x 16 whose coordinates slope from -9 to 9, on a grey background."""
    folder = tmp_path / "part" / "templates"
    folder.mkdir(parents=True)
    slope = np.linspace(-9, 9, SIZE // 2, dtype=np.float16)
    inside = slice(SIZE // 4, SIZE // 4 * 3)
    for index in range(VIEWS):
        mask = np.zeros((SIZE, SIZE), dtype=np.uint8)
        mask[inside, inside] = 255
        xyz = np.full((SIZE, SIZE, 3), -1, dtype=np.float16)
        xyz[inside, inside] = np.stack([*np.meshgrid(slope, slope), np.full((SIZE // 2,) * 2, index)], axis=-1)
        rgb = np.random.default_rng(index).integers(60, 200, (SIZE, SIZE, 3), dtype=np.uint8)
        save_png(folder / f"mask_{index}.png", mask)
        save_png(folder / f"rgb_{index}.png", rgb)
        np.save(folder / f"xyz_{index}.npy", xyz)
    return folder
