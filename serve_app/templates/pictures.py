"""Pictures of a view that are made of its files: what a layout does not keep, and coordinates as colours."""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BACKGROUND = -1.0
_NPY = re.compile(rb"\x93NUMPY\x01\x00(..)(\{'descr': '<f2', 'fortran_order': False, 'shape': \((\d+), (\d+), 3\), \})\s*\n", re.DOTALL)
_IHDR = struct.Struct(">8sI4sII")
_PNG = b"\x89PNG\r\n\x1a\n"
_QUICK = 3
"""Of zlib's levels: pictures are made while somebody waits."""


class NoPictureError(ValueError):
    """A file does not hold what its name says."""


# OpenCV is imported where it is used: the server starts without it, and it takes a while.


def decoded_png(data: bytes, width: int, height: int) -> NDArray[Any]:
    """Pixels of a PNG file: (H, W), or (H, W, 3 or 4) in OpenCV's order blue, green, red.

    Args:
        data: of the file. It is looked at only where its header tells the size that it should have.
        width: in pixels.
        height: in pixels.

    Raises:
        NoPictureError: it is no such image.
    """
    import cv2

    if len(data) < _IHDR.size or _IHDR.unpack_from(data) != (_PNG, 13, b"IHDR", width, height):
        raise NoPictureError(f"it is no PNG of {width} x {height} pixels")
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise NoPictureError("it is damaged")
    return np.asarray(pixels)


def encoded_png(pixels: NDArray[Any]) -> bytes:
    """A PNG file of uint8 or uint16 pixels in OpenCV's order."""
    import cv2

    made, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, _QUICK])
    assert made
    return bytes(data)


def decoded_xyz(data: bytes, width: int, height: int) -> NDArray[np.float16]:
    """(H, W, 3) coordinates in mm, background -1.

    Raises:
        NoPictureError: it is no such file; the size is held against the header before anything is made of it.
    """
    header = _NPY.match(data)
    if header is None or (int(header[3]), int(header[4])) != (height, width) or len(data) != header.end() + height * width * 6:
        raise NoPictureError(f"it holds no coordinates of {width} x {height} pixels")
    return np.frombuffer(data, dtype="<f2", offset=header.end()).reshape(height, width, 3)


def encoded_xyz(xyz: NDArray[np.float16]) -> bytes:
    """An .npy file of coordinates."""
    import io

    file = io.BytesIO()
    np.save(file, xyz, allow_pickle=False)
    return file.getvalue()


def on_object(xyz: NDArray[np.float16]) -> NDArray[np.bool_]:
    """(H, W) where there are coordinates."""
    return np.asarray((xyz != _BACKGROUND).any(axis=-1))


def xyz_colors(xyz: NDArray[np.float16], bounds_mm: NDArray[np.float64] | None) -> NDArray[np.uint8]:
    """Coordinates as colours (NOCS): red, green and blue are x, y and z from one side of the CAD's bounds to the other.

    Args:
        xyz: (H, W, 3) in mm, background -1.
        bounds_mm: (2, 3) corners of the CAD; None for those of what is seen.

    Returns:
        (H, W, 3) in OpenCV's order, black where there is no object.
    """
    mask = on_object(xyz)
    colors = np.zeros(xyz.shape, dtype=np.uint8)
    inside = xyz[mask].astype(np.float32)
    if not len(inside):
        return colors
    low, high = (inside.min(axis=0), inside.max(axis=0)) if bounds_mm is None else bounds_mm.astype(np.float32)
    shares = (inside - low) / np.maximum(high - low, 1e-6)
    colors[mask] = np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)[:, ::-1]
    return colors


def depth_of_xyz(xyz: NDArray[np.float16], pose: NDArray[np.float64], scale: float) -> NDArray[np.uint16]:
    """Depth of coordinates.

    Args:
        xyz: (H, W, 3) in mm, background -1.
        pose: (4, 4) object to camera, OpenCV axes, mm.
        scale: mm that 1 stands for.

    Returns:
        (H, W) z in the camera's frame, 0 where there is no object.
    """
    mask = on_object(xyz)
    depth = np.zeros(mask.shape, dtype=np.uint16)
    z = xyz[mask].astype(np.float64) @ pose[2, :3] + pose[2, 3]
    depth[mask] = np.clip(np.rint(z / scale), 1, 65535).astype(np.uint16)
    return depth


def xyz_of_depth(depth: NDArray[Any], intrinsics: NDArray[np.float64], pose: NDArray[np.float64], scale: float) -> NDArray[np.float16]:
    """Coordinates of a depth image, as exact as its steps are.

    Args:
        depth: (H, W) uint16, 0 where there is no object.
        intrinsics: (3, 3) pinhole matrix; pixel centres have integer coordinates.
        pose: (4, 4) object to camera, OpenCV axes, mm.
        scale: mm that 1 stands for.

    Returns:
        (H, W, 3) in mm, background -1.
    """
    xyz = np.full((*depth.shape, 3), _BACKGROUND, dtype=np.float16)
    rows, columns = np.nonzero(depth)
    z = depth[rows, columns] * scale
    x = (columns - intrinsics[0, 2]) / intrinsics[0, 0] * z
    y = (rows - intrinsics[1, 2]) / intrinsics[1, 1] * z
    xyz[rows, columns] = (np.stack([x, y, z], axis=-1) - pose[:3, 3]) @ pose[:3, :3]
    return xyz
