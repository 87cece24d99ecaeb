"""Reads the face lines of OBJ text, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.polygons import triangulated
from serve_app.cad.refusals import quoted
from serve_app.cad.text.encoding import decoded
from serve_app.cad.text.numbers import numbers_in

KINDS = ("v", "vt", "vn")
"""What a corner may refer to, in the order in which it does."""

FORMS = ("v", "vt", "vn", "vtn")
"""Which indices all corners of a face give."""

COLUMNS = {"v": ("v",), "vt": ("v", "vt"), "vn": ("v", "vn"), "vtn": ("v", "vt", "vn")}

_CORNERS: dict[bytes, tuple[str, ...]] = {
    **dict.fromkeys((b"1", b"1/", b"1//"), ("v",)),
    **dict.fromkeys((b"1/1", b"1/1/"), ("v", "vt")),
    **{b"1//1": ("v", "vn"), b"1/1/1": ("v", "vt", "vn")},
}
"""The kinds of a corner's numbers, by its pattern: its text with 1 in place of each number."""


@dataclass(frozen=True)
class Triangles:
    """The faces of a file, as triangles, in its order.

    Attributes:
        line: (T,) which of the face lines each comes from.
        form: (T,) place in ``FORMS``.
        indices: for each kind of index, (T, 3) from 0; what it holds for forms without that kind means nothing.
        uncut: concave polygons that are split as if they were convex.
    """

    line: NDArray[np.int64]
    form: NDArray[np.int64]
    indices: dict[str, NDArray[np.int64]]
    uncut: int


@dataclass(frozen=True)
class _Shape:
    """What lines with one pattern have in common.

    Attributes:
        corners: how many; 0 for fewer than three, which are points or edges.
        form: place in ``FORMS``.
        columns: for each kind, a byte for each number of the line: 1 for those that are indices of that kind. For a kind that not all
            corners have, the vertices' indices take its place.
    """

    corners: int
    form: int
    columns: dict[str, bytes]


def read_faces(
    text: bytes,
    numbers: NDArray[np.int64],
    read: dict[str, NDArray[np.int64]],
    sizes: dict[str, int],
    points: NDArray[np.float64],
    limits: CadLimits,
) -> tuple[Triangles, NDArray[np.int64]]:
    """Read face lines. Those of fewer than three corners, points or edges, give no triangle.

    Args:
        text: the lines, without their keywords; a space after each corner, a newline after each line.
        numbers: (L,) line number of each, for messages.
        read: (L,) for each kind, how many elements there are before each line, from where negative indices count back.
        sizes: for each kind, how many elements there are in all.
        points: (V, 3) of all vertices.
        limits: of the CAD.

    Returns:
        The triangles, and for each line its form.

    Raises:
        ValueError: something that is no corner, or an index that nothing has; the line is named.
        ServiceError: ``cad_too_large``.
    """
    patterns = _patterns(text)
    shapes = {pattern: _shape(pattern) for pattern in dict.fromkeys(patterns)}
    for pattern, shape in shapes.items():
        if shape is None:
            line = patterns.index(pattern)
            raise _no_corner(text.split(b"\n")[line], pattern, int(numbers[line]))
    of_lines = [shape for pattern in patterns if (shape := shapes[pattern]) is not None]
    counts = np.array([shape.corners for shape in of_lines], dtype=np.int64)
    forms = np.array([shape.form for shape in of_lines], dtype=np.int64)
    limits.check_faces(int(np.maximum(counts - 2, 0).sum()))
    given = numbers_in(text.replace(b"/", b" "), np.int64)
    form_of_corner = np.repeat(forms, counts)
    indices: dict[str, NDArray[np.int64]] = {}
    for kind in KINDS:
        has = np.array([kind in COLUMNS[form] for form in FORMS])
        if not has[forms].any():
            continue
        values = given[np.frombuffer(b"".join([shape.columns[kind] for shape in of_lines]), dtype=bool)]
        index = values - 1
        if (values < 0).any():
            index = np.where(values < 0, values + np.repeat(read[kind], counts), index)
        wrong = np.flatnonzero(((index < 0) | (index >= sizes[kind])) & has[form_of_corner])
        if len(wrong):
            at = int(np.searchsorted(np.cumsum(counts), wrong[0], side="right"))
            raise ValueError(
                f"line {numbers[at]}: a face has the index {values[wrong[0]]}, which no {kind} line has; there are {sizes[kind]}"
            )
        indices[kind] = index
    places, line_of_triangle, uncut = triangulated(points, indices.get("v", np.empty(0, dtype=np.int64)), counts)
    return Triangles(line_of_triangle, forms[line_of_triangle], {kind: index[places] for kind, index in indices.items()}, uncut), forms


def _patterns(text: bytes) -> list[bytes]:
    """The pattern of each line: the line with 1 in place of each number. A file has few different ones."""
    array = np.frombuffer(text, dtype=np.uint8)
    digits = (array >= ord("0")) & (array <= ord("9"))
    further = np.zeros_like(digits)
    further[1:] = digits[1:] & digits[:-1]
    pattern = np.where(digits, np.uint8(ord("1")), array)[~further].tobytes()
    # A sign belongs to the number after it. What is left of 1-1 or --1 is no corner's pattern.
    return pattern.replace(b"+", b"-").replace(b"-1", b"1").split(b"\n")[:-1]


def _shape(pattern: bytes) -> _Shape | None:
    """What a line's pattern says; None where it has something that is no corner."""
    kinds = [_CORNERS.get(corner) for corner in pattern.split()]
    if None in kinds:
        return None
    given = [corner for corner in kinds if corner is not None]
    counted = len(given) >= 3
    form = "v" + "".join(kind[1] for kind in ("vt", "vn") if counted and all(kind in corner for corner in given))
    order = [kind for corner in given for kind in corner]
    columns = {kind: bytes(counted and found == (kind if kind in COLUMNS[form] else "v") for found in order) for kind in KINDS}
    return _Shape(len(given) if counted else 0, FORMS.index(form), columns)


def _no_corner(line: bytes, pattern: bytes, number: int) -> ValueError:
    wrong = next(corner for corner, form in zip(line.split(), pattern.split(), strict=True) if form not in _CORNERS)
    return ValueError(f"line {number}: {quoted(decoded(wrong))} is not a face corner")
