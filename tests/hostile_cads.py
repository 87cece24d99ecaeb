"""Hostile, broken and odd CAD files by the hundred, made anew from fixed seeds: ``corpus()``.

What each may become: ``refused`` with one clear error, ``rendered`` as if nothing were wrong (perhaps with a warning), or
``either``, where the format cannot tell. Never a crash, a stall or a fault of the server's.
"""

from __future__ import annotations

import gzip
import io
import os
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

Outcome = Literal["refused", "rendered", "either"]
Maker = Callable[[Path], object]

VERTICES = [(-30, -20, -10), (40, -20, -10), (5, 25, -10), (0, 0, 30)]
TRIANGLES = [(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)]


@dataclass(frozen=True)
class Case:
    """One file, and what may become of it.

    Attributes:
        kind: class, for the table.
        label: tells it from others of its class.
        suffix: ending of its name.
        make: writes it, and whatever lies beside it, given its path.
        outcome: what may become of it.
    """

    kind: str
    label: str
    suffix: str
    make: Maker
    outcome: Outcome = "refused"

    @property
    def name(self) -> str:
        """Unique and short."""
        return f"{self.kind}-{self.label}{self.suffix}"


def case(kind: str, label: str, suffix: str, data: bytes | str, outcome: Outcome = "refused", **beside: bytes | Maker) -> Case:
    """A case of plain bytes; ``beside`` gives other files of its folder, by name with ``__`` for the dot."""

    def make(path: Path) -> None:
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        for name, content in beside.items():
            other = path.parent / name.replace("__", ".")
            if callable(content):
                content(other)
            else:
                other.write_bytes(content)

    return Case(kind, label, suffix, make, outcome)


# --- good files, to be spoiled ---


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


# --- the classes ---


def _good() -> Iterator[Case]:
    for name, data in GOOD.items():
        yield case("good", Path(name).stem, Path(name).suffix, data, "rendered")


def _truncated() -> Iterator[Case]:
    for name, data in GOOD.items():
        suffix = Path(name).suffix
        for percent in range(0, 100, 5):
            # An OBJ has no end mark and no counts: half of one may be a whole one.
            outcome: Outcome = "either" if suffix == ".obj" and percent else "refused"
            yield case("truncated", f"{Path(name).stem}-{percent:02}", suffix, data[: len(data) * percent // 100], outcome)


def _headers() -> Iterator[Case]:
    for count in ("2147483648", "4294967295", "9223372036854775807", "1" + "0" * 30, "-1", "1.5", "0x10", "1_0", "", "four", "5", "3", "0"):
        for form, rows in (("ascii", ascii_ply().encode().split(b"end_header\n")[1]), ("binary_little_endian", ply_rows())):
            tag = f"{form[:3]}-{count[:12] or 'none'}{len(count)}"
            # One vertex more, and a part of the faces' bytes is taken for it: what is left may make sense.
            yield case("header", f"vertices-{tag}", ".ply", ply_header(form, count) + rows, "either" if count == "5" else "refused")
            yield case("header", f"faces-{tag}", ".ply", ply_header(form, 4, count) + rows)
    for length, pack, name in (
        (2**32 - 1, "I", "uint"),
        (2**31 - 1, "i", "int"),
        (-1, "b", "char"),
        (-1, "i", "int"),
        (255, "B", "uchar"),
        (0, "B", "uchar"),
    ):
        head = ply_header("binary_little_endian", count=name)
        bad = struct.pack(f"<{pack}3i", length, 0, 1, 2)
        good = struct.pack(f"<{pack}3i", 3, 0, 1, 2)
        points = ply_rows(faces=[])
        yield case("header", f"list-first-{name}{length}", ".ply", head + points + bad + good * 3)
        yield case("header", f"list-later-{name}{length}", ".ply", head + points + good * 2 + bad + good)
        yield case(
            "header", f"list-ascii-{name}{length}", ".ply", ply_header("ascii", count=name) + b"0 0 0\n" * 4 + b"%d 0 1 2\n" % length * 4
        )
    lines = {
        "no-format": b"ply\nelement vertex 4\nend_header\n",
        "wrong-format": b"ply\nformat binary_middle_endian 1.0\nend_header\n",
        "unknown-type": ply_header("ascii", index="string"),
        "float-length": ply_header("binary_little_endian", count="float") + ply_rows(),
        "twice": ply_header("ascii").replace(b"property float y", b"property float x"),
        "two-vertices": ply_header("ascii").replace(b"element face", b"element vertex"),
        "property-first": b"ply\nformat ascii 1.0\nproperty float x\nend_header\n",
        "list-of-list": ply_header("ascii").replace(b"list uchar int", b"list list uchar int"),
        "endless": b"ply\nformat ascii 1.0\n" + b"comment " + b"x" * 2_000_000,
        "endless-lines": b"ply\nformat ascii 1.0\n" + b"comment x\n" * 300_000,
        "many-elements": b"ply\nformat ascii 1.0\n"
        + b"".join(b"element e%d 1\nproperty int a\n" % i for i in range(40_000))
        + b"end_header\n",
        "many-properties": b"ply\nformat ascii 1.0\nelement vertex 1\n"
        + b"".join(b"property int a%d\n" % i for i in range(40_000))
        + b"end_header\n",
        "empty-lines": b"ply\n\n\n\nend_header\n",
        "only-magic": b"ply",
        "no-end": ply_header("ascii").replace(b"end_header\n", b""),
        "million-rows-of-nothing": b"ply\nformat ascii 1.0\nelement vertex 4000000000\nelement face 4000000000\nend_header\n",
        "no-xyz": ascii_ply().replace("float z", "float w").encode(),
        "points": ply_header("ascii", 4, 0) + b"0 0 0\n" * 4,
        "tail": ply_header("binary_little_endian") + ply_rows() + b"more than was declared",
        "tail-ascii": (ascii_ply() + "3 0 1 2\n").encode(),
        "garbage": b"ply\n" + bytes(range(256)) * 8,
    }
    for label, data in lines.items():
        yield case("header", label, ".ply", data)
    for wrong in (0, 1, 3, 5, 2**31, 2**32 - 1):
        yield case("header", f"stl-{wrong}", ".stl", binary_stl(count=wrong))
        yield case("header", f"stl-solid-{wrong}", ".stl", binary_stl(count=wrong, header=b"solid part"))
    yield case("header", "stl-tail", ".stl", binary_stl(tail=b"\0" * 7))
    yield case("header", "stl-solid", ".stl", binary_stl(header=b"solid part"), "rendered")
    yield case(
        "header",
        "edges",
        ".ply",
        ply_header("ascii").replace(b"end_header", b"element edge 1\nproperty int vertex1\nproperty int vertex2\nend_header")
        + ascii_ply().split("end_header\n")[1].encode()
        + b"0 1\n",
        "rendered",
    )


def _indices() -> Iterator[Case]:
    for index in (4, 5, -1, 2**31 - 1, -(2**31), 2**32 - 1, 2**63, 1.5, float("nan"), float("inf")):
        yield case("index", f"ply-{index}", ".ply", ascii_ply(faces=[(0, 1, index), *TRIANGLES]))
    for index in (4, -1, 2**31 - 1, -(2**31)):
        data = ply_header("binary_little_endian", 4, 5) + ply_rows(faces=[(0, 1, index), *TRIANGLES])
        yield case("index", f"binary-{index}", ".ply", data)
    yield case(
        "index", "unsigned", ".ply", ply_header("binary_little_endian", index="uint") + ply_rows(faces=[(0, 1, 2**32 - 1)] * 4, index="I")
    )
    yield case(
        "index", "double", ".ply", ply_header("binary_little_endian", index="double") + ply_rows(faces=[(0.0, 1.0, 1e300)] * 4, index="d")
    )
    corners = (
        "0",
        "5",
        "-5",
        "-0",
        "9" * 30,
        "-" + "9" * 30,
        "9" * 5000,
        "1.5",
        "0x1",
        "1e1",
        "+1",
        "\uff11",
        "x",
        "//1",
        "/1",
        "1/2/3/4",
        "1/x",
        "--1",
        "1-1",
        "nan",
        "1/0",
        "1/99",
        "1//99",
        "1/-99",
        "$(id)",
        "1,2",
    )
    for place, corner in enumerate(corners):
        # Texture coordinates and normals count only when every corner has one; here the others have none.
        harmless: Outcome = "either" if corner in ("+1", "1/0", "1/99", "1//99", "1/-99") else "refused"
        yield case("index", f"obj-{place:02}", ".obj", obj(faces=[f"1 2 {corner}", "1 2 3", "2 3 4"]), harmless)
        yield case("index", f"obj-all-{place:02}", ".obj", obj(faces=[f"{corner} {corner} {corner}"], between="vt 0 0\nvn 0 0 1\n"))
    yield case("index", "obj-empty", ".obj", obj(faces=["", "1", "1 2"]))
    yield case("index", "obj-forward", ".obj", "f 1 2 3\nf 1 2 4\n" + obj(), "rendered")


NUMBERS = {
    "nan": "refused",
    "inf": "refused",
    "-inf": "refused",
    "1e400": "refused",
    "1e308": "refused",
    "1e39": "refused",
    "1e-320": "rendered",
    "-0.0": "rendered",
    "0x1p3": "refused",
    "1,5": "refused",
    "NaN(ind)": "refused",
    "1.#IND": "refused",
    "1e": "refused",
    "--1": "refused",
    "1" * 4000: "refused",
    "0." + "1" * 4000: "rendered",
    "\u0661": "refused",
}


def _numbers() -> Iterator[Case]:
    for place, (number, outcome) in enumerate(NUMBERS.items()):
        vertices = [(number, 0, 0), *VERTICES[1:]]
        corners = [[vertices[i] for i in triangle] for triangle in TRIANGLES]
        yield case("number", f"ply-{place:02}", ".ply", ascii_ply(vertices), outcome)  # type: ignore[arg-type]
        yield case("number", f"obj-{place:02}", ".obj", obj(vertices), outcome)  # type: ignore[arg-type]
        yield case("number", f"stl-{place:02}", ".stl", ascii_stl(corners), outcome)  # type: ignore[arg-type]
    for bits in (0x7FC00000, 0xFFC00000, 0x7F800000, 0xFF800000, 0x7F7FFFFF, 0x00000001):
        value = struct.unpack("<f", struct.pack("<I", bits))[0]
        vertices = [(value, 0, 0), *VERTICES[1:]]
        outcome = "rendered" if bits == 1 else "refused"
        yield case("number", f"binary-ply-{bits:08x}", ".ply", ply_header("binary_little_endian") + ply_rows(vertices=vertices), outcome)  # type: ignore[arg-type]
        corners = [[vertices[i] for i in triangle] for triangle in TRIANGLES]
        yield case("number", f"binary-stl-{bits:08x}", ".stl", binary_stl(corners), outcome)  # type: ignore[arg-type]


def _degenerate() -> Iterator[Case]:
    shapes: dict[str, tuple[list[tuple[float, ...]], Outcome]] = {
        "point": ([(7, 7, 7)] * 4, "refused"),
        "line": ([(0, 0, 0), (1, 1, 1), (2, 2, 2), (9, 9, 9)], "refused"),
        "denormal": ([(x * 1e-310, y * 1e-310, z * 1e-310) for x, y, z in VERTICES], "refused"),
        "tiny": ([(x * 1e-30, y * 1e-30, z * 1e-30) for x, y, z in VERTICES], "refused"),
        "huge": ([(x * 1e30, y * 1e30, z * 1e30) for x, y, z in VERTICES], "refused"),
        "huge-square": ([(x * 1e200, y * 1e200, z * 1e200) for x, y, z in VERTICES], "refused"),
        "far-and-small": ([(1e12 + x * 1e-5, y * 1e-5, z * 1e-5) for x, y, z in VERTICES], "refused"),
        "flat": ([(x, y, 0) for x, y, z in VERTICES], "rendered"),
        "needle": ([(x, y * 1e-5, z * 1e-5) for x, y, z in VERTICES], "rendered"),
    }
    for label, (vertices, outcome) in shapes.items():
        corners = [[vertices[i] for i in triangle] for triangle in TRIANGLES]
        for suffix, data in ((".ply", ascii_ply(vertices)), (".obj", obj(vertices)), (".stl", ascii_stl(corners))):
            yield case("degenerate", label, suffix, data, outcome)
    yield case("degenerate", "smooth-one-edge", ".obj", obj(faces=["1 1 1", "1 1 2", "2 3 3", "1 2 3"], between="s 1\n"), "rendered")
    yield case("degenerate", "same-corner", ".obj", obj(faces=["1 1 1", "2 2 3", "3 4 3"]))
    yield case("degenerate", "smooth-same-corner", ".obj", obj(faces=["1 1 2", "1 2 3", "3 2 1"], between="s 1\n"), "rendered")
    yield case("degenerate", "zero-normals", ".obj", obj(faces=["1//1 2//1 3//1"], between="vn 0 0 0\n"), "rendered")
    yield case("degenerate", "nan-normals", ".obj", obj(faces=["1//1 2//1 3//1"], between="vn nan 0 0\n"), "rendered")
    yield case("degenerate", "huge-normals", ".obj", obj(faces=["1//1 2//1 3//1"], between="vn 1e300 1e300 0\n"), "rendered")
    yield case("degenerate", "nan-uv", ".obj", obj(faces=["1/1 2/1 3/1"], between="vt nan inf\n"), "rendered")
    yield case("degenerate", "same-triangle", ".obj", obj(faces=["1 2 3"] * 500), "rendered")
    yield case("degenerate", "nan-colours", ".obj", obj([(*v, "nan", "inf", -1) for v in VERTICES]), "rendered")
    yield case("degenerate", "no-vertices", ".obj", "f 1 2 3\n")
    yield case("degenerate", "ragged-vertices", ".obj", "v 1 2\n" + obj())
    yield case("degenerate", "few-numbers", ".obj", "v\nv 1\n" + obj())


def _text() -> Iterator[Case]:
    texts = {".ply": ascii_ply(), ".obj": obj(), ".stl": ascii_stl()}
    for suffix, text in texts.items():
        for codec in ("utf-8-sig", "utf-16", "utf-32"):
            yield case("text", codec, suffix, text.encode(codec), "rendered")
        yield case("text", "utf-16-be-mark", suffix, b"\xfe\xff" + text.encode("utf-16-be"), "rendered")
        for codec in ("utf-16-le", "utf-16-be", "utf-32-le", "cp037"):
            yield case("text", f"{codec}-bare", suffix, text.encode(codec))
        yield case("text", "utf-16-odd", suffix, text.encode("utf-16")[:-1], "either")
        for label, end in {"cr": "\r", "crlf": "\r\n"}.items():
            yield case("text", label, suffix, text.replace("\n", end), "rendered")
        for label, end in {"lfcr": "\n\r", "vt": "\x0b", "nel": "\x85", "ls": "\u2028", "nul": "\0", "space": " "}.items():
            yield case("text", label, suffix, text.replace("\n", end), "either")
        ends = random.Random(5)
        yield case("text", "mixed", suffix, "".join(line + ends.choice(("\n", "\r\n")) for line in text.splitlines()), "rendered")
        yield case("text", "zeros-after", suffix, text.encode() + b"\0" * 100, "either")
        yield case("text", "zeros-in", suffix, text.encode().replace(b" ", b"\0", 9)[:-1], "either")
        yield case("text", "dos-end", suffix, text + "\x1a", "either")
        yield case("text", "upper", suffix, text.upper(), "either")
        yield case("text", "deep-white", suffix, text.replace(" ", " " * 3000), "rendered")
    yield case("text", "continued", ".obj", obj(faces=["1 \\\n2 \\\r\n3", "2 3 \\\r4"]), "rendered")
    yield case("text", "continued-end", ".obj", obj() + "f 1 2 \\", "either")
    yield case("text", "comments", ".obj", "# \xff\xfe\x00\n".encode("latin-1").replace(b"\0", b"") + obj().encode(), "rendered")
    yield case("text", "utf-7", ".obj", b"usemtl +2AA-\xff\n" + obj().encode(), "rendered")
    yield case("text", "surrogates", ".obj", b"mtllib \xed\xa0\x80.mtl\nusemtl \xed\xa0\x80\n" + obj().encode(), "rendered")
    yield case("text", "polyline", ".obj", obj() + "l 1 2 3\np 1\ncurv 0 1 2\nend\ncall evil.obj\ncsh rm -rf x\n", "rendered")
    yield case("text", "stl-several", ".stl", ascii_stl() * 3, "rendered")
    yield case("text", "stl-names", ".stl", ascii_stl().replace("part", "facet endfacet vertex 1 2"), "either")
    yield case("text", "stl-square", ".stl", ascii_stl([[*VERTICES]]))
    yield case("text", "stl-ind", ".stl", ascii_stl().replace("normal 0 0 1", "normal -1.#IND nan 1e999"), "rendered")


def _zip(name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return stream.getvalue()


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch evil",)


def _confusion() -> Iterator[Case]:
    contents = {
        "empty": b"",
        "byte": b"p",
        "zeros": b"\0" * 1000,
        "zip": _zip("a.ply", GOOD["ascii.ply"]),
        "zip-bomb": _zip("a.ply", b"0" * 30_000_000),
        "gzip": gzip.compress(GOOD["ascii.ply"], mtime=0),
        "pickle": pickle.dumps(_Evil()),
        "png": png(),
        "elf": b"\x7fELF\x02\x01\x01" + b"\0" * 200,
        "html": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "json": b'{"asset": {"version": "2.0"}, "buffers": [{"uri": "http://127.0.0.1:9/x"}]}',
        "gltf": b"glTF\x02\0\0\0\xff\xff\xff\xff",
        "xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "script": b"#!/bin/sh\ntouch evil\n",
        "url": b"http://127.0.0.1:9/part.ply",
        "path": b"/etc/passwd",
    }
    for suffix in (".ply", ".obj", ".stl"):
        for label, data in contents.items():
            yield case("confusion", label, suffix, data)
        for name, data in GOOD.items():
            if not name.endswith(suffix):
                yield case("confusion", f"is-{name.replace('.', '-')}", suffix, data)
        for seed in range(6):
            noise = random.Random(seed).randbytes(10 ** (1 + seed % 4))
            yield case("confusion", f"noise{seed}", suffix, noise)
            start = GOOD["little.ply" if suffix == ".ply" else "binary.stl" if suffix == ".stl" else "plain.obj"]
            yield case("confusion", f"start-noise{seed}", suffix, start[: len(start) // 2] + noise)


# --- references and textures ---


def png(width: int = 4, height: int = 4, mode: str = "RGB", kind: str = "PNG", **options: object) -> bytes:
    """A small image of any kind."""
    stream = io.BytesIO()
    Image.new(mode, (width, height)).save(stream, kind, **options)
    return stream.getvalue()


def png_claiming(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header claims a size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def _sparse(size: int) -> Maker:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(size)

    return make


def _link(target: str) -> Maker:
    return lambda path: path.symlink_to(target)


SECRET = b"newmtl m\nKd 1 0 0\n"
"""What must never be read: a library that lies outside the CAD's folder, and would turn the CAD red."""


def _references() -> Iterator[Case]:
    names = {
        "missing": "gone.x",
        "parent": "../secret.mtl",
        "deep-parent": "sub/../../secret.mtl",
        "back-slash": "..\\secret.mtl",
        "absolute": "/etc/passwd",
        "proc": "/proc/self/environ",
        "to-proc": "../" * 40 + "proc/self/environ",
        "http": "http://127.0.0.1:9/a.mtl",
        "https": "https://127.0.0.1:9/a.png",
        "file": "file:///etc/passwd",
        "data": "data:text/plain;base64,bmV3bXRsIG0KS2QgMSAwIDAK",
        "share": "//server/share/a.mtl",
        "smb": "\\\\server\\share\\a.mtl",
        "home": "~/.ssh/id_rsa",
        "variable": "$HOME/a.mtl",
        "shell": "$(touch evil).mtl",
        "pipe": "|touch evil",
        "long": "a" * 5000,
        "dots": "." * 300,
        "dot": ".",
        "slash": "a/",
        "nul": "a\0b.mtl",
        "escape": "\x1b[31mred.mtl",
        "percent": "%2e%2e/secret.mtl",
        "self": "cad.obj",
    }
    for label, name in names.items():
        # A zero byte is refused in OBJ text as a whole.
        outcome: Outcome = "refused" if label == "nul" else "rendered"
        yield case("reference", f"mtllib-{label}", ".obj", textured_obj(name), outcome)
        yield case(
            "reference", f"map-{label}", ".obj", textured_obj(), "rendered", a__mtl=f"newmtl m\nmap_Kd {name}\nbump {name}\n".encode()
        )
        yield case("reference", f"texture-{label}", ".ply", textured_ply(name), "rendered")
    made: dict[str, Maker] = {
        "fifo": lambda path: os.mkfifo(path),
        "folder": lambda path: path.mkdir(),
        "link-outside": _link("../secret.mtl"),
        "link-device": _link("/dev/zero"),
        "link-proc": _link("/proc/self/mem"),
        "link-loop": _link("a.mtl"),
        "link-inside": _link("cad.obj"),
        "sparse": _sparse(2**40),
        "large": _sparse(17 * 2**20),
        "zeros": _sparse(2**20),
        "empty": _sparse(0),
    }
    for label, make in made.items():
        yield case("reference", f"mtllib-{label}", ".obj", textured_obj(), "rendered", a__mtl=make)
        yield case("reference", f"texture-{label}", ".ply", textured_ply("a.png"), "rendered", a__png=make)
    yield case("reference", "folder-link", ".obj", textured_obj("sub/secret.mtl"), "rendered", sub=_link(".."))
    yield case("reference", "thousand-libraries", ".obj", "".join(f"mtllib {i}.mtl\n" for i in range(1000)) + obj())
    yield case("reference", "same-library", ".obj", "mtllib a.mtl\n" * 20_000 + textured_obj(), "rendered", a__mtl=b"newmtl m\n")


def _textures() -> Iterator[Case]:
    jpeg, tiff = png(64, 64, kind="JPEG"), png(64, 64, kind="TIFF", compression="tiff_lzw")
    noise = random.Random(1).randbytes(5000)
    files: dict[str, bytes] = {
        "bomb": png_claiming(50_000, 50_000, b"\0" * 10_000_000),
        "bomb-line": png_claiming(2**31 - 1, 1),
        "zero-wide": png_claiming(0, 10),
        "large-and-short": png_claiming(8000, 8000, b"\0" * 100),
        "no-data": png_claiming(10, 10),
        "broken-sum": png()[:-6] + b"\0\0\0\0\0\0",
        "text-bomb": png().replace(b"IDAT", b"zTXt", 1),
        "trailing": png() + noise,
        "noise": noise,
        "gif": png(kind="GIF"),
        "webp": png(kind="WEBP"),
        "ico": png(16, 16, kind="ICO"),
        "ppm": b"P6 2 2 255\n" + b"\0" * 12,
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(touch evil) (w) file\n",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "pdf": b"%PDF-1.4\n",
        "zip": _zip("a.png", png()),
        "npy": b"\x93NUMPY\x01\x00",
        "bmp-zero": b"BM" + b"\0" * 52,
        "bmp-huge": png(kind="BMP")[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + png(kind="BMP")[26:],
        "tga-huge": b"\0\0\x02" + b"\0" * 9 + b"\xff\xff\xff\xff\x20\0",
        "tiff-loop": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
        "tiff-far": b"II*\0\xff\xff\xff\xff",
    }
    files |= {f"png-{mode}": png(mode=mode) for mode in ("1", "L", "LA", "P", "RGBA", "I;16")}
    files |= {f"jpeg-{mode}": png(mode=mode, kind="JPEG") for mode in ("L", "CMYK")}
    files |= {f"tiff-{mode}": png(mode=mode, kind="TIFF") for mode in ("1", "I;16", "I", "F", "CMYK", "YCbCr")}
    files |= {
        "bmp": png(kind="BMP"),
        "tga": png(kind="TGA"),
        "tga-rle": png(kind="TGA", compression="tga_rle"),
        "png-transparent": png(mode="P", transparency=b"\1\2"),
    }
    for label, whole in (("png", png(64, 64)), ("jpeg", jpeg), ("tiff", tiff)):
        for percent in (10, 50, 90, 99):
            files[f"{label}-cut{percent}"] = whole[: len(whole) * percent // 100]
    for label, data in files.items():
        yield case("texture", label, ".obj", textured_obj(), "rendered", a__mtl=b"newmtl m\nmap_Kd a.png\n", a__png=data)
    many = b"newmtl m\n" + b"".join(b"map_%s t%d.png\n" % (slot, i) for i, slot in enumerate((b"Kd", b"Ks", b"Ns", b"Ke", b"d")))
    yield case(
        "texture",
        "too-many-pixels",
        ".obj",
        textured_obj(),
        "rendered",
        a__mtl=many,
        **{f"t{i}__png": png(4000, 5000, "L") for i in range(5)},
    )


def _materials() -> Iterator[Case]:
    libraries: dict[str, bytes] = {
        "nan": b"newmtl m\nKd nan nan nan\nKs inf 0 0\nNs nan\nd -inf\nillum nan\nPr nan\n",
        "huge": b"newmtl m\nKd 1e308 -1e308 1e999\nNs 1e308\nd 1e308\nillum 1e300\n",
        "short": b"newmtl m\nKd\nKs 1\nNs\nd\nillum\nmap_Kd\nbump -bm\n",
        "words": b"newmtl m\nKd red green blue\nNs shiny\nd half\nillum x\nKd spectral a.rfl\nKd xyz 1 1 1\n",
        "options": b"newmtl m\nmap_Kd -s -o -t -mm -bm -clamp\nbump -bm nan a.png\nmap_Ks -s 1 2 3 4 5 6\n",
        "no-newmtl": b"Kd 1 0 0\nmap_Kd a.png\n",
        "empty-name": b"newmtl\nKd 1 0 0\n",
        "long-name": b"newmtl " + b"m" * 100_000 + b"\nKd 1 0 0\n",
        "binary": bytes(range(256)) * 50,
        "utf-16": "newmtl m\nKd 1 0 0\n".encode("utf-16"),
        "long-line": b"newmtl m\nKd " + b"1 " * 2_000_000,
        "many": b"".join(b"newmtl n%d\n" % i for i in range(200_000)) + b"newmtl m\n",
    }
    for label, library in libraries.items():
        yield case("material", label, ".obj", textured_obj(), "rendered", a__mtl=library)
    faces = "".join(f"usemtl n{i}\nf 1 2 3\n" for i in range(2000))
    defined = b"".join(b"newmtl n%d\nKd 0 0 1\n" % i for i in range(2000))
    yield case("material", "two-thousand-used", ".obj", obj(before="mtllib a.mtl\n") + faces, "refused", a__mtl=defined)
    yield case("material", "two-thousand-undefined", ".obj", obj() + faces, "rendered")
    yield case(
        "material",
        "strange-names",
        ".obj",
        obj(between="usemtl \x1b[31m\x00\u202e\ud83d\n".encode("utf-8", "replace").decode().replace("\0", "")),
        "rendered",
    )


def _large(scale: float) -> Iterator[Case]:
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
    yield Case("large", "terabyte", ".stl", _sparse(2**40))
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


def corpus(scale: float = 1.0) -> list[Case]:
    """All cases.

    Args:
        scale: share of the large files' size; 1 for the full form.
    """
    small = (_good, _truncated, _headers, _indices, _numbers, _degenerate, _text, _confusion, _references, _textures, _materials)
    cases = [found for generate in small for found in generate()]
    return [*cases, *_large(scale)]
