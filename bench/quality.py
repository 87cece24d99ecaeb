"""How far templates are from the converged image and from the stock masks and coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

DEPTH_STEP_MM = 4.0
"""A step of the coordinates between neighbours that makes a silhouette inside the object, as in check_templates.py."""

_PART = 15
"""Pixels across a part of an object whose colours are compared in the mean."""


@dataclass(frozen=True)
class View:
    """A template: RGB (H, W, 3) uint8, mask (H, W) bool, xyz (H, W, 3) in mm; xyz may be missing."""

    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    xyz: NDArray[np.float32] | None


@dataclass(frozen=True)
class Distance:
    """Of one view from the truth.

    Attributes:
        psnr: dB, over the object's pixels.
        worst: largest difference of a channel, of 255, over object pixels away from silhouettes.
        iou: of the masks.
        xyz_p99: 99th percentile of the distance of coordinates, mm, away from silhouettes.
    """

    psnr: float
    worst: int
    iou: float
    xyz_p99: float


def rmse(rgb: NDArray[np.uint8], truth: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Root mean square difference over some pixels, of 255."""
    return float(np.sqrt(np.square(rgb.astype(np.float64) - truth)[where].mean()))


def decibels(error: float) -> float:
    """PSNR of a root mean square difference."""
    return 20 * math.log10(255 / max(error, 1e-6))


def psnr(rgb: NDArray[np.uint8], truth: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """PSNR in dB over some pixels."""
    return decibels(rmse(rgb, truth, where))


def local_shift(rgb: NDArray[np.uint8], truth: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    """Difference of the colours of small parts of an object, of 255, in the part where it is among the largest hundredth.

    Args:
        rgb: (H, W, 3) an image.
        truth: (H, W, 3) what it should show; noise of both cancels out in a part's mean.
        mask: (H, W) of the object.
    """
    size = (_PART, _PART)
    share = cv2.boxFilter(mask.astype(np.float64), -1, size)
    means = cv2.boxFilter((rgb - truth) * mask[..., None], -1, size) / np.maximum(share, 1e-9)[..., None]
    inside = mask & (share > 0.5)
    return float(np.percentile(np.abs(means[inside if inside.any() else mask]).max(axis=-1), 99))


def silhouettes(mask: NDArray[np.bool_], xyz: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Background, and pixels beside the object's outline or beside a step of depth inside it, one pixel further than they reach."""
    edge = ~mask
    for axis in (0, 1):
        step = np.abs(np.diff(xyz, axis=axis)).max(axis=-1) > DEPTH_STEP_MM
        near, far = [slice(None)] * 2, [slice(None)] * 2
        near[axis], far[axis] = slice(None, -1), slice(1, None)
        edge[tuple(near)] |= step
        edge[tuple(far)] |= step
    return cv2.dilate(edge.astype(np.uint8), np.ones((3, 3), dtype=np.uint8)) > 0


def distance(view: View, truth: NDArray[np.uint8], stock: View) -> Distance:
    """Of one of our views from the converged image and from the stock procedure's mask and coordinates."""
    assert view.xyz is not None
    both, either = view.mask & stock.mask, view.mask | stock.mask
    away = both & ~silhouettes(view.mask, view.xyz)
    differences = np.abs(view.rgb.astype(int) - truth)[away]
    lengths = np.array([np.nan]) if stock.xyz is None else np.linalg.norm(view.xyz - stock.xyz, axis=-1)[away]
    return Distance(
        psnr(view.rgb, truth, stock.mask),
        int(differences.max(initial=0)),
        float(both.sum() / max(either.sum(), 1)),
        float(np.percentile(lengths, 99)) if lengths.size else 0.0,
    )
