"""CADs that are hard to trace, by kind and size, and ordinary ones that are only large.

``python -m bench.hard_cads KIND SIZE FILE`` writes one as binary PLY, or as OBJ with its MTL where the kind has a material.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = tuple[NDArray[np.float64], NDArray[np.int32]]
"""(V, 3) vertices in mm, about 100 mm across, and (F, 3) faces."""

_SEED = 20261124


def layers(size: int) -> Arrays:
    """``size`` squares of nearly one size in one tilted plane: a ray that meets one meets all."""
    scale = 1 + np.random.default_rng(_SEED).uniform(-0.02, 0.02, size)
    square = np.array([[-50.0, -50, -5], [50, -50, 5], [50, 50, 5], [-50, 50, -5]])
    return _copies(scale[:, None, None] * square, np.array([[0, 1, 2], [0, 2, 3]]))


def needles(size: int) -> Arrays:
    """``size`` long thin triangles in all directions: their boxes are large, and all overlap."""
    chance = np.random.default_rng(_SEED)
    ends = chance.normal(size=(2, size, 3))
    ends *= 50 / np.linalg.norm(ends, axis=-1, keepdims=True)
    third = ends[0] + chance.normal(size=(size, 3)) * 0.05
    return _copies(np.stack([ends[0], ends[1], third], axis=1), np.array([[0, 1, 2]]))


def slivers(size: int) -> Arrays:
    """``size`` diagonal slivers side by side, as a badly tessellated sheet has them."""
    offset = np.linspace(-25, 25, size)
    step = 50 / size
    corners = np.zeros((size, 4, 3))
    corners[:, 0] = corners[:, 1] = [-35, -35, -10]
    corners[:, 2] = corners[:, 3] = [35, 35, 10]
    corners[:, :, 0] += (offset[:, None]) + np.array([0, step, step, 0])
    corners[:, :, 1] -= offset[:, None]
    return _copies(corners, np.array([[0, 1, 2], [0, 2, 3]]))


def shells(size: int) -> Arrays:
    """``size`` nested spheres, one a thousandth inside the other."""
    points, faces = _sphere(24, 48)
    radii = 50 * (1 - 1e-3 * np.arange(size) / max(1, size // 1000))
    return _copies(radii[:, None, None] * points, faces)


def coincident(size: int) -> Arrays:
    """``size`` copies of one box in one place."""
    points, faces = _box()
    return _copies(np.repeat(points[None] * 40, size, axis=0), faces)


def fan(size: int) -> Arrays:
    """A tilted disc of ``size`` triangles that share one corner."""
    angle = np.linspace(0, 2 * np.pi, size, endpoint=False)
    ring = 50 * np.stack([np.cos(angle), np.sin(angle), 0.3 * np.sin(2 * angle)], axis=-1)
    index = np.arange(size)
    faces = np.stack([np.full(size, size), index, (index + 1) % size], axis=-1)
    return np.concatenate([ring, [[0.0, 0, 5]]]), faces.astype(np.int32)


def cavities(size: int) -> Arrays:
    """A plate with ``size`` x ``size`` deep narrow pits: light gets out after many bounces."""
    points, faces = _box()
    inward = faces[2:, ::-1]  # Open at the top, and seen from the inside.
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1).reshape(-1, 1, 2) + 0.5
    corners = np.repeat(points[None].copy(), size * size, axis=0)
    corners[:, :, :2] = (corners[:, :, :2] / 2 + grid - size / 2) * (80 / size)
    corners[:, :, 2] *= 25
    return _copies(corners, inward)


def dust(size: int) -> Arrays:
    """``size`` tiny faces within a pixel, between two plates that set the scale."""
    chance = np.random.default_rng(_SEED)
    specks = _copies(chance.normal(size=(size, 3, 3)) * 0.02, np.array([[0, 1, 2]]))
    points, faces = _box()
    plates = _copies(points * np.array([50, 50, 1]) + np.array([[[0, 0, -40]], [[0, 0, 40]]]), faces)
    return _joined(specks, plates)


def glass(size: int) -> Arrays:
    """``size`` parallel sheets; with a transparent material light passes all of them."""
    height = np.linspace(-30, 30, size)
    square = np.array([[-45.0, -45, 0], [45, -45, 0], [45, 45, 0], [-45, 45, 0]])
    sheets = np.repeat(square[None], size, axis=0)
    sheets[:, :, 2] = height[:, None]
    return _copies(sheets, np.array([[0, 1, 2], [0, 2, 3]]))


def ball(size: int) -> Arrays:
    """An ordinary large CAD: a rough ball of about ``size`` faces."""
    rows = max(4, round((size / 4) ** 0.5))
    points, faces = _sphere(rows, 2 * rows)
    rough = 1 + 0.05 * np.sin(9 * points[:, :1]) * np.cos(7 * points[:, 1:2]) + 0.002 * np.sin(90 * points).sum(axis=1, keepdims=True)
    return points * rough * 45, faces


def parts(size: int) -> Arrays:
    """An ordinary large CAD: an assembly of about ``size`` faces, of small balls side by side."""
    points, faces = _sphere(16, 32)
    count = max(1, round((size / len(faces)) ** (1 / 3)))
    axis = (np.arange(count) + 0.5 - count / 2) * (60 / count)
    places = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 1, 3)
    return _copies(points * (28 / count) + places, faces)


SLOW: dict[str, Callable[[int], Arrays]] = {
    made.__name__: made for made in (layers, needles, slivers, shells, coincident, fan, cavities, dust, glass)
}
"""Kinds that may take far longer than their size says."""

ORDINARY: dict[str, Callable[[int], Arrays]] = {made.__name__: made for made in (ball, parts)}
"""Kinds that must be rendered however large they are."""

_MATERIALS = {"glass": "d 0.05\nNs 1000\nKd 0.9 0.9 0.9\n", "cavities": "Kd 1 1 1\nKs 1 1 1\nNs 1000\n"}


def write(kind: str, size: int, folder: Path) -> Path:
    """Write a CAD.

    Args:
        kind: of ``SLOW`` or ``ORDINARY``.
        size: what the kind takes it for.
        folder: for the file.

    Returns:
        The file: a binary PLY, or an OBJ where the kind has a material.
    """
    vertices, faces = {**SLOW, **ORDINARY}[kind](size)
    if kind not in _MATERIALS:
        path = folder / f"{kind}-{size}.ply"
        path.write_bytes(_ply(vertices, faces))
        return path
    path = folder / f"{kind}-{size}.obj"
    path.with_suffix(".mtl").write_text(f"newmtl {kind}\n{_MATERIALS[kind]}")
    lines = [f"mtllib {path.stem}.mtl", f"usemtl {kind}"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    lines += [f"f {a} {b} {c}" for a, b, c in faces + 1]
    path.write_text("\n".join(lines) + "\n")
    return path


def _ply(vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> bytes:
    axes = "".join(f"property float {axis}\n" for axis in "xyz")
    header = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\n{axes}"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = np.empty(len(faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    rows["count"], rows["corners"] = 3, faces
    return header.encode() + vertices.astype("<f4").tobytes() + rows.tobytes()


def _copies(corners: NDArray[np.float64], faces: NDArray[np.generic]) -> Arrays:
    """Copies (N, V, 3) of one thing with faces (F, 3) as one mesh."""
    count, each = corners.shape[:2]
    shifted = np.asarray(faces, dtype=np.int32)[None] + (np.arange(count, dtype=np.int32) * each)[:, None, None]
    return corners.reshape(-1, 3), shifted.reshape(-1, 3)


def _joined(first: Arrays, second: Arrays) -> Arrays:
    return np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1] + np.int32(len(first[0]))])


def _box() -> Arrays:
    """A box from -1 to 1; its first two faces are the top."""
    points = np.array([[x, y, z] for z in (-1.0, 1) for y in (-1.0, 1) for x in (-1.0, 1)])
    faces = [
        [4, 5, 7],
        [4, 7, 6],
        [0, 2, 3],
        [0, 3, 1],
        [0, 1, 5],
        [0, 5, 4],
        [1, 3, 7],
        [1, 7, 5],
        [3, 2, 6],
        [3, 6, 7],
        [2, 0, 4],
        [2, 4, 6],
    ]
    return points, np.array(faces, dtype=np.int32)


def _sphere(rows: int, columns: int) -> Arrays:
    """A sphere of radius 1."""
    down, around = np.meshgrid(np.linspace(0, np.pi, rows + 1), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij")
    points = np.stack([np.sin(down) * np.cos(around), np.sin(down) * np.sin(around), np.cos(down)], axis=-1).reshape(-1, 3)
    row, column = (index.ravel() for index in np.mgrid[0:rows, 0:columns])
    a, b = row * columns + column, row * columns + (column + 1) % columns
    faces = np.concatenate([np.stack([a, a + columns, b + columns], -1), np.stack([a, b + columns, b], -1)])
    used = np.linalg.norm(np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]]), axis=1) > 1e-12
    return points, faces[used].astype(np.int32)


if __name__ == "__main__":
    sys.stdout.write(f"{write(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))}\n")
