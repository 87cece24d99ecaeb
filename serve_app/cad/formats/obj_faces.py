"""Reads the face lines of OBJ text, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.geometry import fan
from serve_app.cad.refusals import quoted
from serve_app.cad.text.encoding import decoded
from serve_app.cad.text.numbers import numbers_in
from serve_app.cad.text.words import WHITE, Words, lines_in, mapped, words_in

KINDS = ("v", "vt", "vn")
"""What a corner may refer to, in the order in which it does."""

FORMS = ("v", "vt", "vn", "vtn")
"""Which indices all corners of a face give."""

COLUMNS = {"v": ("v",), "vt": ("v", "vt"), "vn": ("v", "vn"), "vtn": ("v", "vt", "vn")}

_PLAIN = {"v": b"%(v)d", "vt": b"%(v)d/%(vt)d", "vn": b"%(v)d//%(vn)d", "vtn": b"%(v)d/%(vt)d/%(vn)d"}

# Classes of bytes.
_SPACE, _DIGIT, _MINUS, _SLASH, _OTHER = range(5)
_CLASS = np.full(256, _OTHER, dtype=np.uint8)
_CLASS[WHITE] = _SPACE
_CLASS[list(b"0123456789")] = _DIGIT
_CLASS[ord("-")], _CLASS[ord("/")] = _MINUS, _SLASH

_FOLLOWS = np.zeros(256, dtype=bool)
"""Whether a byte of one class may stand before one of another in plain corners; at 8 times the first class plus the second."""
for _before, _after in (
    *((_SPACE, _SPACE), (_SPACE, _DIGIT), (_SPACE, _MINUS), (_DIGIT, _DIGIT), (_DIGIT, _SPACE), (_DIGIT, _SLASH)),
    *((_MINUS, _DIGIT), (_SLASH, _DIGIT), (_SLASH, _MINUS), (_SLASH, _SLASH), (_SLASH, _SPACE)),
):
    _FOLLOWS[8 * _before + _after] = True

_WEIGHTS = np.zeros(256, dtype=np.uint8)
"""Summed over a corner they tell its form: 4 for each slash, 2 for two in a row, 1 for one at its end; placed as above."""
_WEIGHTS[[8 * _DIGIT + _SLASH, 8 * _SLASH + _SLASH, 8 * _SLASH + _SPACE]] = 4, 6, 1

_NO_FORM = len(FORMS)
_FORM = np.full(13, _NO_FORM, dtype=np.uint8)
"""The form, a place in ``FORMS``, by that sum: of 1, 1/, 1//; 1/2, 1/2/; 1//2; and 1/2/3."""
_FORM[[0, 5, 11]], _FORM[[4, 9]], _FORM[10], _FORM[8] = 0, 1, 2, 3


@dataclass(frozen=True)
class Triangles:
    """The faces of a file, as triangles, in its order.

    Attributes:
        line: (T,) which of the face lines each comes from.
        form: (T,) place in ``FORMS``.
        indices: for each kind of index, (T, 3) from 0; what it holds for forms without that kind means nothing.
    """

    line: NDArray[np.int64]
    form: NDArray[np.uint8]
    indices: dict[str, NDArray[np.int64]]


def read_faces(
    text: NDArray[np.uint8], numbers: NDArray[np.int64], read: dict[str, NDArray[np.int64]], sizes: dict[str, int], limits: CadLimits
) -> tuple[Triangles, NDArray[np.uint8]]:
    """Read face lines. Those of fewer than three corners, points or edges, give no triangle.

    Args:
        text: the lines, without their keywords; changed.
        numbers: (L,) line number of each, for messages.
        read: (L,) for each kind, how many elements there are before each line, from where negative indices count back.
        sizes: for each kind, how many elements there are in all.
        limits: of the CAD.

    Returns:
        The triangles, and for each line its form.

    Raises:
        ValueError: something that is no corner, or an index that nothing has; the line is named.
        ServiceError: ``cad_too_large``.
    """
    words, forms = _plain(text, numbers)
    polygons = words.counts >= 3
    counts = np.where(polygons, words.counts, 0)
    limits.check_faces(int((counts[polygons] - 2).sum()))
    form_of_word = np.repeat(forms, words.counts)
    widths = np.array([len(COLUMNS[form]) for form in FORMS])[form_of_word]
    text[text == ord("/")] = ord(" ")
    given = numbers_in(text.tobytes(), np.int64)
    column = np.cumsum(widths) - widths  # Of each corner's first number.
    kept = np.repeat(polygons, words.counts)
    column, form_of_word = column[kept], form_of_word[kept]
    places, line = fan(counts)
    indices: dict[str, NDArray[np.int64]] = {}
    for kind in KINDS:
        has = np.array([kind in COLUMNS[form] for form in FORMS])
        nth = np.array([COLUMNS[form].index(kind) if kind in COLUMNS[form] else 0 for form in FORMS])
        if not has[forms].any():
            continue
        values = given[column + nth[form_of_word]]
        index = values - 1
        if (values < 0).any():
            index = np.where(values < 0, values + np.repeat(read[kind], counts), index)
        wrong = np.flatnonzero(((index < 0) | (index >= sizes[kind])) & has[form_of_word])
        if len(wrong):
            at = int(np.searchsorted(np.cumsum(counts), wrong[0], side="right"))
            raise ValueError(
                f"line {numbers[at]}: a face has the index {values[wrong[0]]}, which no {kind} line has; there are {sizes[kind]}"
            )
        indices[kind] = index[places]
    return Triangles(line, forms[line], indices), forms


def _plain(text: NDArray[np.uint8], numbers: NDArray[np.int64]) -> tuple[Words, NDArray[np.uint8]]:
    """The corners of face lines, and the form of each line; lines that mix forms, or are odd, are written anew in plain form."""
    words, forms, odd = _forms_of(text)
    if len(odd):
        starts, ends = lines_in(text)
        for line, start, end in zip(odd.tolist(), starts[odd].tolist(), ends[odd].tolist(), strict=True):
            place = slice(start, end - 1)
            corners = _common_form(text[place].tobytes().split(), int(numbers[line]))
            text[place] = np.frombuffer(corners.ljust(place.stop - place.start), dtype=np.uint8)
        words, forms, odd = _forms_of(text)
    return words, forms


def _forms_of(text: NDArray[np.uint8]) -> tuple[Words, NDArray[np.uint8], NDArray[np.int64]]:
    """The words of a text of face lines, the form of each line, and which lines are not in one form or not plain."""
    words = words_in(text)
    classes = mapped(text, _CLASS)
    pairs = classes.copy()
    pairs[1:] += 8 * classes[:-1]
    forms = np.zeros(len(words.counts), dtype=np.uint8)
    odd = np.logical_or.reduceat(mapped(pairs, ~_FOLLOWS), words.lines) if len(words.lines) else np.zeros(0, dtype=bool)
    if len(words.starts) and (classes == _SLASH).any():
        sums = np.add.reduceat(mapped(pairs, _WEIGHTS), words.starts, dtype=np.uint32)
        form_of_word = _FORM[np.minimum(sums, len(_FORM) - 1)]
        line = np.repeat(np.arange(len(words.counts)), words.counts)
        some = words.counts > 0
        forms[some] = form_of_word[words.first[some]]
        odd[line[(form_of_word != forms[line]) | (form_of_word == _NO_FORM)]] = True
    return words, forms, np.flatnonzero(odd)


def _common_form(corners: list[bytes], number: int) -> bytes:
    """The corners of a face with the indices that all of them give, where some give more than others."""
    read: list[dict[str, int]] = []
    for corner in corners:
        try:
            indices = {kind: int(text) for kind, text in zip(KINDS, corner.split(b"/"), strict=False) if text}
        except ValueError:
            indices = {}
        if "v" not in indices or corner.count(b"/") > 2:
            raise ValueError(f"line {number}: {quoted(decoded(corner))} is not a face corner")
        read.append(indices)
    form = "v" + "".join(kind[1] for kind in ("vt", "vn") if all(kind in corner for corner in read))
    return b" ".join(_PLAIN[form] % {kind.encode(): index for kind, index in corner.items()} for corner in read)
