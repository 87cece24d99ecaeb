"""Depth and normals of what the rays of a view have met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SurfaceMaps:
    """What a camera sees of a surface.

    Attributes:
        depth: (H, W) float32 z in the camera's frame, mm; 0 off the object.
        normals: (H, W, 3) float32 unit normals in the camera's frame (OpenCV axes), of the side that is seen; 0 off the object.
    """

    depth: NDArray[np.float32]
    normals: NDArray[np.float32]


@dataclass(frozen=True)
class SeenPoints:
    """The points of a mesh that a view's rays have met, one for each pixel on the object, row by row.

    Attributes:
        points: (P, 3) float64, relative to the camera's centre, CAD frame and unit.
        corners: (P, 3, 3) float64 corners of the faces that they lie on, CAD frame.
        faces: (P,) indices of these.
        weights: (P, 3) float64 of the corners.
        axes: (3, 3) camera axes as columns, CAD frame.
    """

    points: NDArray[np.float64]
    corners: NDArray[np.float64]
    faces: NDArray[Any]
    weights: NDArray[np.float64]
    axes: NDArray[np.float64]

    def maps(self, mask: NDArray[np.bool_], corner_normals: NDArray[np.float32] | None, mm_per_unit: float) -> SurfaceMaps:
        """Their depth and normals.

        Args:
            mask: (H, W) of the view, with P pixels on the object.
            corner_normals: (F, 3, 3) of the mesh's faces, or None for flat shading.
            mm_per_unit: of the CAD.
        """
        depth = np.zeros(mask.shape, dtype=np.float32)
        depth[mask] = self.points @ self.axes[:, 2] * mm_per_unit
        normals = np.zeros((*mask.shape, 3), dtype=np.float32)
        normals[mask] = self._normals(corner_normals) @ self.axes
        return SurfaceMaps(depth, normals)

    def _normals(self, corner_normals: NDArray[np.float32] | None) -> NDArray[np.float64]:
        """(P, 3) unit shading normals in the CAD's axes, of the side that is seen."""
        flat = np.cross(self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0])
        away = np.einsum("pc,pc->p", flat, self.points) > 0
        flat[away] *= -1
        if corner_normals is None:
            return _unit(flat)
        shading = np.einsum("pk,pkc->pc", self.weights, corner_normals[self.faces].astype(np.float64))
        # By the face, not by the ray: at a silhouette a smooth normal may point a little away from the camera, and stays there.
        shading[np.einsum("pc,pc->p", shading, flat) < 0] *= -1
        return _unit(np.where(np.linalg.norm(shading, axis=-1, keepdims=True) > 1e-12, shading, flat))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-300)
    return result
