"""Colours that 3MF puts together of others: mixed materials, and layers over each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rgba = tuple[int, int, int, int]


def mixed(colors: Sequence[Rgba | None], weights: Sequence[float]) -> Rgba | None:
    """The mean of some colours in sRGB, weighted; None where nothing of it is a colour."""
    known = [(color, weight) for color, weight in zip(colors, weights, strict=False) if color is not None and 0 < weight < np.inf]
    if not known:
        return None
    return _rgba(np.average([color for color, _ in known], axis=0, weights=[weight for _, weight in known]))


def layered(colors: Sequence[Rgba | None], methods: Sequence[str]) -> Rgba | None:
    """Colours over each other, the lowest first; what is no colour is left out.

    Args:
        colors: of the layers.
        methods: of all but the lowest: ``multiply``, or ``mix``, by the alpha of the layer.
    """
    result: Rgba | None = None
    for color, method in zip(colors, ["mix", *methods, *["mix"] * len(colors)], strict=False):
        if color is None:
            continue
        if result is None:
            result = color
            continue
        below, above = np.array(result, dtype=float), np.array(color, dtype=float)
        share = above[3] / 255
        values = below * above / 255 if method == "multiply" else (1 - share) * below + share * above
        if method != "multiply":
            values[3] = 255 - (255 - below[3]) * (1 - share)
        result = _rgba(values)
    return result


def _rgba(values: NDArray[np.float64]) -> Rgba:
    red, green, blue, alpha = np.clip(np.round(values), 0, 255).astype(int).tolist()
    return red, green, blue, alpha
