"""A box as IGES: six flat surfaces (entity 128), in millimetres."""

from __future__ import annotations

from collections.abc import Sequence

_CORNERS = [(x, y, z) for z in (-10, 30) for y in (-20, 25) for x in (-30, 40)]
_SIDES = [(0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 4, 5), (2, 3, 6, 7), (0, 2, 4, 6), (1, 3, 5, 7)]
_GLOBAL = (
    "1H,,1H;,4Hpart,8Hpart.igs,4Hnone,4Hnone,32,38,6,308,15,4Hpart,1.,{flag},{unit},1,1.,13H200101.000000,1.E-06,1000.,4Hnone,4Hnone,11,0,"
    "13H200101.000000;"
)

SURFACES = [
    "128,1,1,1,1,0,0,1,0,0,0.,0.,1.,1.,0.,0.,1.,1.,1.,1.,1.,1.,"
    + ",".join(f"{float(value)}" for corner in side for value in _CORNERS[corner])
    + ",0.,1.,0.,1.;"
    for side in _SIDES
]
"""Parameter data of the box's sides."""


def iges(entities: Sequence[str] = SURFACES, *, flag: int = 2, unit: str = "2HMM") -> bytes:
    """A file of some entities.

    Args:
        entities: parameter data of each, which begin with its type.
        flag: of the unit: 2 for millimetres, 3 for a unit by name.
        unit: its name, as a Hollerith string.
    """
    start = _lines("S", ["part"])
    head = _lines("G", _wrapped(_GLOBAL.format(flag=flag, unit=unit), 72))
    directory, parameters = list[str](), list[str]()
    for number, entity in enumerate(entities):
        pieces, kind = _wrapped(entity, 64), entity.split(",", 1)[0]
        first = len(parameters) + 1
        parameters += [f"{piece:<64}{2 * number + 1:>8}" for piece in pieces]
        directory.append("".join(f"{value:>8}" for value in (kind, first, 0, 0, 0, 0, 0, 0, "00000000")))
        directory.append("".join(f"{value:>8}" for value in (kind, 0, 0, len(pieces), 0, "", "", "", 0)))
    sections = [start, head, _lines("D", directory), _lines("P", parameters)]
    end = "".join(f"{letter}{len(lines):>7}" for letter, lines in zip("SGDP", sections, strict=True))
    return "".join(f"{line}\n" for section in [*sections, _lines("T", [end])] for line in section).encode()


def _wrapped(text: str, width: int) -> list[str]:
    """Pieces of at most so many characters, that end after a comma where they can."""
    pieces = []
    while len(text) > width:
        end = text.rfind(",", 0, width) + 1 or width
        pieces.append(text[:end])
        text = text[end:]
    return [*pieces, text]


def _lines(section: str, texts: Sequence[str]) -> list[str]:
    return [f"{text:<72}{section}{number:>7}" for number, text in enumerate(texts, 1)]
