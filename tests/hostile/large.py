"""Files that are large, or ask for much."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.case import Case, Maker, sparse
from tests.hostile.files import (
    obj,
    ply_header,
)


def large_cases(scale: float) -> Iterator[Case]:
    def repeated(piece: bytes, size: float, before: bytes = b"", after: bytes = b"") -> Maker:
        return lambda path: path.write_bytes(before + piece * int(size * scale / len(piece)) + after)

    def ten_million_faces(path: Path) -> None:
        with path.open("wb") as file:
            file.write(b"\0" * 80 + struct.pack("<I", 10_000_000))
            file.truncate(84 + 50 * 10_000_000)

    def numbered(piece: Callable[[int], bytes], count: float, before: bytes, after: bytes = b"") -> Maker:
        return lambda path: path.write_bytes(before + b"".join(map(piece, range(int(count * scale)))) + after)

    def small(number: int) -> bytes:
        x, y = number % 1000, number // 1000
        return b"v %d %d 0\nv %d.5 %d 1\nv %d %d.5 0\nf -3 -2 -1\n" % (x, y, x, y, x, y)

    solid = obj().encode()
    yield Case("large", "ten-million-faces", ".stl", ten_million_faces)
    yield Case("large", "terabyte", ".stl", sparse(2**40))
    yield Case("large", "line", ".obj", repeated(b"1 ", 100e6, solid + b"f "))
    yield Case("large", "vertex-line", ".obj", repeated(b"1 ", 100e6, b"v ", b"\n" + solid))
    yield Case("large", "comment-line", ".obj", repeated(b"x", 100e6, b"# ", b"\n" + solid), "either")
    yield Case("large", "continued-line", ".obj", repeated(b"1 \\\n", 100e6, solid + b"f "))
    yield Case("large", "newlines", ".obj", repeated(b"\n", 100e6, b"", solid), "either")
    yield Case("large", "faces", ".obj", repeated(b"f 1 2 3\n", 60e6, solid), "either")
    yield Case("large", "objects", ".obj", numbered(lambda i: b"o part%d\n%b" % (i, small(i)), 1e6, b""), "rendered")
    yield Case("large", "groups", ".obj", numbered(lambda i: b"g part%d\ns %d\n%b" % (i, i, small(i)), 5e5, b""), "rendered")
    yield Case("large", "same-face", ".obj", repeated(b"f 1 2 3\n", 8e6, solid))
    yield Case("large", "near-faces", ".obj", numbered(lambda i: b"v 9.%d 30 9\nf 1 2 -1\n" % i, 1e6, solid))
    yield Case("large", "materials", ".obj", numbered(lambda i: b"usemtl m%d\n%b" % (i, small(i)), 1e6, b""), "either")
    yield Case("large", "libraries", ".obj", numbered(lambda i: b"mtllib m%d.mtl\n" % i, 1e6, b"", solid))
    yield Case(
        "large",
        "elements",
        ".ply",
        numbered(lambda i: b"element e%d 1\nproperty int x\n" % i, 1e6, b"ply\nformat ascii 1.0\n", b"end_header\n"),
    )
    yield Case("large", "zeros", ".ply", repeated(b"0 ", 100e6, ply_header("ascii", 4_000_000, 1)))
    yield Case(
        "large", "polygon", ".ply", repeated(b"0 1 2 3 ", 20e6, ply_header("ascii", 4, 1, count="int") + b"0 0 0\n9 0 0\n0 9 0\n0 0 9\n4 ")
    )
    yield Case("large", "solids", ".stl", repeated(b"solid a\nendsolid a\n", 20e6))
    yield Case("large", "facets", ".stl", repeated(b"facet normal 0 0 0 endfacet ", 50e6, b"solid a\n", b"\nendsolid a\n"))
    yield Case("large", "nul", ".stl", repeated(b"\0", 100e6))
    yield Case("large", "white", ".stl", repeated(b" ", 100e6, b"solid a\nfacet normal 0 0", b"\nendsolid a\n"))
