"""Reads many numbers from text at once."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def numbers_in(text: bytes, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """All numbers of a text, which are separated by white space.

    Raises:
        ValueError: there is something else in it.
    """
    text = text.strip()
    if not text:
        return np.empty(0, dtype=dtype)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy stops at what is no number, and only warns.
            return np.fromstring(text, dtype=dtype, sep=" ")
    except (DeprecationWarning, ValueError) as error:
        raise ValueError(f"there is something between its numbers that is no number{_comma(text)}") from error


_DECIMAL_COMMA = re.compile(rb"(?:^|\s)([-+]?\d+,\d+(?:[eE][-+]?\d+)?)(?=\s|$)")


def _comma(text: bytes) -> str:
    """What to tell where numbers have a decimal comma, as some programs write them in some countries."""
    found = _DECIMAL_COMMA.search(text)
    return f": a decimal comma ({found.group(1).decode()[:30]}); export it with decimal points" if found else ""


def count_of_words(text: bytes) -> int:
    """How many words, or numbers, there are in a text; far quicker than reading them."""
    white = np.frombuffer(text, dtype=np.uint8) <= ord(" ")
    return int(np.count_nonzero(white[:-1] & ~white[1:])) + int(len(white) > 0 and not white[0])
