"""A traced view, made up."""

from __future__ import annotations

import numpy as np

from render_actor.contract.view_quality import ViewQuality
from render_actor.view.traced import TracedView


def traced_view(view: int = 7, size: int = 32) -> TracedView:
    """An object of noise in the middle of a grey image."""
    random = np.random.default_rng(view)
    mask = np.zeros((size, size), dtype=bool)
    mask[size // 4 : size // 2, size // 3 : -4] = True
    rgb = np.full((size, size, 3), 70, dtype=np.uint8)
    rgb[mask] = random.integers(0, 256, (int(mask.sum()), 3), dtype=np.uint8)
    xyz = np.full((size, size, 3), -1, dtype=np.float16)
    xyz[mask] = random.normal(size=(int(mask.sum()), 3))
    return TracedView(view, rgb, mask, xyz, 0.5, ViewQuality(12))
