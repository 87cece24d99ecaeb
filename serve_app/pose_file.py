"""Reads and checks a client's own list of camera poses."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.folder_resolver import read_regular_file
from serve_app.errors import ServiceError

MOST_POSES = 2048
_MAX_BYTES = 16 * MOST_POSES * 8 + 4096
_TOLERANCE = 1e-3


def read_poses(path: Path, shown: str) -> NDArray[np.float64]:
    """Camera-to-world poses from an .npy file, never through pickle.

    Args:
        path: the file, links resolved.
        shown: the path as the client wrote it.

    Returns:
        (N, 4, 4) float64, OpenCV axes, translations as in the stock list (norm 1000 is distance 2).

    Raises:
        ServiceError: ``poses_invalid``, with the first pose that is wrong and why.
    """
    try:
        poses = np.load(io.BytesIO(read_regular_file(path, _MAX_BYTES)), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        # An OSError's own text names the file as the server resolved it.
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise _invalid(shown, f"it cannot be read as .npy of at most {MOST_POSES} poses: {why}") from error
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or len(poses) == 0:
        raise _invalid(shown, f"its shape is {poses.shape}, not N x 4 x 4")
    if len(poses) > MOST_POSES:
        raise _invalid(shown, f"it holds {len(poses)} poses, more than {MOST_POSES}")
    if poses.dtype.kind not in "fiu":
        raise _invalid(shown, f"its type is {poses.dtype}, not a real number")
    poses = poses.astype(np.float64)
    for index, pose in enumerate(poses):
        reason = _fault(pose)
        if reason:
            raise _invalid(shown, f"pose {index} {reason}")
    return poses


def _fault(pose: NDArray[np.float64]) -> str | None:
    if not np.isfinite(pose).all():
        return "has NaN or infinite values"
    if np.abs(pose[3] - [0, 0, 0, 1]).max() > _TOLERANCE:
        return f"has the last row {pose[3].tolist()}, not [0, 0, 0, 1]"
    rotation = pose[:3, :3]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > _TOLERANCE:
        return "has a rotation part that is not orthonormal"
    if np.linalg.det(rotation) < 0:
        return "mirrors: its rotation part has determinant -1"
    if np.linalg.norm(pose[:3, 3]) < 1e-9:
        return "puts the camera at the origin, inside the object"
    return None


def _invalid(shown: str, reason: str) -> ServiceError:
    return ServiceError("poses_invalid", f"camera_poses_path {shown!r} cannot be used: {reason}", "camera_poses_path")
