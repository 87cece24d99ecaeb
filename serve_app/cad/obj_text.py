"""Reads OBJ and .mtl text."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.limits import MAX_LINE_BYTES, MAX_MATERIALS, CadLimits, shown, too_large
from serve_app.cad.number_text import numbers_in
from serve_app.cad.polygons import fan
from serve_app.cad.text import decoded

_MAX_LINES_A_FACE = 12
"""Three points, three normals and three texture coordinates a face make ten lines with it; some are comments."""

_MAX_GROUPS = 16 * MAX_MATERIALS
"""Most of the materials that faces name may be defined nowhere."""

_FACE = re.compile(
    rb"(?:(?P<v>(?:\s++-?\d++/?/?(?!\S))++)|(?P<vt>(?:\s++-?\d++/-?\d++/?(?!\S))++)"
    rb"|(?P<vn>(?:\s++-?\d++//-?\d++(?!\S))++)|(?P<vtn>(?:\s++-?\d++/-?\d++/-?\d++(?!\S))++))\s*"
)
_COLUMNS = {"v": ("v",), "vt": ("v", "vt"), "vn": ("v", "vn"), "vtn": ("v", "vt", "vn")}
_KINDS = ("v", "vt", "vn")
_SKIPPED = frozenset((b"o", b"g", b"l", b"p", b"#"))
_KEYWORDS = frozenset((b"v", b"vt", b"vn", b"f"))
_WHAT = {"v": "vertices", "vt": "texture coordinates", "vn": "normals"}


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


@dataclass
class _Lines:
    """Face lines of one group.

    Attributes:
        texts: what follows the ``f``, in the group's form.
        counts: corners of each.
        numbers: line number of each.
        relative: places of those that have negative indices.
        read: for each of these the ``v``, ``vt`` and ``vn`` lines before it, one after the other.
    """

    texts: list[bytes] = field(default_factory=list)
    counts: array[int] = field(default_factory=lambda: array("q"))
    numbers: array[int] = field(default_factory=lambda: array("q"))
    relative: array[int] = field(default_factory=lambda: array("q"))
    read: array[int] = field(default_factory=lambda: array("q"))

    def add(self, rest: bytes, number: int, values: dict[bytes, list[bytes]]) -> None:
        """Add a face line, if it is a surface: a point or an edge is none."""
        count = len(rest.split())
        if count < 3:
            return
        if b"-" in rest:
            self.relative.append(len(self.texts))
            self.read.extend([len(rows) for rows in values.values()])
        self.texts.append(rest)
        self.counts.append(count)
        self.numbers.append(number)


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
    values: dict[bytes, list[bytes]] = {b"v": [], b"vt": [], b"vn": []}
    groups: dict[FaceGroup, _Lines] = {}
    libraries: dict[str, None] = {}
    material: str | None = None
    smooth = False
    by_form: dict[str, _Lines] = {}  # Of the material and smoothing that are on.
    for number, line in enumerate(data.splitlines(), start=1):
        keyword, _, rest = line.partition(b" ")
        if keyword in _SKIPPED:
            continue
        if keyword not in _KEYWORDS or b"#" in line:
            keyword, _, rest = line.split(b"#", 1)[0].strip().replace(b"\t", b" ").partition(b" ")
        rows = values.get(keyword)
        if rows is not None:
            rows.append(rest)
        elif keyword == b"f":
            form, rest = _form_of(rest, number)
            lines = by_form.get(form)
            if lines is None:
                lines = by_form[form] = _lines_of(FaceGroup(material, smooth, form), groups)
            lines.add(rest, number, values)
        elif keyword == b"usemtl":
            material, by_form = " ".join(decoded(rest).split()), {}
        elif keyword == b"s":
            smooth, by_form = rest.split() not in ([b"off"], [b"0"], []), {}
        elif keyword == b"mtllib":
            libraries |= dict.fromkeys(_library_names(decoded(rest).split()))
    groups = {group: lines for group, lines in groups.items() if lines.texts}
    for kind, rows in values.items():
        limits.check_vertices(len(rows), _WHAT[kind.decode()])
    limits.check_faces(sum(sum(lines.counts) - 2 * len(lines.counts) for lines in groups.values()))
    points = _table(values[b"v"], "v", 3)
    colors = points[:, 3:6] if points.shape[1] >= 6 else None
    sizes = {kind: len(values[kind.encode()]) for kind in _KINDS}
    faces = {group: Faces(_indices(group.form, lines, sizes)) for group, lines in groups.items()}
    uv = _table(values[b"vt"], "vt", 1)
    uv = np.pad(uv, ((0, 0), (0, 1)))[:, :2] if uv.shape[1] == 1 else uv[:, :2]
    return ObjFile(points[:, :3], colors, uv, _table(values[b"vn"], "vn", 3)[:, :3], faces, list(libraries))


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


def _form_of(rest: bytes, number: int) -> tuple[str, bytes]:
    """The form of a face line's corners, and the corners in it."""
    match = _FACE.fullmatch(b" " + rest)
    return (match.lastgroup, rest) if match and match.lastgroup else _common_form(rest.split(), number)


def _lines_of(group: FaceGroup, groups: dict[FaceGroup, _Lines]) -> _Lines:
    if group not in groups and len(groups) == _MAX_GROUPS:
        too_large(f"its faces name more than {_MAX_GROUPS} materials; merge them")
    return groups.setdefault(group, _Lines())


def _common_form(corners: list[bytes], number: int) -> tuple[str, bytes]:
    """The indices that all corners of a face give, where some give more than others."""
    read: list[dict[str, int]] = []
    for corner in corners:
        try:
            indices = {kind: int(text) for kind, text in zip(_KINDS, corner.split(b"/"), strict=False) if text}
        except ValueError:
            indices = {}
        if "v" not in indices or corner.count(b"/") > 2:
            raise ValueError(f"line {number}: {shown(decoded(corner))} is not a face corner")
        read.append(indices)
    form = "v" + "".join(kind[1] for kind in ("vt", "vn") if read and all(kind in corner for corner in read))
    return form, b" ".join(b"/".join(b"%d" % corner[kind] for kind in _COLUMNS[form]) for corner in read)


def _indices(form: str, lines: _Lines, sizes: dict[str, int]) -> dict[str, NDArray[np.int64]]:
    """Corner indices of a group's triangles, from 0."""
    columns = _COLUMNS[form]
    table = numbers_in(b" ".join(lines.texts).replace(b"/", b" "), np.int64).reshape(-1, len(columns))
    counts = np.frombuffer(lines.counts, dtype=np.int64)
    read = np.zeros((len(counts), len(_KINDS)), dtype=np.int64)
    if lines.relative:
        read[lines.relative] = np.frombuffer(lines.read, dtype=np.int64).reshape(-1, len(_KINDS))
    places, _ = fan(counts)
    indices: dict[str, NDArray[np.int64]] = {}
    for place, kind in enumerate(columns):
        given = table[:, place]
        index = np.where(given < 0, given + np.repeat(read[:, _KINDS.index(kind)], counts), given - 1)
        wrong = np.flatnonzero((index < 0) | (index >= sizes[kind]))
        if len(wrong):
            line = lines.numbers[int(np.searchsorted(np.cumsum(counts), wrong[0], side="right"))]
            raise ValueError(f"line {line}: a face has the index {given[wrong[0]]}, which no {kind} line has; there are {sizes[kind]}")
        indices[kind] = index[places]
    return indices


def _table(rows: list[bytes], kind: str, least: int) -> NDArray[np.float64]:
    """(N, C) numbers of the lines of one kind; C is the number of columns of the shortest."""
    if not rows:
        return np.empty((0, least))
    columns = len(rows[0].split())
    try:
        numbers = numbers_in(b" ".join(rows))
        even = len(numbers) == len(rows) * columns and (columns == least or all(len(row.split()) == columns for row in rows))
    except ValueError:
        even = False
    if even and columns >= least:
        return np.asarray(numbers.reshape(-1, columns))
    split = [row.split() for row in rows]
    columns = min(map(len, split))
    if columns < least:
        nth = next(place for place, row in enumerate(split, start=1) if len(row) < least)
        raise ValueError(f"its {kind} line number {nth} has fewer than {least} numbers")
    try:
        return np.array([[float(word) for word in row[:columns]] for row in split])
    except ValueError as error:
        raise ValueError(f"its {kind} lines hold something that is no number") from error


def parse_mtl(data: bytes) -> dict[str, dict[str, list[str]]]:
    """Statements of an .mtl file.

    Returns:
        For each material, by name, the words after each keyword (in lower case).
    """
    materials: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] = {}
    for line in decoded(data).splitlines():
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if words[0].lower() == "newmtl":
            current = materials.setdefault(" ".join(words[1:]), {})
        else:
            current[words[0].lower()] = words[1:]
    return materials
