"""Reads OBJ text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.formats.obj_faces import COLUMNS, FORMS, KINDS, read_faces
from serve_app.cad.limits import MAX_LINE_BYTES, MAX_MATERIALS, CadLimits
from serve_app.cad.refusals import quoted, too_large
from serve_app.cad.text.encoding import decoded
from serve_app.cad.text.numbers import numbers_in

_MAX_LINES_A_FACE = 12
"""Three points, three normals and three texture coordinates a face make ten lines with it; some are comments."""

_MAX_GROUPS = 16 * MAX_MATERIALS
"""Most of the materials that faces name may be defined nowhere."""

_WHAT = {"v": "vertices", "vt": "texture coordinates", "vn": "normals"}
_MIN_COLUMNS = {"v": 3, "vt": 1, "vn": 3}

_ONE_BYTE_EACH = bytes.maketrans(b"\t\x0b\x0c\r", b"   \n")
"""All white space as spaces, all ends of lines as newlines."""


class FaceGroup(NamedTuple):
    """What faces that can be read as one have in common.

    Attributes:
        material: name after the file's own ``usemtl``, or None before the first.
        smooth: a smoothing group was on.
        form: which indices every corner gives: ``v``, ``vt``, ``vn`` or ``vtn``.
    """

    material: str | None
    smooth: bool
    form: str


@dataclass
class Faces:
    """Triangles of a group: for each kind of index (``v``, and ``vt`` and ``vn`` where the form has them), (T, 3) from 0."""

    indices: dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class ObjFile:
    """An OBJ file.

    Attributes:
        vertices: (V, 3).
        colors: (V, 3) numbers after the coordinates, or None.
        uv: (P, 2) texture coordinates.
        normals: (N, 3).
        faces: triangles by group.
        libraries: files named by ``mtllib``, in order.
        uncut: concave polygons that are split as if they were convex.
    """

    vertices: NDArray[np.float64]
    colors: NDArray[np.float64] | None
    uv: NDArray[np.float64]
    normals: NDArray[np.float64]
    faces: dict[FaceGroup, Faces]
    libraries: list[str]
    uncut: int


class _Lines:
    """The lines of a file: without comments, and with one space after each word and none before the first.

    Attributes:
        text: all bytes.
        looks: for the first line and each after which faces look otherwise, the line's number from 0, the material, and whether a
            smoothing group is on.
        libraries: names after ``mtllib``.
    """

    def __init__(self, data: bytes) -> None:
        self.text = np.frombuffer(_tidied(data), dtype=np.uint8)
        ends = np.flatnonzero(self.text == ord("\n")) + 1
        self._starts, self._lengths = ends[:-1], np.diff(ends)  # The text begins with a newline of its own.
        self.looks: list[tuple[int, str | None, bool]] = [(0, None, False)]
        self.libraries: dict[str, None] = {}
        for line in np.flatnonzero(self._begin(b"usemtl ") | self._begin(b"s ") | self._begin(b"mtllib ")).tolist():
            start = self._starts[line]
            keyword, _, rest = self.text[start : start + self._lengths[line]].tobytes().partition(b" ")
            if keyword == b"usemtl":
                self.looks.append((line, " ".join(decoded(rest).split()), self.looks[-1][2]))
            elif keyword == b"s":
                self.looks.append((line, self.looks[-1][1], rest.split() not in ([b"off"], [b"0"], [])))
            else:
                self.libraries |= dict.fromkeys(_library_names(decoded(rest).split()))

    def of(self, kind: str) -> tuple[NDArray[np.int64], bytes]:
        """The lines of a keyword, by number from 0, and their text without it."""
        keyword = kind.encode() + b" "
        chosen = self._begin(keyword)
        text = b"\n" + self.text[1:][np.repeat(chosen, self._lengths)].tobytes()
        return np.flatnonzero(chosen), text.replace(b"\n" + keyword, b"\n")[1:]

    def _begin(self, keyword: bytes) -> NDArray[np.bool_]:
        """For each line, whether it begins with this."""
        chosen = self._lengths > len(keyword)
        for place, byte in enumerate(keyword):
            chosen[chosen] = self.text[self._starts[chosen] + place] == byte
        return chosen


def _tidied(data: bytes) -> bytes:
    """Text with a newline before its first line, and the rest as ``_Lines`` has it."""
    data = data.replace(b"\r\n", b"\n").translate(_ONE_BYTE_EACH)
    if b"#" in data:
        data = re.sub(rb"#[^\n]*", b"", data)
    data = b"\n" + data.replace(b"\n", b" \n ") + b" \n"
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data.replace(b"\n ", b"\n")


def read_obj(data: bytes, limits: CadLimits) -> ObjFile:
    """Read OBJ text.

    A negative index counts back from the elements *read so far*.

    Args:
        data: the file, in UTF-8.
        limits: of the CAD.

    Raises:
        ValueError: something in it cannot be read; the line is named where there is one.
        ServiceError: ``cad_too_large``.
    """
    for continued in (b"\\\r\n", b"\\\n", b"\\\r"):
        data = data.replace(continued, b" ")
    _check_cheaply(data, limits)
    lines = _Lines(data)
    del data
    elements = {kind: lines.of(kind) for kind in KINDS}
    for kind, (found, _) in elements.items():
        limits.check_vertices(len(found), _WHAT[kind])
    points, uv, normals = (_table(kind, len(found), text) for kind, (found, text) in elements.items())
    faces, uncut = _faces(lines, {kind: found for kind, (found, _) in elements.items()}, points[:, :3], limits)
    colors = points[:, 3:6] if points.shape[1] >= 6 else None
    uv = np.pad(uv, ((0, 0), (0, 1)))[:, :2] if uv.shape[1] == 1 else uv[:, :2]
    return ObjFile(points[:, :3], colors, uv, normals[:, :3], faces, list(lines.libraries), uncut)


def _check_cheaply(data: bytes, limits: CadLimits) -> None:
    """Refuse what is too large before going through it line by line."""
    if b"\0" in data:
        raise ValueError("it holds zero bytes: it is no text, or in UTF-16 without a byte order mark")
    limits.check_faces(data.count(b"\nf "))
    lines = data.count(b"\n") + data.count(b"\r")
    if lines > _MAX_LINES_A_FACE * limits.faces:
        raise ValueError(f"it has {lines} lines, more than RENDER_MAX_FACES, {limits.faces}, faces need")
    place = 0
    while place + MAX_LINE_BYTES < len(data):
        window = data[place : place + MAX_LINE_BYTES]
        end = max(window.rfind(b"\n"), window.rfind(b"\r"))
        if end < 0:
            raise ValueError(f"it has a line of more than {MAX_LINE_BYTES} bytes, after byte {place}")
        place += end + 1


def _library_names(words: list[str]) -> list[str]:
    """``mtllib`` may name several files, and a file's name may hold spaces: each that ends in .mtl ends a name."""
    names, rest = [], list[str]()
    for word in words:
        rest.append(word)
        if word.lower().endswith(".mtl"):
            names.append(" ".join(rest))
            rest = []
    return names + ([" ".join(rest)] if rest else [])


def _faces(
    lines: _Lines, elements: dict[str, NDArray[np.int64]], points: NDArray[np.float64], limits: CadLimits
) -> tuple[dict[FaceGroup, Faces], int]:
    """The triangles, by what they have in common, the groups in the order of their first lines; and how many polygons are not cut well."""
    at, text = lines.of("f")
    read = {kind: np.searchsorted(found, at) for kind, found in elements.items()}
    triangles, forms = read_faces(text, at + 1, read, {kind: len(found) for kind, found in elements.items()}, points, limits)
    numbers: dict[tuple[str | None, bool], int] = {}
    looks = np.array([numbers.setdefault((material, smooth), len(numbers)) for _, material, smooth in lines.looks])
    since = np.array([line for line, _, _ in lines.looks])
    keys = looks[np.searchsorted(since, at, side="right") - 1] * len(FORMS) + forms
    groups, first = np.unique(keys, return_index=True)
    if len(groups) > _MAX_GROUPS:
        too_large(f"its faces name more than {_MAX_GROUPS} materials; merge them")
    groups = groups[np.argsort(first)]
    named = list(numbers)
    keys = keys[triangles.line]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    faces: dict[FaceGroup, Faces] = {}
    for group in groups.tolist():
        begin, end = np.searchsorted(keys, [group, group + 1])
        if begin < end:
            (material, smooth), form = named[group // len(FORMS)], FORMS[group % len(FORMS)]
            indices = {kind: triangles.indices[kind][order[begin:end]] for kind in COLUMNS[form]}
            faces[FaceGroup(material, smooth, form)] = Faces(indices)
    return faces, triangles.uncut


def _table(kind: str, rows: int, text: bytes) -> NDArray[np.float64]:
    """(N, C) numbers of the lines of one kind; C is the number of columns of the shortest."""
    if not rows:
        return np.empty((0, _MIN_COLUMNS[kind]))
    array = np.frombuffer(text, dtype=np.uint8)
    words = np.diff(np.searchsorted(np.flatnonzero(array == ord(" ")), np.flatnonzero(array == ord("\n"))), prepend=0)
    columns = int(words.min())
    if columns < _MIN_COLUMNS[kind]:
        nth = int(np.argmax(words < _MIN_COLUMNS[kind])) + 1
        raise ValueError(f"its {kind} line number {nth} has fewer than {_MIN_COLUMNS[kind]} numbers")
    if columns < words.max():
        text = b"\n".join([b" ".join(line.split(b" ", columns)[:columns]) for line in text.split(b"\n")])
    try:
        return np.asarray(numbers_in(text).reshape(rows, columns))
    except ValueError:
        pass
    try:  # What Python takes for a number, numpy may not.
        return np.array([float(word) for word in text.split()]).reshape(rows, columns)
    except ValueError as error:
        raise ValueError(f"its {kind} lines hold something that is no number{_first_other(text)}") from error


def _first_other(text: bytes) -> str:
    """The first word of a text that is no number, in words, with what may be done about it."""
    for word in text.split():
        try:
            float(word)
        except ValueError:
            remedy = "; export it with decimal points" if word.replace(b",", b".", 1).translate(None, b"-+.eE").isdigit() else ""
            return f", {quoted(decoded(word))}{remedy}"
    return ""
