"""Writes shapes as PLY, STL and OBJ with its materials and textures, byte for byte the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Shape:
    """A part of a CAD.

    Attributes:
        vertices: (V, 3) mm.
        faces: (F, 3) indices into ``vertices``.
        normals: (V, 3) unit normals, or None for flat shading.
        uv: (V, 2) texture coordinates, origin at the lower left, or None.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    normals: NDArray[np.float64] | None = None
    uv: NDArray[np.float64] | None = None

    def moved(self, *by: float) -> Shape:
        """The shape elsewhere."""
        return Shape(self.vertices + np.array(by), self.faces, self.normals, self.uv)

    def flat(self) -> Shape:
        """With the normals of its faces, each corner a vertex of its own."""
        corners = self.vertices[self.faces]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
        uv = None if self.uv is None else self.uv[self.faces].reshape(-1, 2)
        return Shape(corners.reshape(-1, 3), np.arange(self.faces.size).reshape(-1, 3), np.repeat(normals, 3, axis=0), uv)

    def smooth(self) -> Shape:
        """With normals that are the mean of the faces around a vertex, weighted by their areas."""
        corners = self.vertices[self.faces]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = np.zeros_like(self.vertices)
        for corner in range(3):
            np.add.at(normals, self.faces[:, corner], across)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        return Shape(self.vertices, self.faces, normals, self.uv)


@dataclass(frozen=True)
class Surface:
    """A material of an OBJ file.

    Attributes:
        mtl: its statements, such as ``Kd 0.8 0.8 0.8``.
        texture: (H, W, 3) uint8 RGB that replaces its Kd, or None.
    """

    mtl: str
    texture: NDArray[np.uint8] | None = None


def joined(shapes: Sequence[Shape]) -> Shape:
    """Shapes as one; normals are kept where all have them."""
    starts = np.cumsum([0, *(len(shape.vertices) for shape in shapes)])
    faces = np.concatenate([shape.faces + start for shape, start in zip(shapes, starts, strict=False)])
    normals = [shape.normals for shape in shapes if shape.normals is not None]
    vertices = np.concatenate([shape.vertices for shape in shapes])
    return Shape(vertices, faces, np.concatenate(normals) if len(normals) == len(shapes) else None)


def write_ply(path: Path, shape: Shape, colors: NDArray[Any] | Sequence[int] | None = None) -> Path:
    """A binary PLY.

    Args:
        path: of the file.
        shape: to write.
        colors: (V, 3) or (3,) sRGB of the vertices, 0 to 255, or None for a CAD without colours.
    """
    fields: list[tuple[str, str]] = [(axis, "<f4") for axis in "xyz"]
    fields += [("n" + axis, "<f4") for axis in "xyz"] if shape.normals is not None else []
    fields += [(channel, "u1") for channel in ("red", "green", "blue")] if colors is not None else []
    rows = np.empty(len(shape.vertices), dtype=fields)
    for column, axis in enumerate("xyz"):
        rows[axis] = shape.vertices[:, column]
        if shape.normals is not None:
            rows["n" + axis] = shape.normals[:, column]
    if colors is not None:
        channels = np.broadcast_to(np.asarray(colors), (len(shape.vertices), 3))
        rows["red"], rows["green"], rows["blue"] = channels.T
    faces = np.empty(len(shape.faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, shape.faces
    names = "".join(f"property {'uchar' if kind == 'u1' else 'float'} {name}\n" for name, kind in fields)
    header = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(rows)}\n{names}"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    path.write_bytes(header.encode() + rows.tobytes() + faces.tobytes())
    return path


def write_stl(path: Path, shape: Shape) -> Path:
    """A binary STL."""
    rows = np.zeros(len(shape.faces), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    rows["corners"] = shape.vertices[shape.faces]
    path.write_bytes(b"\0" * 80 + np.uint32(len(rows)).tobytes() + rows.tobytes())
    return path


def write_obj(path: Path, parts: Sequence[tuple[Shape, Surface]]) -> Path:
    """An OBJ of one object with a material a part, its MTL and its textures beside it.

    Where a part has normals, all get some: the stock procedure's importer shades those without as smooth, and ours as flat.
    """
    if any(shape.normals is not None for shape, _ in parts):
        parts = [(shape.flat() if shape.normals is None else shape, surface) for shape, surface in parts]
    lines, materials = [f"mtllib {path.stem}.mtl"], []
    start = {"v": 1, "vt": 1, "vn": 1}
    for number, (shape, surface) in enumerate(parts):
        materials.append(f"newmtl part{number}\n{surface.mtl}")
        if surface.texture is not None:
            name = f"{path.stem}_{number}.png"
            cv2.imwrite(str(path.with_name(name)), np.ascontiguousarray(surface.texture[..., ::-1]))
            materials.append(f"map_Kd {name}")
        given = {"v": shape.vertices, "vt": shape.uv, "vn": shape.normals}
        for kind, rows in given.items():
            lines += [] if rows is None else [f"{kind} " + " ".join(f"{number:.6f}" for number in row) for row in rows.tolist()]
        lines.append(f"usemtl part{number}")
        for face in shape.faces.tolist():
            corners = (["" if given[kind] is None else str(corner + start[kind]) for kind in given] for corner in face)
            lines.append("f " + " ".join("/".join(corner).rstrip("/") for corner in corners))
        for kind, rows in given.items():
            start[kind] += 0 if rows is None else len(rows)
    path.with_suffix(".mtl").write_text("\n".join(materials) + "\n")
    path.write_text("\n".join(lines) + "\n")
    return path
