"""One picture of what the qualities look like."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

AMPLIFIED = 16
_CAPTION = 22


def write_picture(images: dict[str, NDArray[np.uint8]], mask: NDArray[np.bool_], target: Path) -> None:
    """Write the images side by side, and below each its difference to the last, amplified.

    Args:
        images: (H, W, 3) RGB by caption; the last is the truth.
        mask: (H, W) of the object: the picture is cut to it.
        target: the PNG to write.
    """
    rows, columns = np.where(mask)
    window = slice(max(0, rows.min() - 8), rows.max() + 9), slice(max(0, columns.min() - 8), columns.max() + 9)
    truth = list(images.values())[-1].astype(int)
    cells = []
    for caption, image in images.items():
        difference = np.clip(np.abs(image.astype(int) - truth) * AMPLIFIED, 0, 255).astype(np.uint8)
        cells.append(np.concatenate([_bar(caption, image[window]), image[window], difference[window]]))
    sheet = np.concatenate(cells, axis=1)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(target), sheet[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise OSError(f"cannot write {target}")


def _bar(caption: str, below: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bar = np.full((_CAPTION, below.shape[1], 3), 255, dtype=np.uint8)
    cv2.putText(bar, caption, (4, _CAPTION - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return bar
