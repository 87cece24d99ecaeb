"""Encodes the files of a view in memory; ``render_actor.contract.file_kinds`` says what each holds."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.contract.xyz_file import xyz_file


def encode_png(pixels: NDArray[Any]) -> bytes:
    """PNG of (H, W), (H, W, 3) or (H, W, 4) pixels, red first, of type uint8 or uint16."""
    if pixels.ndim == 3:
        pixels = np.ascontiguousarray(pixels[..., [2, 1, 0, 3][: pixels.shape[2]]])
    done, encoded = cv2.imencode(".png", pixels)
    if not done:
        raise RuntimeError(f"PNG encoder refused an image of shape {pixels.shape}")
    return encoded.tobytes()


def decode_rgb(png: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 pixels, red first, of the PNG of an ``rgb`` file.

    Raises:
        ValueError: it is no such file.
    """
    pixels: NDArray[Any] | None = cv2.imdecode(np.frombuffer(png, dtype=np.uint8), cv2.IMREAD_UNCHANGED) if png else None
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError("an image that was rendered before is not a PNG of 8 bits a channel and three channels")
    return np.ascontiguousarray(pixels[..., ::-1])


def encode_xyz(xyz: NDArray[np.float16]) -> bytes:
    """NPY of (H, W, 3) float16 object coordinates."""
    return xyz_file(xyz)


def mask_pixels(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(H, W) uint8: 255 where the mask is set, else 0."""
    return np.where(mask, np.uint8(255), np.uint8(0))


def rgba_pixels(rgb: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(H, W, 4) uint8: the image where the mask is set, with alpha 255; else 0 in all four: readers take their box from it."""
    rgba = np.zeros((*mask.shape, 4), dtype=np.uint8)
    rgba[mask, :3] = rgb[mask]
    rgba[mask, 3] = 255
    return rgba


def depth_pixels(depth: NDArray[np.float32], scale: float) -> NDArray[np.uint16]:
    """(H, W) uint16.

    Args:
        depth: (H, W) mm, 0 off the object.
        scale: mm that 1 stands for.
    """
    return np.rint(depth.astype(np.float64) / scale).astype(np.uint16)


def normal_pixels(normals: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of (H, W, 3) unit normals: -1 is 0 and 1 is 255; 0 in all three off the mask."""
    coded = np.rint((normals + 1.0) * 127.5).clip(0, 255).astype(np.uint8)
    coded[~mask] = 0
    return coded
