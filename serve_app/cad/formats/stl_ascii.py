"""Reads the coordinates of ascii STL text."""

from __future__ import annotations

import contextlib
import re

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.text.numbers import numbers_in
from serve_app.cad.text.words import WHITE, word_starts

_SOLID = re.compile(rb"solid\b[^\n]*")
_NORMAL = re.compile(rb"facet\s+normal(?:\s+[^\s]+){3}")
_WORDS = re.compile(rb"\b(?:outer\s+loop|endloop|endfacet|vertex)\b")
_FACET = (
    *(b"facet", b"normal", None, None, None, b"outer", b"loop"),
    *(b"vertex", None, None, None) * 3,
    *(b"endloop", b"endfacet"),
)
"""The words of a facet; None for a number."""
_COORDINATES = [place for place, word in enumerate(_FACET) if word is None and place > 7]


def coordinates_in(text: bytes, facets: int) -> NDArray[np.float64]:
    """All numbers behind the word vertex.

    Args:
        text: in lower case, without its solid and endsolid lines.
        facets: how often it holds the word endfacet.

    Raises:
        ValueError: there is something in it that does not belong there.
    """
    array = np.frombuffer(text + b"\n" * 8, dtype=np.uint8)
    starts = word_starts(array)
    if facets and len(starts) == facets * len(_FACET):
        lengths = np.diff(starts, append=len(array))
        places = starts.reshape(facets, -1)
        if all(_all_are(word, array, places[:, place]) for place, word in enumerate(_FACET) if word is not None):
            wanted = np.array([place in _COORDINATES for place in range(len(_FACET))])
            with contextlib.suppress(ValueError):
                return numbers_in(array[starts[0] :][np.repeat(np.tile(wanted, facets), lengths)].tobytes())
    # Something is out of the usual, such as a facet without a normal: look for each word, which takes longer.
    return numbers_in(_WORDS.sub(b" ", _NORMAL.sub(b" ", text)))


def _all_are(word: bytes, text: NDArray[np.uint8], starts: NDArray[np.int64]) -> bool:
    """Whether this word, of eight letters at most, stands at all these places, and white space after it."""
    eights: NDArray[np.uint64] = np.ndarray(len(text) - 7, dtype="<u8", buffer=text, strides=(1,))  # The eight bytes from each place on.
    letters, all_letters = int.from_bytes(word, "little"), (1 << 8 * len(word)) - 1
    return bool(((eights[starts] & np.uint64(all_letters)) == letters).all() and WHITE[text[starts + len(word)]].all())


def without_names(text: bytes) -> bytes:
    """Text in lower case without the lines that begin with solid or endsolid: what follows these words may be anything."""
    pieces, begin = [], 0
    for found in _SOLID.finditer(text):
        start = text.rfind(b"\n", 0, found.start()) + 1
        if text[start : found.start()].lstrip(b" \t") in (b"", b"end"):
            pieces += [text[begin:start], b" "]
            begin = found.end()
    return b"".join([*pieces, text[begin:]])
