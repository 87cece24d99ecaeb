"""The base colour of a mesh's surface, as Cycles sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import CadMesh, Wrap


class BaseColor:
    """Linear base colours of the places of a mesh.

    Args:
        mesh: its arrays.
        grey: linear grey that replaces the mesh's own colours, or None.
    """

    def __init__(self, mesh: CadMesh, grey: float | None) -> None:
        self._mesh, self._grey = mesh, grey
        self._plain = np.array([material.base_color for material in mesh.materials], dtype=np.float32)
        self._textured = {
            number: _multiplied(mesh.textures[material.textures["base_color"]])
            for number, material in enumerate(mesh.materials)
            if "base_color" in material.textures and grey is None
        }
        self._multiplied = np.array([material.multiplied for material in mesh.materials])
        self._vertex_colors = None if mesh.vertex_colors is None else linear(mesh.vertex_colors[:, :3].astype(np.float32) / 255)

    def at(self, faces: NDArray[Any], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """(R, 3) linear RGB.

        Args:
            faces: (R,) indices.
            weights: (R, 3) barycentric, of the faces' corners.
        """
        if self._grey is not None:
            return np.full((len(faces), 3), self._grey, dtype=np.float32)
        materials = self._mesh.face_materials[faces]
        if self._vertex_colors is None:
            colors = self._plain[materials]
        else:
            colors = np.einsum("rk,rkc->rc", weights, self._vertex_colors[self._mesh.faces[faces]])
            if self._multiplied.any():
                colors[self._multiplied[materials]] *= self._plain[materials[self._multiplied[materials]]]
        for number, image in self._textured.items():
            of_it = materials == number
            if of_it.any():
                wrap = self._mesh.materials[number].wrap
                texture = self._from_image(image, wrap, faces[of_it], weights[of_it])
                colors[of_it] = texture * colors[of_it] if self._multiplied[number] else texture
        return colors

    def _from_image(self, image: NDArray[np.uint8], wrap: Wrap, faces: NDArray[Any], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Four pixels interpolated, as they are stored: only what comes out is made linear."""
        if self._mesh.corner_uv is None:
            u, v = np.zeros((2, len(faces)))
        else:
            u, v = np.einsum("rk,rkc->cr", weights.astype(np.float64), self._mesh.corner_uv[faces].astype(np.float64))
        height, width = image.shape[:2]
        x, y = u * width - 0.5, (1 - v) * height - 0.5  # The first row is on top.
        left, top = np.floor(x), np.floor(y)
        share_x, share_y = ((x - left)[:, None]).astype(np.float32), ((y - top)[:, None]).astype(np.float32)
        columns = [_within(left.astype(np.int64) + right, width, wrap) for right in (0, 1)]
        rows = [_within(top.astype(np.int64) + down, height, wrap) * width for down in (0, 1)]
        pixels = image.reshape(-1, 3)

        def pixel(down: int, right: int) -> NDArray[np.float32]:
            return np.take(pixels, rows[down] + columns[right], axis=0).astype(np.float32)

        upper = pixel(0, 0) * (1 - share_x) + pixel(0, 1) * share_x
        lower = pixel(1, 0) * (1 - share_x) + pixel(1, 1) * share_x
        return linear((upper * (1 - share_y) + lower * share_y) / 255)


def _within(places: NDArray[np.int64], size: int, wrap: Wrap) -> NDArray[np.int64]:
    """The columns, or rows, of an image that are seen at places which may be beyond its edges."""
    if wrap == "clamp":
        return np.clip(places, 0, size - 1)
    if wrap == "repeat":
        return places % size
    turned = places % (2 * size)
    return np.minimum(turned, 2 * size - 1 - turned)


def _multiplied(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3): where an image (H, W, 4) has an alpha channel, Cycles multiplies its colours by it when it reads them, in 8 bits."""
    alpha = image[..., 3:].astype(np.uint16)
    return np.ascontiguousarray(image[..., :3] * alpha // 255, dtype=np.uint8)


def linear(srgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear of sRGB, both 0..1, as IEC 61966-2-1 defines it."""
    dark = srgb <= np.float32(0.04045)
    return np.where(dark, srgb / np.float32(12.92), ((srgb + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)).astype(np.float32)
