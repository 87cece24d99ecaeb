"""The expected value of the guide in each pixel, by our own rays: many a pixel, for a small part of what a sample of Cycles costs.

The guide is a function of the surface that a ray from the camera meets first, (base colour + ``COVERAGE``) times the cosine of the angle
between the shading normal and the ray, and 0 where it meets nothing. ``blender/guide_pass.py`` has Cycles compute the same.
"""

from __future__ import annotations

import math
import time
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render_actor.contract.scene import TemplateScene
from render_actor.contract.types import CadMesh
from render_actor.view.base_color import BaseColor
from render_actor.view.picture_error import FALLS
from render_actor.view.pixel_filter import PASSES, kernels, lattice
from render_actor.view.too_slow import ViewTooSlowError
from render_actor.view.xyz_raycast import ObjectCoordinates

COVERAGE = 0.05
"""Added to the base colour, so that the outline of a black object counts, too."""


_OF_SPREAD = 0.03
"""Of the standard deviation of what the points of one pass see, in each pixel and those around it: about the error of their mean. Two
halves of the points tell less on a pattern that both see alike."""


class SurfaceGuide:
    """The guide of one mesh.

    Args:
        mesh: its arrays.
        coordinates: its ray caster.
        grey: linear base colour that replaces the mesh's own, or None.
    """

    def __init__(self, mesh: CadMesh, coordinates: ObjectCoordinates, grey: float | None) -> None:
        self.mesh, self.coordinates = mesh, coordinates
        self._grey = grey

    # What is computed for every face or vertex waits for the first ray: most views of plain CADs ask for none.

    @cached_property
    def base(self) -> BaseColor:
        """Base colours of its places."""
        return BaseColor(self.mesh, self._grey)

    @cached_property
    def flat(self) -> NDArray[np.float32]:
        """(F, 3) unit normals."""
        corners = self.coordinates.vertices[self.mesh.faces]
        flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-300), dtype=np.float32)

    @staticmethod
    def knows(mesh: CadMesh) -> bool:
        """Whether rays end where they first meet the mesh; where it can be looked through, the guide's expected value is not known.

        An unlit surface gives off its colour instead of reflecting it, and has no base colour to be guided by.
        """
        return all(material.alpha >= 1.0 and "alpha" not in material.textures and not material.unlit for material in mesh.materials)

    def along(self, origin: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float32]:
        """The guide of rays from one point.

        Args:
            origin: (3,) CAD frame.
            directions: (R, 3) in the CAD's axes.

        Returns:
            (R, 3)
        """
        found = self.coordinates.hits(origin, directions)
        result = np.zeros((len(directions), 3), dtype=np.float32)
        hit = found["primID"] >= 0
        faces = found["primID"][hit]
        weights = np.stack([1 - found["u"][hit] - found["v"][hit], found["u"][hit], found["v"][hit]], axis=-1).astype(np.float32)
        cosines = self._cosines(faces, weights, directions[hit])
        result[hit] = (self.base.at(faces, weights) + np.float32(COVERAGE)) * cosines[:, None]
        return result

    def _cosines(self, faces: NDArray[Any], weights: NDArray[np.float32], directions: NDArray[np.float64]) -> NDArray[np.float32]:
        """(R,) of the angle between the shading normal, turned to the side that is seen, and the way back; 0 where that is negative."""
        flat = self.flat[faces]
        back = -(directions / np.linalg.norm(directions, axis=-1, keepdims=True)).astype(np.float32)
        facing = np.einsum("rc,rc->r", flat, back)
        if self.mesh.corner_normals is None:
            return np.abs(facing)
        shading = np.einsum("rk,rkc->rc", weights, self.mesh.corner_normals[faces])
        length = np.maximum(np.sqrt(np.einsum("rc,rc->r", shading, shading)), np.float32(1e-30))
        return np.maximum(np.sign(facing) * np.einsum("rc,rc->r", shading, back) / length, np.float32(0.0))


class ViewGuide:
    """The guide's expected value in the pixels of one view, computed where it is asked for.

    Args:
        guide: of the mesh.
        scene: gives the camera.
        view: index of the camera.
        bounds: (left, top, right, bottom) of the pixels that are rendered.
        may_take_sec: seconds from now on in which all rays must be cast.
    """

    def __init__(
        self,
        guide: SurfaceGuide,
        scene: TemplateScene,
        view: int,
        bounds: tuple[int, int, int, int],
        may_take_sec: float = math.inf,
    ) -> None:
        self._guide, self._scene = guide, scene
        self._may_take_sec, self._until = may_take_sec, time.monotonic() + may_take_sec
        self._left, self._top, right, bottom = bounds
        self._view, self._centre = view, scene.camera_in_cad(view)[1]
        shape = (bottom - self._top + 2, right - self._left + 2)  # The filter reaches a pixel farther.
        self._cast = np.zeros((PASSES, *shape), dtype=bool)
        self._sums = np.zeros((PASSES, *shape, 3), dtype=np.float32)
        self._difference = np.zeros((*shape, 3), dtype=np.float32)  # Between the halves of the first pass.
        self._squares = np.zeros((*shape, 3), dtype=np.float32)  # Mean of the first pass.

    def expected(self, where: NDArray[np.bool_], passes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The guide's expected value.

        Args:
            where: (H, W) the pixels that count.
            passes: of rays, 1 to ``PASSES``; those that have been cast are not cast again.

        Returns:
            Values and about their errors, both (H, W, 3); what they hold elsewhere means nothing.

        Raises:
            ViewTooSlowError: the rays took longer than they may.
        """
        around = np.zeros(self._cast.shape[1:], dtype=np.uint8)
        around[1:-1, 1:-1] = where
        wanted = cv2.dilate(around, np.ones((3, 3), np.uint8)) > 0
        for part in range(passes):
            self._cast_pass(part, wanted & ~self._cast[part])
        self._cast[:passes, wanted] = True
        inside = (slice(1, -1), slice(1, -1))
        first, difference = self._sums[0][inside], np.abs(self._difference[inside]) / np.float32(passes)
        by_chance = np.sqrt(np.maximum(self._squares[inside] - np.square(first), 0)) * np.float32(_OF_SPREAD * passes**-FALLS)
        return self._sums[:passes].sum(axis=0)[inside] / np.float32(passes), np.maximum(difference, by_chance)

    def _cast_pass(self, part: int, where: NDArray[np.bool_]) -> None:
        """Cast the rays of one pass in some pixels, and add them to what the pixels around see."""
        rows, columns = np.nonzero(where)
        if not len(rows):
            return
        values = np.zeros((*where.shape, 3), dtype=np.float32)
        for number, ((x, y), kernel) in enumerate(zip(lattice(part), kernels(lattice(part)), strict=True)):
            if time.monotonic() > self._until:
                raise ViewTooSlowError(f"rays at its outlines were not done within {self._may_take_sec:.3g} s")
            values[rows, columns] = self._guide.along(self._centre, self._directions(columns + x, rows + y))
            seen = cv2.filter2D(values, -1, kernel, borderType=cv2.BORDER_CONSTANT)
            self._sums[part] += seen
            if part == 0:
                self._difference += -seen if number % 2 else seen
                self._squares += cv2.filter2D(np.square(values), -1, kernel, borderType=cv2.BORDER_CONSTANT)

    def _directions(self, columns: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """(R, 3) through places of the picture, in the CAD's axes."""
        return self._scene.directions_in_cad(self._view, columns + (self._left - 1), rows + (self._top - 1))
