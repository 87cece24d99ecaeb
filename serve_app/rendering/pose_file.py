"""Reads and checks a client's own list of camera poses."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serve_app.base.errors import ServiceError
from serve_app.base.npy import NPY_HEADERS
from serve_app.base.regular_file import read_regular_file
from serve_app.jobs.camera_request import MAX_VIEWS

_npy: Any = np.lib.format  # Its types are not declared.

MAX_POSES = MAX_VIEWS
_MAX_BYTES = 16 * MAX_POSES * 16 + 4096
_MAX_HEADER = 1024
_TOLERANCE = 1e-3
_MAX_TRANSLATION = 1e6


def read_poses(path: Path, quoted: str) -> NDArray[np.float64]:
    """Camera-to-world poses from an .npy file, never through pickle.

    Args:
        path: the file, links resolved.
        quoted: the path as the client wrote it.

    Returns:
        (N, 4, 4) float64, OpenCV axes, translations as in the stock list (norm 1000 is distance 2).

    Raises:
        ServiceError: ``poses_invalid``, with the first pose that is wrong and why.
    """
    try:
        data = read_regular_file(path, _MAX_BYTES)
    except OSError as error:
        raise _invalid(quoted, f"it cannot be read: {error.strerror or 'it is gone'}") from error
    except ValueError as error:
        raise _invalid(quoted, f"{error}: that is more than {MAX_POSES} poses have") from error
    try:
        poses = _array(data)
    except ValueError as error:
        raise _invalid(quoted, str(error)) from error
    for index, pose in enumerate(poses):
        reason = _fault(pose)
        if reason:
            raise _invalid(quoted, f"pose {index} {reason}")
    return poses


def count_poses(path: Path) -> int:
    """How many poses a file says that it has; 0 for one that ``read_poses`` will refuse for that.

    Args:
        path: links resolved.
    """
    try:
        return _header(io.BytesIO(read_regular_file(path, _MAX_BYTES)))[0][0]
    except (OSError, ValueError):
        return 0


def _array(data: bytes) -> NDArray[np.float64]:
    """The (N, 4, 4) array of an .npy file; its header is believed only when the data bear it out (``ValueError``)."""
    stream = io.BytesIO(data)
    shape, column_major, dtype = _header(stream)
    needed = dtype.itemsize * math.prod(shape)
    values = data[stream.tell() :]
    if len(values) != needed:
        raise ValueError(f"it has {len(values)} bytes of data, and {shape[0]} poses of type {dtype} need {needed}")
    with np.errstate(all="ignore"):
        return np.frombuffer(values, dtype).reshape(shape, order="F" if column_major else "C").astype(np.float64)


def _header(stream: io.BytesIO) -> tuple[tuple[int, int, int], bool, Any]:
    """Shape, order and type that an .npy file says it has, when poses can have them (otherwise ``ValueError``)."""
    readers = {(1, 0): _npy.read_array_header_1_0, (2, 0): _npy.read_array_header_2_0}
    try:
        with NPY_HEADERS:
            shape, column_major, dtype = readers[_npy.read_magic(stream)](stream, max_header_size=_MAX_HEADER)
    except Exception as error:  # numpy reads the header as a Python literal, and lets through what that may raise.
        raise ValueError(f"it is no .npy file of N x 4 x 4 poses ({type(error).__name__})") from error
    if dtype.hasobject:
        raise ValueError("it cannot be read: it holds Python objects, not numbers")
    if dtype.kind not in "fiu":
        raise ValueError(f"its type is {str(dtype)[:80]}, not a real number")
    if len(shape) != 3 or shape[1:] != (4, 4) or shape[0] < 1:
        raise ValueError(f"its shape is {str(shape)[:80]}, not N x 4 x 4")
    if shape[0] > MAX_POSES:
        raise ValueError(f"it holds {shape[0]} poses, more than {MAX_POSES}")
    return shape, column_major, dtype


def _fault(pose: NDArray[np.float64]) -> str | None:
    if not np.isfinite(pose).all():
        return "has NaN or infinite values"
    if np.abs(pose[3] - [0, 0, 0, 1]).max() > _TOLERANCE:
        return f"has the last row {pose[3].tolist()}, not [0, 0, 0, 1]"
    rotation = pose[:3, :3]
    if np.abs(rotation).max() > 2 or np.abs(rotation @ rotation.T - np.eye(3)).max() > _TOLERANCE:
        return "has a rotation part that is not orthonormal"
    if np.linalg.det(rotation) < 0:
        return "mirrors: its rotation part has determinant -1"
    distance = np.abs(pose[:3, 3]).max()
    if distance < 1e-9:
        return "puts the camera at the origin, inside the object"
    if distance > _MAX_TRANSLATION:
        return f"puts the camera {distance:.4g} away; 1000 is the usual, and beyond {_MAX_TRANSLATION:g} nothing is seen"
    return None


def _invalid(quoted: str, reason: str) -> ServiceError:
    return ServiceError("poses_invalid", f"camera_poses_path {quoted!r} cannot be used: {reason}", "camera_poses_path")
