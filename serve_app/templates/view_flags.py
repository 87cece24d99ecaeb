"""What may not be as it should in a view, by what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

ViewFlag = Literal["nearly_black", "small_mask", "near_border"]

DARKEST = 16.0
"""Mean of the object's pixels, of 255, below which it is nearly black."""

SMALLEST = 0.01
"""Share of the image below which a mask is small."""

NEAREST = 3
"""Pixels between the mask and a side of the image below which it is near."""


def flags_of(entry: Mapping[str, Any], width: int, height: int) -> list[ViewFlag]:
    """The flags of a view; what an older server did not tell is taken to be well.

    Args:
        entry: see ``view_entry``.
        width: of the image, in pixels.
        height: of it.
    """
    flags: list[ViewFlag] = []
    brightness, box = entry.get("brightness"), entry.get("mask_box")
    if brightness is not None and brightness < DARKEST:
        flags.append("nearly_black")
    if entry["mask_pixels"] < SMALLEST * width * height:
        flags.append("small_mask")
    if box is not None:
        left, top, right, bottom = box
        if min(left, top, width - right, height - bottom) < NEAREST:
            flags.append("near_border")
    return flags
