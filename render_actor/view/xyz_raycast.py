"""Masks and object coordinates by casting one ray through each pixel's centre.

The stock procedure renders a second, unfiltered image for this (NOCS). Casting exactly those rays with Embree gives
the same masks and coordinates within float16 rounding, for a twentieth of the work and without Blender.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from render_actor.contract.scene import TemplateScene
from render_actor.contract.xyz_file import BACKGROUND
from render_actor.view.surface_maps import SeenPoints, SurfaceMaps
from render_actor.view.too_slow import ViewTooSlowError

_SPARSE = 12
"""Rays of the sparse grid in each direction."""

_CHUNK_SEC = 0.25
_MAX_CHUNK = 8192
"""The time is looked at after so many rays, or after fewer where they are slow: about every ``_CHUNK_SEC``."""


class ObjectCoordinates:
    """Ray casting against one mesh.

    Args:
        vertices: (V, 3) float64, CAD frame.
        faces: (F, 3) int32.
    """

    def __init__(self, vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> None:
        # Embree computes in 32 bits: take coordinates relative to the middle, or a CAD far off its origin loses digits.
        self.middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        self.vertices = vertices - self.middle
        self.faces = faces
        self._columns = np.ascontiguousarray(self.vertices.T, dtype=np.float32)
        self._embree = EmbreeScene()
        TriangleMesh(self._embree, self.vertices.astype(np.float32)[faces])

    def cast(self, scene: TemplateScene, view: int) -> tuple[NDArray[np.bool_], NDArray[np.float16]]:
        """See the mesh from one camera; see ``ViewRays.cast``."""
        return ViewRays(self, scene, view).cast()

    def image_bounds(self, scene: TemplateScene, view: int, margin: int) -> tuple[int, int, int, int]:
        """Pixel rectangle around the mesh in a view; see ``TemplateScene.image_bounds``."""
        return scene.image_bounds(view, self._columns, self.middle, margin)

    def depths(self, scene: TemplateScene, view: int) -> tuple[float, float]:
        """Between which depths before a camera the mesh's bounding box lies, in scene units; below 0 is behind the camera."""
        axes, centre = scene.camera_in_cad(view)
        reach = np.abs(axes[:, 2]) @ (self.vertices.max(axis=0) - self.vertices.min(axis=0)) / 2
        depth = (self.middle - centre) @ axes[:, 2]
        scale = np.linalg.norm(scene.object_to_scene[:3, 0])
        return float((depth - reach) * scale), float((depth + reach) * scale)

    def hits(self, origin: NDArray[np.float64], directions: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Where rays first meet the mesh.

        Args:
            origin: (3,) of all rays, CAD frame.
            directions: (R, 3) in the CAD's axes, of any length.

        Returns:
            ``primID`` (R,): index of the face, or -1; ``u`` and ``v`` (R,): where on the face.
        """
        return self.nearest(np.tile((origin - self.middle).astype(np.float32), (len(directions), 1)), directions)

    def nearest(self, places: NDArray[np.float32], ways: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Where rays first meet the mesh.

        Args:
            places: (R, 3) where they begin, CAD frame relative to ``middle``.
            ways: (R, 3) in the CAD's axes, of any length.

        Returns:
            As ``hits``, and ``tfar`` (R,): how far off, in lengths of the ways.
        """
        rays = (np.ascontiguousarray(array, dtype=np.float32) for array in (places, ways))
        found: dict[str, NDArray[Any]] = self._embree.run(*rays, query="INTERSECT", output=True)
        return found

    def blocked(self, places: NDArray[np.float32], ways: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether rays meet the mesh.

        Args:
            places: (R, 3) where they begin, CAD frame relative to ``middle``.
            ways: (R, 3) in the CAD's axes, of any length.

        Returns:
            (R,)
        """
        if not len(places):
            return np.zeros(0, dtype=bool)
        found = self._embree.run(*(np.ascontiguousarray(array, dtype=np.float32) for array in (places, ways)), query="OCCLUDED")
        return np.asarray(found >= 0)


class ViewRays:
    """The rays of one view.

    Args:
        mesh: that they are cast at.
        scene: gives the camera, the size and the unit of the result.
        view: index of the camera.
    """

    def __init__(self, mesh: ObjectCoordinates, scene: TemplateScene, view: int) -> None:
        self._mesh, self._scene = mesh, scene
        self._bounds = mesh.image_bounds(scene, view, margin=1)
        self._view = view
        self._axes, self._centre = scene.camera_in_cad(view)
        self._seconds_a_ray: float | None = None
        self._seen: Callable[[], tuple[NDArray[np.bool_], SeenPoints]] | None = None

    @property
    def seconds_a_ray(self) -> float:
        """CPU seconds that a ray takes, measured with a sparse grid of them."""
        if self._seconds_a_ray is None:
            left, top, right, bottom = self._bounds
            sparse = self._directions(np.linspace(left, right - 1, _SPARSE), np.linspace(top, bottom - 1, _SPARSE))
            self._mesh.hits(self._centre, sparse[:1])  # With the first ray of all Embree builds its tree.
            # Twice: the first time the tree is not in the core's caches.
            self._seconds_a_ray = min(self._timed(sparse) for _ in range(2)) / len(sparse)
        return self._seconds_a_ray

    def cast(self, may_take_sec: float = math.inf) -> tuple[NDArray[np.bool_], NDArray[np.float16]]:
        """See the mesh from the camera.

        Args:
            may_take_sec: CPU seconds.

        Returns:
            mask (H, W) bool, and xyz (H, W, 3) float16: CAD frame, CAD unit times ``scene.xyz_scale``, background -1.

        Raises:
            ViewTooSlowError: it would take longer than it may.
        """
        size = self._scene.height, self._scene.width
        xyz = np.full((*size, 3), BACKGROUND, dtype=np.float16)
        mask = np.zeros(size, dtype=bool)
        left, top, right, bottom = self._bounds
        hits = self._all_hits(self._directions(np.arange(left, right), np.arange(top, bottom)), may_take_sec)

        hit = hits["primID"] >= 0
        faces = hits["primID"][hit]
        u, v = (hits[name][hit][:, None].astype(np.float64) for name in ("u", "v"))
        corners = self._mesh.vertices[self._mesh.faces[faces]]
        points = corners[:, 0] * (1 - u - v) + corners[:, 1] * u + corners[:, 2] * v + self._mesh.middle
        window = mask[top:bottom, left:right]
        window[:] = hit.reshape(bottom - top, right - left)
        with np.errstate(over="ignore"):
            xyz[top:bottom, left:right][window] = (points * self._scene.xyz_scale).astype(np.float16)
        self._seen = lambda: (mask, SeenPoints(points - self._centre, corners, faces, np.hstack([1 - u - v, u, v]), self._axes))
        return mask, xyz

    def surface(self, corner_normals: NDArray[np.float32] | None) -> SurfaceMaps:
        """Depth and normals of what ``cast`` has seen.

        Args:
            corner_normals: (F, 3, 3) of the mesh, or None for flat shading.
        """
        assert self._seen is not None
        mask, points = self._seen()
        return points.maps(mask, corner_normals, self._scene.xyz_scale)

    def _directions(self, columns: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
        """(rows x columns, 3) directions through pixels, row by row, in the CAD's axes."""
        x, y = np.meshgrid(columns, rows)
        return self._scene.directions_in_cad(self._view, x.ravel(), y.ravel())

    def _timed(self, directions: NDArray[np.float64]) -> float:
        began = time.thread_time()
        self._mesh.hits(self._centre, directions)
        return time.thread_time() - began

    def _all_hits(self, directions: NDArray[np.float64], may_take_sec: float) -> dict[str, NDArray[Any]]:
        chunk = int(np.clip(_CHUNK_SEC / max(self.seconds_a_ray, 1e-9), 16, _MAX_CHUNK))
        found = []
        began = time.thread_time()
        for first in range(0, len(directions), chunk):
            used = time.thread_time() - began
            if used > may_take_sec:
                raise ViewTooSlowError(f"{first} of {len(directions)} rays of the mask took {used:.3g} s")
            found.append(self._mesh.hits(self._centre, directions[first : first + chunk]))
        return {name: np.concatenate([part[name] for part in found]) for name in ("primID", "u", "v")}
