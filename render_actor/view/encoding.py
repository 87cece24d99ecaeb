"""Encodes the three files of a template in memory."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.contract.xyz_file import xyz_file


def _png(image: NDArray[np.uint8]) -> bytes:
    done, encoded = cv2.imencode(".png", image)
    if not done:
        raise RuntimeError(f"PNG encoder refused an image of shape {image.shape}")
    return encoded.tobytes()


def encode_rgb(rgb: NDArray[np.uint8]) -> bytes:
    """PNG of an (H, W, 3) uint8 image in RGB order: three channels, since PEM normalises three."""
    return _png(np.ascontiguousarray(rgb[..., ::-1]))


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """PNG of an (H, W) mask: one channel, exactly 0 or 255, since PEM tests for 255."""
    return _png(np.where(mask, np.uint8(255), np.uint8(0)))


def encode_xyz(xyz: NDArray[np.float16]) -> bytes:
    """NPY of (H, W, 3) float16 object coordinates."""
    return xyz_file(xyz)
