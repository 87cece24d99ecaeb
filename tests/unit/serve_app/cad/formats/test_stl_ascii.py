"""Ascii STL is read to the same numbers however it is written, and what is damaged is refused."""

from __future__ import annotations

import numpy as np
import pytest

from serve_app.base.settings import Settings
from serve_app.cad.formats.stl import stl_submeshes, stl_warnings
from serve_app.cad.formats.stl_ascii import without_names
from serve_app.cad.limits import CadLimits
from tests.hostile.files import TRIANGLES, VERTICES, ascii_stl

LIMITS = CadLimits.from_settings(Settings())
CORNERS = np.array(VERTICES, dtype=float)[np.array(TRIANGLES).ravel()]


@pytest.mark.parametrize(
    ("old", "new"), [("", ""), ("\n", "\r\n"), ("\n", "\r"), ("  ", "\t"), ("facet", "FACET"), ("solid part", "solid a facet vertex 1")]
)
def test_usual_text_is_read(old: str, new: str) -> None:
    text = ascii_stl().replace(old, new) if old else ascii_stl()
    assert np.array_equal(stl_submeshes(text.encode(), LIMITS)[0].vertices, CORNERS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("-10\n endloop", "-10 endloop\n"),
        ("facet normal 0 0 1\n outer loop\n  vertex -30", "facet normal 0 0 1 vertex -30"),
        ("facet normal 0 0 1\n outer", "facet normal nan(ind) x 1\n outer"),
        ("40 -20 -10", "40 -20 endloop-10"),
        ("endsolid part\n", "endsolid part\nsolid second\nendsolid second\n"),
    ],
)
def test_unusual_text_gives_the_same(old: str, new: str) -> None:
    assert old in ascii_stl()
    assert np.array_equal(stl_submeshes(ascii_stl().replace(old, new).encode(), LIMITS)[0].vertices, CORNERS)


@pytest.mark.parametrize(
    ("old", "new"), [("vertex 0 0 30", "vertexx 0 0 30"), ("vertex 0 0 30", "vertex 0 0 vertex"), ("endloop", "endlop")]
)
def test_what_does_not_belong_there_is_refused(old: str, new: str) -> None:
    with pytest.raises(ValueError, match=r"coordinates|no number"):
        stl_submeshes(ascii_stl().replace(old, new).encode(), LIMITS)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (b"solid a b\n1", b" \n1"),
        (b" \tendsolid x\n1", b" \n1"),
        (b"1 solid x\n", b"1 solid x\n"),
        (b"end solid\n", b"end solid\n"),
        (b"solids 1\nsolid", b"solids 1\n "),
        (b"a\nsolid solid solid\nsolid\n", b"a\n \n \n"),
    ],
)
def test_names_are_left_out(text: bytes, left: bytes) -> None:
    assert without_names(text) == left


def test_a_decimal_comma_is_told() -> None:
    with pytest.raises(ValueError, match=r"a decimal comma \(-30,5\); export it with decimal points"):
        stl_submeshes(ascii_stl().replace("vertex -30", "vertex -30,5").encode(), LIMITS)


def binary(attribute: int = 0, header: bytes = b"made by a test") -> bytes:
    facet = np.zeros(1, [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    facet["corners"], facet["attribute"] = CORNERS[:3], attribute
    return header.ljust(80) + b"\1\0\0\0" + facet.tobytes()


def test_what_fills_up_the_last_block_is_left_out() -> None:
    assert np.array_equal(stl_submeshes(binary() + bytes(8) + b"\r\n", LIMITS)[0].vertices, CORNERS[:3])
    assert "trimesh, finds no faces" in stl_warnings(binary() + bytes(8))[0]
    for wrong in (binary() + b"more", binary() + bytes(50), binary()[:-1], b" " * 80 + bytes(20)):
        with pytest.raises(ValueError, match="does not fit the number of triangles"):
            stl_submeshes(wrong, LIMITS)


def test_colours_that_are_not_read_are_told() -> None:
    assert not stl_warnings(binary()) and not stl_warnings(ascii_stl().encode()) and not stl_warnings(b"")
    for data in (binary(0x83FF), binary(header=b"COLOR=\xff\0\0\xff")):
        assert "the colours of an STL file are not read" in stl_warnings(data)[0]
