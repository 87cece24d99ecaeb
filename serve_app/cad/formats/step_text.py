"""What the text of a STEP file says, without its geometry being built: its unit, its size, and what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from serve_app.cad.formats.brep_facts import BrepFacts, unit_of
from serve_app.cad.text.numbers import numbers_in

_MM_PER_METRE = 1000.0
_PREFIXES = {
    b"$": 1.0,
    b".KILO.": 1e3,
    b".HECTO.": 1e2,
    b".DECA.": 1e1,
    b".DECI.": 1e-1,
    b".CENTI.": 1e-2,
    b".MILLI.": 1e-3,
    b".MICRO.": 1e-6,
    b".NANO.": 1e-9,
}
_UNITS = re.compile(rb"GLOBAL_UNIT_ASSIGNED_CONTEXT\s*\(\s*\(([#\d\s,]*)\)")
_SI = re.compile(rb"SI_UNIT\s*\(\s*([$.A-Z]+)\s*,\s*\.METRE\.\s*\)")
_CONVERTED = re.compile(rb"CONVERSION_BASED_UNIT\s*\(\s*'[^']*'\s*,\s*#(\d+)\s*\)")
_MEASURE = re.compile(rb"LENGTH_MEASURE\s*\(\s*([-+.\dEe]+)\s*\)\s*,\s*#(\d+)")
_NUMBER = re.compile(rb"#(\d+)\s*=")
_POINT = re.compile(rb"CARTESIAN_POINT\s*\(\s*'[^']*'\s*,\s*\(([^(),]*,[^(),]*,[^(),]*)\)")
_FACE = re.compile(rb"\b(?:ADVANCED_FACE|FACE_SURFACE)\s*\(")
_REFERENCE = re.compile(rb"#(\d+)")


def step_facts(data: bytes) -> BrepFacts:
    """What is to be known of a STEP file before it is read.

    Raises:
        ValueError: it is no STEP file.
    """
    if not data[:1024].lstrip().startswith(b"ISO-10303-21"):
        raise ValueError("it does not begin with ISO-10303-21, as every STEP file does; export it as AP214 or AP242")
    millimetres = _millimetres(data)
    unit, warnings = unit_of(millimetres)
    extent = _extent([match.group(1) for match in _POINT.finditer(data)])
    return BrepFacts(unit, warnings, extent and extent * (max(millimetres, default=0.0) or 1.0), len(_FACE.findall(data)))


def missing_entity(data: bytes) -> str | None:
    """The first entity that is named and is not there, with the one that names it, in words; None where none is missing."""
    defined = {match.group(1) for match in _NUMBER.finditer(data)}
    for match in _REFERENCE.finditer(data):
        if match.group(1) not in defined:
            start = data.rfind(b";", 0, match.start())
            owner = _NUMBER.search(data, start, match.start())
            return f"#{match.group(1).decode()}" + (f", which #{owner.group(1).decode()} names," if owner else "")
    return None


def _millimetres(data: bytes) -> list[float]:
    """Millimetres in the unit of length of each context that shapes stand in; 0 for a unit that cannot be told."""
    lengths = dict(_entities(data, b"LENGTH_UNIT"))
    measures = dict(_entities(data, b"LENGTH_MEASURE_WITH_UNIT"))

    def in_mm(number: bytes, depth: int = 0) -> float:
        entity = lengths.get(number, b"")
        if si := _SI.search(entity):
            return _PREFIXES.get(si.group(1), 0.0) * _MM_PER_METRE
        converted = _CONVERTED.search(entity)
        measure = _MEASURE.search(measures.get(converted.group(1), b"")) if converted else None
        if measure is None or depth > 3:
            return 0.0
        return float(measure.group(1)) * in_mm(measure.group(2), depth + 1)

    used = {number for match in _UNITS.finditer(data) for number in _REFERENCE.findall(match.group(1))}
    return [in_mm(number) for number in sorted(used & lengths.keys())]


def _entities(data: bytes, keyword: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Number and text of the entities that have a keyword in them. Each is gone through once, however often it has it."""
    place = data.find(keyword)
    while place >= 0:
        start, end = data.rfind(b";", 0, place) + 1, data.find(b";", place)
        end = len(data) if end < 0 else end
        if number := _NUMBER.search(data, start, end):
            yield number.group(1), data[number.end() : end]
        place = data.find(keyword, end)


def _extent(points: list[bytes]) -> float | None:
    """Diagonal of the box around all points of the text, in its unit. It knows nothing of where an assembly puts its parts."""
    if not points:
        return None
    try:
        places = numbers_in(b",".join(points).replace(b",", b" ")).reshape(-1, 3)
    except ValueError:
        return None
    extent = float(np.linalg.norm(np.ptp(places, axis=0)))
    return extent if np.isfinite(extent) and extent > 0 else None
