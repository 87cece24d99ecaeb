"""Numbers and colours in a glTF header."""

from __future__ import annotations

from typing import Any

_MOST = 1e6


def number_of(entry: dict[str, Any], key: str, default: float, owner: str) -> float:
    """A number in an entry of the header.

    Raises:
        ValueError: it is something else, or so large that it means nothing.
    """
    value = entry.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MOST:
        raise ValueError(f"{owner} has a {key} that is no number from {-_MOST:g} to {_MOST:g}")
    return float(value)


def numbers_of(entry: dict[str, Any], key: str, default: tuple[float, ...], owner: str) -> tuple[float, ...]:
    """As many numbers as its default has."""
    values = entry.get(key, default)
    if not isinstance(values, list | tuple) or len(values) != len(default):
        raise ValueError(f"{owner} has a {key} that is not {len(default)} numbers")
    return tuple(number_of({key: value}, key, 0.0, owner) for value in values)


def color_of(entry: dict[str, Any], key: str, default: tuple[float, float, float], owner: str) -> tuple[float, float, float]:
    """A linear colour, 0..1."""
    red, green, blue = (clamped(value) for value in numbers_of(entry, key, default, owner))
    return red, green, blue


def clamped(value: float) -> float:
    """The nearest number in 0..1."""
    return min(max(value, 0.0), 1.0)
