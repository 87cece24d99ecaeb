"""OFF in its variants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from serve_app.base.errors import ServiceError
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import ParsedCad, parse_cad
from tests.unit.serve_app.cad.written import LIMITS

CORNERS = [(x, y, z) for x in (0, 20) for y in (0, 10) for z in (0, 6)]
SIDES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def off(word: str = "OFF", of_vertices: str = "", of_faces: tuple[str, ...] = (), counts: str = "8 6 0", newline: str = "\n") -> bytes:
    lines = [word, counts, *(f"{x} {y} {z} {of_vertices}" for x, y, z in CORNERS)]
    lines += [f"4 {' '.join(map(str, side))} {of_faces[i] if i < len(of_faces) else ''}" for i, side in enumerate(SIDES)]
    return (newline.join(lines) + newline).encode()


def read(data: bytes, limits: CadLimits = LIMITS) -> ParsedCad:
    return parse_cad(data, ".off", Path("/nowhere"), limits)


@pytest.mark.parametrize(
    "data",
    [
        off(),
        off(newline="\r\n"),
        off().replace(b"OFF\n", b"OFF "),
        off().replace(b"OFF\n", b"# made by hand\nOFF\n\n# counts\n"),
        off().replace(b"OFF\n", b"OFF"),
        b"\xef\xbb\xbf" + off(),
        off(of_faces=("7",)),
    ],
)
def test_the_text_may_be_laid_out_in_many_ways(data: bytes) -> None:
    parsed = read(data)
    corners = parsed.mesh.vertices[parsed.mesh.faces]
    assert np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6 == pytest.approx(20 * 10 * 6)
    assert (parsed.unit, parsed.parts, parsed.mesh.vertex_colors) == (None, (), None)


@pytest.mark.parametrize(
    ("text", "color"), [("255 128 0 64", (255, 128, 0, 64)), ("1.0 0.5 0 1", (255, 128, 0, 255)), ("9 8 7", (9, 8, 7, 255))]
)
def test_vertex_colours(text: str, color: tuple[int, ...]) -> None:
    colors = read(off("COFF", text)).mesh.vertex_colors
    assert colors is not None and (colors == color).all()


def test_face_colours_are_those_of_their_corners() -> None:
    mesh = read(off(of_faces=("255 0 0", "0 255 0 128"))).mesh
    assert mesh.vertex_colors is not None
    of_corners = mesh.vertex_colors[mesh.faces]
    assert (of_corners[:2] == (255, 0, 0, 255)).all() and (of_corners[2:4] == (0, 255, 0, 128)).all()
    assert (of_corners[4:] == (231, 231, 231, 255)).all()


def test_normals() -> None:
    mesh = read(off("CNOFF", "0 0 3 10 20 30")).mesh
    assert mesh.corner_normals is not None and (mesh.corner_normals == (0, 0, 1)).all()
    assert mesh.vertex_colors is not None and (mesh.vertex_colors == (10, 20, 30, 255)).all()


def test_polygons_of_different_sizes_keep_their_order() -> None:
    mesh = read(b"OFF\n5 3 0\n0 0 0\n9 0 0\n9 9 0\n0 9 0\n0 0 9\n3 0 1 4\n4 3 2 1 0\n3 0 4 3\n").mesh
    assert mesh.faces.tolist() == [[0, 1, 4], [3, 2, 1], [3, 1, 0], [0, 4, 3]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"some\n", "it does not begin with OFF"),
        (b"OFF BINARY\n" + bytes(40), "binary OFF"),
        (off("4OFF"), "other than three dimensions"),
        (b"OFF\n", "does not tell how many"),
        (off(counts="8 x 0"), "does not tell how many"),
        (off(counts="-8 6 0"), "-8 vertices"),
        (off(counts="8 7 0"), "it ends too early: 8 vertices and 7 faces"),
        (off().replace(b"20 10 6", b"20 10"), "do not have as many numbers each"),
        (off().replace(b"20 10 6", b"20 10 six"), "something between their numbers"),
        (off().replace(b"4 0 1 3 2", b"9 0 1 3 2"), "other than the number of vertices"),
        (off().replace(b"4 0 1 3 2", b"4 0 1 3 88"), "it has 8, and they name 0 to 88"),
        (off().replace(b"4 0 1 3 2", b"4 0 1 3 -2"), "refer to vertices it does not have"),
        (off(counts="8 0 0"), "it holds no faces"),
    ],
)
def test_damaged_files_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ServiceError) as caught:
        read(data)
    assert caught.value.code == "cad_invalid" and reason in caught.value.detail


def test_a_file_that_promises_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(ServiceError) as caught:
        read(off(counts=f"8 {LIMITS.faces + 1} 0"))
    assert caught.value.code == "cad_too_large"
