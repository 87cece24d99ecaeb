"""OFF: counts that lie, indices that point nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.case import Case, Outcome, case
from tests.hostile.files import TRIANGLES, VERTICES


def off(
    head: str = "OFF", counts: object = "4 4 6", vertices: object = None, faces: object = None, *, after: str = "", separator: str = "\n"
) -> bytes:
    """The solid of ``files``; counts, rows of points and rows of faces may be given as text."""
    points = [" ".join(map(str, point)) for point in VERTICES] if vertices is None else vertices
    polygons = [f"3 {' '.join(map(str, triangle))}" for triangle in TRIANGLES] if faces is None else faces
    return (separator.join([head, str(counts), *points, *polygons]) + separator + after).encode()  # type: ignore[misc]


def off_cases() -> Iterator[Case]:
    points = [" ".join(map(str, point)) for point in VERTICES]
    face = "3 0 1 2"
    files: dict[str, tuple[bytes, Outcome]] = {
        "magic": (off("FOO"), "refused"),
        "no-magic": (off()[4:], "either"),
        "binary": (off("OFF BINARY"), "refused"),
        "four-dimensions": (off("4OFF"), "refused"),
        "any-dimensions": (off("nOFF"), "refused"),
        "one-line": (off(separator=" "), "either"),
        "comments": (off(head="# a\nOFF # b"), "either"),
        "counts-missing": (off(counts=""), "refused"),
        "counts-short": (off(counts="4"), "refused"),
        "counts-words": (off(counts="four four six"), "refused"),
        "counts-negative": (off(counts="-4 -4 0"), "refused"),
        "counts-fractions": (off(counts="4.5 4.5 6"), "refused"),
        "counts-huge": (off(counts=f"{10**12} {10**12} 0"), "refused"),
        "counts-astronomic": (off(counts=f"{'9' * 5000} 4 0"), "refused"),
        "vertices-beyond": (off(counts="5 4 6"), "refused"),
        "faces-beyond": (off(counts="4 5 6"), "refused"),
        "faces-none": (off(counts="4 0 0", faces=[]), "refused"),
        "vertices-none": (off(counts="0 4 0", vertices=[]), "refused"),
        "index-beyond": (off(faces=["3 0 1 4"] * 4), "refused"),
        "index-negative": (off(faces=["3 0 1 -1"] * 4), "refused"),
        "index-huge": (off(faces=[f"3 0 1 {10**30}"] * 4), "refused"),
        "index-fraction": (off(faces=["3 0 1 1.5"] * 4), "refused"),
        "index-word": (off(faces=["3 0 1 x"] * 4), "refused"),
        "corners-none": (off(faces=["0"] * 4), "refused"),
        "corners-two": (off(faces=["2 0 1"] * 4), "refused"),
        "corners-negative": (off(faces=["-3 0 1 2"] * 4), "refused"),
        "corners-huge": (off(faces=[f"{10**12} 0 1 2"] * 4), "refused"),
        "corners-beyond-the-row": (off(faces=["5 0 1 2"] * 4), "refused"),
        "corners-same": (off(faces=["3 1 1 1"] * 4), "refused"),
        "vertex-nan": (off(vertices=["nan 0 0", *points[1:]]), "either"),
        "vertex-infinite": (off(vertices=["1e999 0 0", *points[1:]]), "either"),
        "vertex-word": (off(vertices=["x 0 0", *points[1:]]), "refused"),
        "vertex-short": (off(vertices=["0 0", *points[1:]]), "refused"),
        "colours-odd": (off(faces=[f"{face} 300 -1 nan"] * 4), "either"),
        "colours-missing": (off("COFF"), "either"),
        "normals-missing": (off("NOFF"), "either"),
        "rest": (off(after="and more\n"), "either"),
        "nothing": (b"", "refused"),
        "only-magic": (b"OFF", "refused"),
        "noise": (b"OFF\n" + bytes(range(256)) * 20, "refused"),
        "zeros": (bytes(10_000), "refused"),
        "utf-16": (off().decode().encode("utf-16"), "either"),
        "long-line": (off(faces=[face + " 1" * 2_000_000, face, face, face]), "either"),
        "long-comment": (off(head="OFF\n# " + "x" * 10_000_000), "either"),
    }
    for label, (data, outcome) in files.items():
        yield case("off", label, ".off", data, outcome)
