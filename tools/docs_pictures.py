"""Makes the pictures of the documentation from folders of templates: ``python -m tools.docs_pictures KIND TEMPLATES PICTURE``.

``row`` shows some views as RGB, mask and xyz one above the other, cut to their middle; ``sheet`` the RGB of all 42.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]

_ROW_VIEWS = (3, 9, 17, 24, 33)
_ROW_CELL, _SHEET_CELL, _COLUMNS, _GAP = 160, 112, 7, 4
_MIDDLE = slice(80, 432)
"""Of the 512 pixels, what a row shows."""


def rgb_of(folder: Path, view: int) -> Picture:
    """RGB of a view."""
    return np.asarray(Image.open(folder / f"rgb_{view}.png"))


def mask_of(folder: Path, view: int) -> Picture:
    """The mask of a view, as RGB."""
    return np.repeat(np.asarray(Image.open(folder / f"mask_{view}.png"))[..., None], 3, axis=2)


def xyz_of(folder: Path, view: int) -> Picture:
    """Object coordinates of a view as colours: red along x, green along y, blue along z, over the whole CAD."""
    views = range(len(list(folder.glob("xyz_*.npy"))))
    seen = [np.load(folder / f"xyz_{i}.npy").astype(np.float32)[mask_of(folder, i)[..., 0] > 0] for i in views]
    low, high = np.concatenate(seen).min(axis=0), np.concatenate(seen).max(axis=0)
    xyz = np.load(folder / f"xyz_{view}.npy").astype(np.float32)
    inside = mask_of(folder, view)[..., :1] > 0
    return np.where(inside, (xyz - low) / (high - low) * 255, 0).astype(np.uint8)


def grid(rows: list[list[Picture]], cell: int) -> Image.Image:
    """Pictures in rows, each ``cell`` pixels wide and high, on white."""
    step = cell + _GAP
    whole = Image.new("RGB", (step * len(rows[0]) - _GAP, step * len(rows) - _GAP), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            whole.paste(Image.fromarray(picture).resize((cell, cell), Image.Resampling.LANCZOS), (x * step, y * step))
    return whole


def main() -> None:
    """Write one picture."""
    kind, folder, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if kind == "row":
        rows = [[kind_of(folder, view)[_MIDDLE, _MIDDLE] for view in _ROW_VIEWS] for kind_of in (rgb_of, mask_of, xyz_of)]
        grid(rows, _ROW_CELL).save(target, optimize=True)
    else:
        views = [rgb_of(folder, view) for view in range(42)]
        sheet = grid([views[start : start + _COLUMNS] for start in range(0, 42, _COLUMNS)], _SHEET_CELL)
        sheet.quantize(256, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main()
