"""Impossible indices and numbers, and shapes without an area."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tests.hostile.case import Case, Outcome, case
from tests.hostile.files import (
    TRIANGLES,
    VERTICES,
    ascii_ply,
    ascii_stl,
    binary_stl,
    obj,
    ply_header,
    ply_rows,
)


def index_cases() -> Iterator[Case]:
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


def number_cases() -> Iterator[Case]:
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


def degenerate_cases() -> Iterator[Case]:
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
