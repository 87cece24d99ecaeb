"""What the global section of an IGES file says: its unit and its size."""

from __future__ import annotations

import re

from serve_app.cad.formats.brep_facts import BrepFacts, unit_of

_LINE = 80
_SECTION = 72
"""Column of the letter that tells a line's section."""

_MAX_GLOBAL_LINES = 200
_MILLIMETRES = {1: 25.4, 2: 1.0, 4: 304.8, 5: 1609344.0, 6: 1000.0, 7: 1e6, 8: 0.0254, 9: 1e-3, 10: 10.0, 11: 2.54e-5}
"""In each unit, by its flag in the file."""

_NAMES = {"IN": 25.4, "INCH": 25.4, "MM": 1.0, "FT": 304.8, "M": 1000.0, "CM": 10.0, "UM": 1e-3, "MIL": 0.0254, "KM": 1e6, "MI": 1609344.0}
"""In units that flag 3 leaves to the name."""

_COLOUR = re.compile(rb"^.{16}(?=.{0,7}[1-9]).{56}D", re.MULTILINE)
"""A line of the directory whose third field is not 0: in an entity's second line, its colour."""

_NAMED = re.compile(rb"^ {5}406.{64}D.{7}\s{1,2} {5}406.{24} {6}15", re.MULTILINE)
"""The two lines of the directory of a name that some entity has."""

_FLAG, _NAME, _LARGEST = 13, 14, 19
"""Places of parameters in the global section, from 0."""


def iges_facts(data: bytes) -> BrepFacts:
    """What is to be known of an IGES file before it is read.

    Raises:
        ValueError: it is no IGES file.
    """
    parameters = _parameters(_global_section(data))
    flag = _number(parameters, _FLAG)
    # The flag counts where both are there and do not agree; without both, IGES says inch.
    name = parameters[_NAME].strip().upper() if len(parameters) > _NAME else ""
    millimetres = 25.4 if flag is None and not name else _MILLIMETRES.get(int(flag or 3), _NAMES.get(name, 0.0))
    unit, warnings = unit_of([millimetres])
    if _COLOUR.search(data):
        warnings += ("the colours of an IGES file are not read; export it as STEP AP214 or AP242 to keep them",)
    if _NAMED.search(data):
        warnings += ("the names in an IGES file are not read: it is one part; export it as STEP AP214 or AP242 to choose parts",)
    largest = _number(parameters, _LARGEST)
    return BrepFacts(unit, warnings, 2 * abs(largest) * (millimetres or 1.0) if largest else None)


def _global_section(data: bytes) -> str:
    lines = data[: _LINE * 2000].decode("latin-1").splitlines()
    letters = {line[_SECTION] for line in lines if len(line) > _SECTION}
    if not {"S", "G"} <= letters:
        raise ValueError(
            "it has no start and global sections with S and G in column 73, as every IGES file in fixed ascii does; "
            "export it as IGES 5.3 ascii, or better as STEP AP214 or AP242"
        )
    _check_end(data)
    text = [line[:_SECTION] for line in lines if len(line) > _SECTION and line[_SECTION] == "G"]
    return "".join(text[:_MAX_GLOBAL_LINES])


def _check_end(data: bytes) -> None:
    """Its last line counts the lines of each section: a file that was cut off reads well, as fewer surfaces."""
    last = data.rstrip()[-2 * _LINE :].decode("latin-1").splitlines()[-1]
    counts = {letter: int(count) for letter, count in re.findall(r"([SGDP]) *(\d{1,7})", last[:32])}
    if last[_SECTION : _SECTION + 1] != "T" or "D" not in counts or "P" not in counts:
        raise ValueError("it ends too early: its last line is not the T section that every IGES file ends in; save it anew")
    for letter, what in (("D", "directory"), ("P", "parameter")):
        found = len(re.findall(rb"^.{72}%s *\d+\s*$" % letter.encode(), data, re.MULTILINE))
        if found != counts[letter]:
            raise ValueError(f"it has {found} lines in its {what} section, and its end says {counts[letter]}; save it anew")


def _parameters(text: str) -> list[str]:
    """Values of the global section; texts stand there as ``4HINCH``. It says itself what divides and what ends them."""
    divider, end, values, place = ",", ";", list[str](), 0
    while place < len(text):
        stop = place
        while stop < len(text) and text[stop].isdigit():
            stop += 1
        length = int(text[place:stop] or 0) if stop - place < 6 else 0
        if stop > place and text[stop : stop + 1] == "H":
            value, place = text[stop + 1 : stop + 1 + length], stop + 1 + length
        else:
            stop = min((found for found in (text.find(divider, place), text.find(end, place)) if found >= 0), default=len(text))
            value, place = text[place:stop].strip(), stop
        values.append(value)
        if len(values) == 1 and value:
            divider = value
        if len(values) == 2 and value:
            end = value
        if text[place : place + 1] != divider:
            break
        place += 1
        while text[place : place + 1] == " ":
            place += 1
    return values


def _number(parameters: list[str], place: int) -> float | None:
    try:
        return float(parameters[place].upper().replace("D", "E"))
    except (IndexError, ValueError):
        return None
