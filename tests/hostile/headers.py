"""Good files, cut ones, and ones whose headers lie."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from tests.hostile.case import Case, Outcome, case
from tests.hostile.files import (
    GOOD,
    ascii_ply,
    binary_stl,
    ply_header,
    ply_rows,
)


def good_cases() -> Iterator[Case]:
    for name, data in GOOD.items():
        yield case("good", Path(name).stem, Path(name).suffix, data, "rendered")


def truncated_cases() -> Iterator[Case]:
    for name, data in GOOD.items():
        suffix = Path(name).suffix
        for percent in range(0, 100, 5):
            # An OBJ has no end mark and no counts: half of one may be a whole one.
            outcome: Outcome = "either" if suffix == ".obj" and percent else "refused"
            yield case("truncated", f"{Path(name).stem}-{percent:02}", suffix, data[: len(data) * percent // 100], outcome)


def header_cases() -> Iterator[Case]:
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
    yield case("header", "stl-tail", ".stl", binary_stl(tail=b"\0" * 7), "rendered")
    yield case("header", "stl-tail-text", ".stl", binary_stl(tail=b"text"))
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
