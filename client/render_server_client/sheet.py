"""A picture of many views at once, for people."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from render_server_client.view_files import View

Kind = Literal["rgb", "mask", "xyz"]

ALL_KINDS: tuple[Kind, ...] = ("rgb", "mask", "xyz")


def contact_sheet(
    view: Callable[[int], View], count: int, kinds: Sequence[Kind] = ("rgb",), columns: int = 7, size: int = 128
) -> Image.Image:
    """A grid of views, row by row.

    Args:
        view: gives a view by its index; it is asked twice where xyz is among the kinds.
        count: of the views.
        kinds: side by side for each view; xyz as colours, its smallest to its largest coordinate over all views as 0 to 255.
        columns: views in a row, where there are so many.
        size: longer side of each picture in pixels; images that are smaller stay as they are.
    """
    size = min(size, max(view(0).mask.shape))
    bounds = _bounds(view, count) if "xyz" in kinds else None
    columns = max(1, min(columns, count))
    cell = size * len(kinds)
    sheet = Image.new("RGB", (columns * cell, -(-count // columns) * size))
    for number in range(count):
        row, column = divmod(number, columns)
        for place, kind in enumerate(kinds):
            picture = Image.fromarray(_picture(view(number), kind, bounds))
            picture.thumbnail((size, size), Image.Resampling.BOX)
            sheet.paste(picture, (column * cell + place * size, row * size))
    return sheet


def png_of(image: Image.Image) -> bytes:
    """An image as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _bounds(view: Callable[[int], View], count: int) -> NDArray[np.float32]:
    """(2, 3) smallest and largest coordinates of the object over all views."""
    low, high = np.full(3, np.inf, np.float32), np.full(3, -np.inf, np.float32)
    for number in range(count):
        seen = view(number)
        inside = seen.xyz[seen.mask]
        if len(inside):
            low, high = np.minimum(low, inside.min(axis=0)), np.maximum(high, inside.max(axis=0))
    return np.stack([low, high])


def _picture(view: View, kind: Kind, bounds: NDArray[np.float32] | None) -> NDArray[np.uint8]:
    if kind == "rgb":
        return view.rgb
    if kind == "mask":
        return np.repeat(view.mask[..., None].astype(np.uint8) * 255, 3, axis=2)
    assert bounds is not None
    low, high = bounds
    with np.errstate(invalid="ignore"):  # Views in which nothing is seen have no bounds.
        colors = (view.xyz - low) / np.maximum(high - low, 1e-6) * 255
    return np.where(view.mask[..., None], np.clip(colors, 0, 255), 0).astype(np.uint8)
