"""Makes OBJ text unambiguous before the parser sees it."""

from __future__ import annotations


def with_absolute_indices(text: str) -> str:
    """OBJ text with relative (negative) face indices made absolute.

    A negative index counts back from the vertices *read so far*. Parsers that count back from the end of the whole list
    get it wrong as soon as a vertex follows the face, as in any file with several objects.

    Args:
        text: content of an OBJ file.

    Returns:
        The same text where no face has a negative index; untouched when none had one.
    """
    if not any(line.startswith("f") and "-" in line for line in text.splitlines()):
        return text
    counts = {"v": 0, "vt": 0, "vn": 0}
    lines = []
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split()
        if words and words[0] in counts:
            counts[words[0]] += 1
        elif words and words[0] == "f":
            line = "f " + " ".join(_absolute(corner, counts) for corner in words[1:])
        lines.append(line)
    return "\n".join(lines) + "\n"


def _absolute(corner: str, counts: dict[str, int]) -> str:
    indices = corner.split("/")
    for position, kind in enumerate(("v", "vt", "vn")):
        if position < len(indices) and indices[position].startswith("-"):
            indices[position] = str(counts[kind] + 1 + int(indices[position]))
    return "/".join(indices)
