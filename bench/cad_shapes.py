"""Shapes that CADs of the quality set are built of. Units are mm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.cad_files import Shape, joined

Floats = NDArray[np.float64]


def loft(rings: Floats, *, close: bool) -> Shape:
    """Rings (R, C, 3) of points joined to a surface; ``close`` joins the last ring with the first."""
    count, around = rings.shape[:2]
    row, column = (index.ravel() for index in np.mgrid[0 : count if close else count - 1, 0:around])
    a, b = row * around + column, row * around + (column + 1) % around
    c, d = (row + 1) % count * around + column, (row + 1) % count * around + (column + 1) % around
    faces = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)])
    vertices = rings.reshape(-1, 3)
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    faces = faces[np.linalg.norm(across, axis=1) > 1e-12]
    middle = vertices.mean(axis=0)
    outward = float(np.einsum("ij,ij->", across, corners[:, 0] - middle))
    return Shape(vertices, faces if outward > 0 else faces[:, ::-1])


def turned(profile: Sequence[tuple[float, float]], around: int = 96, *, close: bool = True) -> Shape:
    """A profile of (radius, z) turned about z."""
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    radius, height = np.array(profile, dtype=float).T
    rings = np.stack(
        [radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle), np.broadcast_to(height[:, None], (len(radius), around))], -1
    )
    return loft(rings, close=close)


def gear(teeth: int, radius: float, depth: float, height: float, bore: float) -> Shape:
    """A spur gear about z, four points a tooth."""
    angle = np.linspace(0, 2 * np.pi, 4 * teeth, endpoint=False)
    outer = np.tile([radius - depth, radius, radius, radius - depth], teeth)
    circle = np.stack([np.cos(angle), np.sin(angle)], -1)

    def ring(radii: Floats, z: float) -> Floats:
        return np.concatenate([circle * radii[:, None], np.full((len(angle), 1), z)], axis=1)

    inner, half = np.full(len(angle), bore), height / 2
    return loft(np.stack([ring(inner, -half), ring(outer, -half), ring(outer, half), ring(inner, half)]), close=True)


def box(x: float, y: float, z: float) -> Shape:
    """A box around the origin; four vertices a side, each side with the whole texture."""
    sides = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            u, v = np.eye(3)[[(axis + 1) % 3, (axis + 2) % 3]]
            normal = sign * np.eye(3)[axis]
            corners = np.array([normal + su * u * sign + sv * v for su, sv in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
            sides.append(corners * np.array([x, y, z]) / 2)
    faces = np.concatenate([np.array([[0, 1, 2], [0, 2, 3]]) + 4 * side for side in range(6)])
    return Shape(np.concatenate(sides), faces, uv=np.tile([[0.0, 0], [1, 0], [1, 1], [0, 1]], (6, 1)))


def drilled(columns: int, rows: int, pitch: float, hole: float, height: float, around: int = 32) -> Shape:
    """A block of ``columns`` x ``rows`` squares of ``pitch``, each with a hole of radius ``hole`` through it."""
    angle = (np.arange(around) + 0.5) * 2 * np.pi / around + np.pi / 4
    circle = np.stack([np.cos(angle), np.sin(angle)], -1)
    corners = np.pi / 4 + np.pi / 2 * np.round((angle - np.pi / 4) / (np.pi / 2))
    near = np.abs(angle - corners) < np.pi / around * 1.01
    square = circle / np.abs(circle).max(axis=1, keepdims=True)
    square[near] = np.sign(square[near])
    half, z = pitch / 2, np.full((around, 1), height / 2)
    flat = [(circle * hole, -z), (square * half, -z), (square * half, z), (circle * hole, z)]
    cell = loft(np.stack([np.concatenate([points, level], axis=1) for points, level in flat]), close=True)
    places = [((i - (columns - 1) / 2) * pitch, (j - (rows - 1) / 2) * pitch) for i in range(columns) for j in range(rows)]
    return joined([cell.moved(x, y, 0.0) for x, y in places])


def pits(columns: int, rows: int, pitch: float, hole: float, depth: float) -> Shape:
    """As ``drilled``, closed below: deep pits."""
    block = drilled(columns, rows, pitch, hole, depth)
    floor = box(columns * pitch, rows * pitch, 2.0).moved(0.0, 0.0, -depth / 2 - 1.01)
    return joined([block, floor])


def rod(start: Sequence[float], end: Sequence[float], radius: float, sides: int = 8) -> Shape:
    """A straight wire, open at its ends."""
    first, last = np.array(start, dtype=float), np.array(end, dtype=float)
    along = (last - first) / np.linalg.norm(last - first)
    side = np.cross(along, np.eye(3)[np.abs(along).argmin()])
    side /= np.linalg.norm(side)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)[:, None]
    ring = radius * (np.cos(angle) * side + np.sin(angle) * np.cross(along, side))
    return loft(np.stack([first + ring, last + ring]), close=False)


def lattice(count: int, size: float, radius: float) -> Shape:
    """Wires along all three axes through a cube, ``count`` x ``count`` of them along each."""
    places, half = np.linspace(-size / 2, size / 2, count), size / 2
    wires = []
    for axis in range(3):
        for u in places:
            for v in places:
                ends = np.array([np.roll([end, u, v], axis) for end in (-half, half)])
                wires.append(rod(ends[0], ends[1], radius, 5))
    return joined(wires)


def knot(thickness: float = 8.0, along: int = 360, around: int = 32) -> Shape:
    """A smooth tube along a trefoil knot, 120 mm across; it shadows and mirrors itself."""
    t = np.linspace(0, 2 * np.pi, along, endpoint=False)
    centre = np.stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)], axis=1) * 18
    tangent = np.roll(centre, -1, axis=0) - np.roll(centre, 1, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.cross(tangent, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, tangent)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    ring = side[:, None] * np.cos(angle)[None, :, None] + up[:, None] * np.sin(angle)[None, :, None]
    return loft(centre[:, None] + ring * thickness, close=True).smooth()


def knurled(radius: float, height: float, rows: int, around: int) -> Shape:
    """A handle with a diamond pattern in its middle and a thread at its ends, 0.6 mm deep."""
    z, angle = np.linspace(-height / 2, height / 2, rows), np.linspace(0, 2 * np.pi, around, endpoint=False)
    turns, up = np.meshgrid(angle, z)
    diamond = np.abs(np.sin(30 * turns + 1.5 * up)) + np.abs(np.sin(30 * turns - 1.5 * up))
    thread = 1.2 * np.abs((up / 1.5 + turns / (2 * np.pi)) % 1 - 0.5)
    middle = np.abs(up) < height / 5
    r = np.where(middle, radius, 0.7 * radius) + 0.6 * np.where(middle, diamond / 2, thread)
    side = np.stack([r * np.cos(turns), r * np.sin(turns), up], -1)
    narrow = np.array([1e-4, 1e-4, 1])
    return loft(np.concatenate([side[:1] * narrow, side, side[-1:] * narrow]), close=False)


def sphere(rows: int, columns: int, radius: float = 50.0) -> Shape:
    """A sphere with smooth normals and texture coordinates."""
    angle = np.linspace(1e-4, np.pi - 1e-4, rows)
    shape = turned([(radius * float(np.sin(a)), -radius * float(np.cos(a))) for a in angle], columns, close=False)
    return shape.smooth()


def wrapped(profile: Sequence[tuple[float, float]], around: int = 128) -> Shape:
    """A turned profile, smooth, with a texture once around it and once along it."""
    shape = turned([*profile], around, close=False)
    turned_once = np.concatenate([np.arange(around), [0]])
    rows = len(profile)
    rings = shape.vertices.reshape(rows, around, 3)[:, turned_once]
    normals = shape.smooth().normals
    assert normals is not None
    u, v = np.meshgrid(np.linspace(0, 1, around + 1), np.linspace(0, 1, rows))
    row, column = (index.ravel() for index in np.mgrid[0 : rows - 1, 0:around])
    a = row * (around + 1) + column
    faces = np.concatenate([np.stack([a, a + 1, a + around + 1], -1), np.stack([a + 1, a + around + 2, a + around + 1], -1)])
    seam = normals.reshape(rows, around, 3)[:, turned_once].reshape(-1, 3)
    return Shape(rings.reshape(-1, 3), faces, seam, np.stack([u.ravel(), v.ravel()], -1))
