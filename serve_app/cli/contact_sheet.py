"""A picture of all templates at once, for people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COLUMNS = 7
CELL = 128


# OpenCV is imported where it is used: on a machine without its system libraries the command must still say so.


def _cell(folder: Path, view: int) -> NDArray[np.uint8]:
    import cv2

    rgb = cv2.imread(str(folder / f"rgb_{view}.png"), cv2.IMREAD_COLOR)
    mask = cv2.imread(str(folder / f"mask_{view}.png"), cv2.IMREAD_GRAYSCALE)
    xyz = np.load(folder / f"xyz_{view}.npy", allow_pickle=False).astype(np.float32)
    if rgb is None or mask is None:
        raise ValueError(f"view {view} of {folder} cannot be read")
    inside = xyz[mask > 0]
    low, high = inside.min(axis=0), inside.max(axis=0)
    colors = np.where(mask[..., None] > 0, (xyz - low) / np.maximum(high - low, 1e-6) * 255, 0).astype(np.uint8)
    pictures = [rgb, cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR), colors[..., ::-1]]
    return np.concatenate([cv2.resize(picture, (CELL, CELL), interpolation=cv2.INTER_AREA) for picture in pictures], axis=1)


def write_contact_sheet(folder: Path, views: int, target: Path) -> None:
    """Write a PNG grid: RGB, mask and xyz (as colours) of each view, side by side.

    Args:
        folder: of the templates.
        views: how many there are.
        target: the PNG to write.
    """
    import cv2

    cells = [_cell(folder, view) for view in range(views)]
    while len(cells) % COLUMNS:
        cells.append(np.zeros_like(cells[0]))
    rows = [np.concatenate(cells[start : start + COLUMNS], axis=1) for start in range(0, len(cells), COLUMNS)]
    if not cv2.imwrite(str(target), np.concatenate(rows)):
        raise OSError(f"cannot write {target}")
