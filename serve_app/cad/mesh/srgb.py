"""Colours as screens have them, and as light adds up."""

from __future__ import annotations


def linear(channel: float) -> float:
    """Linear value of an sRGB channel; both 0..1."""
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def encoded(channel: float) -> int:
    """The sRGB byte of a linear channel, 0..1."""
    value = 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055
    return round(255 * min(max(value, 0.0), 1.0))
