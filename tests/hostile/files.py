"""Small good files of every format, to be spoiled."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

VERTICES = [(-30, -20, -10), (40, -20, -10), (5, 25, -10), (0, 0, 30)]
TRIANGLES = [(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)]


def ply_header(form: str, vertices: object = 4, faces: object = 4, *, count: str = "uchar", index: str = "int", extra: str = "") -> bytes:
    """A header of points and faces."""
    return (
        f"ply\nformat {form} 1.0\n{extra}element vertex {vertices}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {faces}\nproperty list {count} {index} vertex_indices\nend_header\n"
    ).encode()


def ply_rows(order: str = "<", vertices: object = None, faces: object = None, count: str = "B", index: str = "i") -> bytes:
    """Binary data for it."""
    points = VERTICES if vertices is None else vertices
    polygons = TRIANGLES if faces is None else faces
    rows = b"".join(struct.pack(order + "3f", *point) for point in points)  # type: ignore[attr-defined]
    return rows + b"".join(struct.pack(f"{order}{count}{len(f)}{index}", len(f), *f) for f in polygons)  # type: ignore[attr-defined]


def ascii_ply(vertices: object = None, faces: object = None) -> str:
    """The same as text."""
    points = VERTICES if vertices is None else vertices
    polygons = TRIANGLES if faces is None else faces
    rows = [" ".join(map(str, point)) for point in points]  # type: ignore[attr-defined]
    rows += [" ".join(map(str, (len(polygon), *polygon))) for polygon in polygons]  # type: ignore[attr-defined]
    return ply_header("ascii", len(points), len(polygons)).decode() + "\n".join(rows) + "\n"  # type: ignore[arg-type]


def obj(vertices: object = None, faces: object = None, before: str = "", between: str = "") -> str:
    """The solid as OBJ; ``faces`` as text, from 1."""
    points = VERTICES if vertices is None else vertices
    lines = [f"v {' '.join(map(str, point))}" for point in points]  # type: ignore[attr-defined]
    polygons = [" ".join(str(i + 1) for i in t) for t in TRIANGLES] if faces is None else faces
    return before + "\n".join(lines) + "\n" + between + "".join(f"f {polygon}\n" for polygon in polygons)  # type: ignore[attr-defined]


def textured_obj(library: str = "a.mtl") -> str:
    """An OBJ whose faces have texture coordinates and a material."""
    faces = [" ".join(f"{i + 1}/{k + 1}" for k, i in enumerate(t)) for t in TRIANGLES]
    return obj(faces=faces, before=f"mtllib {library}\n", between="vt 0 0\nvt 1 0\nvt 0 1\nusemtl m\n")


def textured_ply(texture: str) -> bytes:
    """A PLY with texture coordinates and a ``TextureFile``."""
    header = ply_header("ascii", extra=f"comment TextureFile {texture}\n").decode()
    header = header.replace("property float z\n", "property float z\nproperty float u\nproperty float v\n")
    rows = [f"{' '.join(map(str, point))} 0.{i} 0.5" for i, point in enumerate(VERTICES)]
    rows += ["3 " + " ".join(map(str, triangle)) for triangle in TRIANGLES]
    return (header + "\n".join(rows) + "\n").encode()


def binary_stl(corners: object = None, count: int | None = None, header: bytes = b"", tail: bytes = b"") -> bytes:
    """A binary STL; ``count`` is what its header says."""
    triangles = [[VERTICES[i] for i in t] for t in TRIANGLES] if corners is None else corners
    rows = b"".join(struct.pack("<12fH", 0, 0, 0, *np.ravel(triangle), 0) for triangle in triangles)  # type: ignore[attr-defined]
    return header.ljust(80, b" " if header else b"\0") + struct.pack("<I", len(rows) // 50 if count is None else count) + rows + tail


def ascii_stl(corners: object = None) -> str:
    """The same as text."""
    triangles = [[VERTICES[i] for i in t] for t in TRIANGLES] if corners is None else corners
    facets = "".join(
        "facet normal 0 0 1\n outer loop\n"
        + "".join(f"  vertex {' '.join(map(str, corner))}\n" for corner in triangle)
        + " endloop\nendfacet\n"
        for triangle in triangles  # type: ignore[attr-defined]
    )
    return f"solid part\n{facets}endsolid part\n"


def mixed_ply(order: str = "<") -> bytes:
    """Triangles and a square in one file."""
    faces = [(0, 1, 2, 3), *TRIANGLES]
    form = "binary_little_endian" if order == "<" else "binary_big_endian"
    return ply_header(form, 4, 5) + ply_rows(order, faces=faces)


GOOD: dict[str, bytes] = {
    "little.ply": ply_header("binary_little_endian") + ply_rows("<"),
    "big.ply": ply_header("binary_big_endian") + ply_rows(">"),
    "mixed.ply": mixed_ply(),
    "ascii.ply": ascii_ply().encode(),
    "coords.ply": textured_ply("a.png"),
    "binary.stl": binary_stl(),
    "ascii.stl": ascii_stl().encode(),
    "plain.obj": obj().encode(),
    "textured.obj": textured_obj().encode(),
}
"""One good file of each form."""


def png(width: int = 4, height: int = 4, mode: str = "RGB", kind: str = "PNG", color: str | int = 0, **options: object) -> bytes:
    """A small image of any kind."""
    stream = io.BytesIO()
    Image.new(mode, (width, height), color).save(stream, kind, **options)
    return stream.getvalue()


def png_claiming(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header claims a size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def zipped(name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)  # Of 1980, whenever it is made.
    return stream.getvalue()
