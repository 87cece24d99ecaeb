"""Reads OBJ text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.formats.obj_faces import COLUMNS, FORMS, KINDS, read_faces
from serve_app.cad.limits import MAX_LINE_BYTES, MAX_MATERIALS, CadLimits
from serve_app.cad.refusals import too_large
from serve_app.cad.text.encoding import decoded
from serve_app.cad.text.numbers import numbers_in
from serve_app.cad.text.words import lines_in, words_in

_MAX_LINES_A_FACE = 12
"""Three points, three normals and three texture coordinates a face make ten lines with it; some are comments."""

_MAX_GROUPS = 16 * MAX_MATERIALS
"""Most of the materials that faces name may be defined nowhere."""

_KEYWORDS = (b"v", b"vt", b"vn", b"f")
_WHAT = {"v": "vertices", "vt": "texture coordinates", "vn": "normals"}
_LEAST = {"v": 3, "vt": 1, "vn": 3}

_MAY_MATTER = np.zeros(256, dtype=bool)
"""For each byte: a line that begins with it may say something: all others are objects, groups, comments and the like."""
_MAY_MATTER[list(b"vfusm \x0b\x0c")] = True


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
    """

    vertices: NDArray[np.float64]
    colors: NDArray[np.float64] | None
    uv: NDArray[np.float64]
    normals: NDArray[np.float64]
    faces: dict[FaceGroup, Faces]
    libraries: list[str]


class _Lines:
    """The lines of a file, told apart by their keywords.

    Attributes:
        text: all bytes; a newline ends each line.
        starts, ends: of each line, with its newline.
        kinds: for each line, its place in ``_KEYWORDS``; another number for one that gives no numbers.
        looks: for the first line and each after which faces look otherwise, the line's number from 0, the material, and whether a
            smoothing group is on.
        libraries: names after ``mtllib``.
    """

    def __init__(self, data: bytes) -> None:
        buffer = bytearray(data) + b"\n\n\n"
        self.text = np.frombuffer(buffer, dtype=np.uint8)
        self.starts, self.ends = lines_in(self.text[:-2])
        first, second, third = (self.text[self.starts + place] for place in range(3))
        self.kinds = np.full(len(self.starts), len(_KEYWORDS), dtype=np.uint8)
        for kind, keyword in enumerate(_KEYWORDS):
            after = second if len(keyword) == 1 else third
            same = (first == keyword[0]) & (after == ord(" "))
            self.kinds[same if len(keyword) == 1 else same & (second == keyword[1])] = kind
        self.looks: list[tuple[int, str | None, bool]] = [(0, None, False)]
        self.libraries: dict[str, None] = {}
        commented = np.logical_or.reduceat(self.text[:-2] == ord("#"), self.starts)
        others = np.flatnonzero(_MAY_MATTER[first] & ((self.kinds == len(_KEYWORDS)) | commented))
        for line, start, end in zip(others.tolist(), self.starts[others].tolist(), self.ends[others].tolist(), strict=True):
            self._read_other(buffer, line, start, end - 1)

    def _read_other(self, buffer: bytearray, line: int, start: int, end: int) -> None:
        """Read a statement, or write a line of numbers anew without what stands around it."""
        said = buffer[start:end].split(b"#", 1)[0].strip()
        keyword, _, rest = bytes(said).partition(b" ")
        if keyword in _KEYWORDS:
            buffer[start:end] = said.ljust(end - start)
            self.kinds[line] = _KEYWORDS.index(keyword)
        elif keyword == b"usemtl":
            self.looks.append((line, " ".join(decoded(rest).split()), self.looks[-1][2]))
        elif keyword == b"s":
            self.looks.append((line, self.looks[-1][1], rest.split() not in ([b"off"], [b"0"], [])))
        elif keyword == b"mtllib":
            self.libraries |= dict.fromkeys(_library_names(decoded(rest).split()))

    def of(self, keyword: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """The lines of a keyword, by number from 0, and their text without it."""
        kind = _KEYWORDS.index(keyword)
        lines = np.flatnonzero(self.kinds == kind)
        text = self.text[:-2][np.repeat(self.kinds == kind, self.ends - self.starts)]
        starts, _ = lines_in(text)
        for place in range(len(keyword)):
            text[starts + place] = ord(" ")
        return lines, text


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
    for odd, usual in ((b"\r\n", b"\n"), (b"\r", b"\n"), (b"\t", b" ")):
        data = data.replace(odd, usual)
    lines = _Lines(data)
    elements = {kind: np.flatnonzero(lines.kinds == place) for place, kind in enumerate(KINDS)}
    for kind, found in elements.items():
        limits.check_vertices(len(found), _WHAT[kind])
    faces = _faces(lines, elements, limits)
    points, uv, normals = (_table(lines, kind) for kind in KINDS)
    colors = points[:, 3:6] if points.shape[1] >= 6 else None
    uv = np.pad(uv, ((0, 0), (0, 1)))[:, :2] if uv.shape[1] == 1 else uv[:, :2]
    return ObjFile(points[:, :3], colors, uv, normals[:, :3], faces, list(lines.libraries))


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


def _faces(lines: _Lines, elements: dict[str, NDArray[np.int64]], limits: CadLimits) -> dict[FaceGroup, Faces]:
    """The triangles, by what they have in common; the groups in the order of their first lines."""
    at, text = lines.of(b"f")
    read = {kind: np.searchsorted(found, at) for kind, found in elements.items()}
    triangles, forms = read_faces(text, at + 1, read, {kind: len(found) for kind, found in elements.items()}, limits)
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
    return faces


def _table(lines: _Lines, kind: str) -> NDArray[np.float64]:
    """(N, C) numbers of the lines of one kind; C is the number of columns of the shortest."""
    found, text = lines.of(kind.encode())
    rows, least = len(found), _LEAST[kind]
    if not rows:
        return np.empty((0, least))
    words = words_in(text)
    columns = int(words.counts.min())
    if columns < least:
        nth = int(np.argmax(words.counts < least)) + 1
        raise ValueError(f"its {kind} line number {nth} has fewer than {least} numbers")
    if columns < words.counts.max():
        nth_word = np.arange(len(words.starts)) - np.repeat(words.first, words.counts)
        rest = text[words.starts[0] :]
        rest[np.repeat(nth_word >= columns, np.diff(words.starts, append=len(text)))] = ord(" ")
    data = text.tobytes()
    try:
        return np.asarray(numbers_in(data).reshape(rows, columns))
    except ValueError:
        pass
    try:  # What Python takes for a number, numpy may not.
        return np.array([float(word) for word in data.split()]).reshape(rows, columns)
    except ValueError as error:
        raise ValueError(f"its {kind} lines hold something that is no number") from error
