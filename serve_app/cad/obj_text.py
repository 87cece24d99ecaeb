"""Makes OBJ text unambiguous before the parser sees it, and reads .mtl text."""

from __future__ import annotations

from dataclasses import dataclass, field

_KINDS = ("v", "vt", "vn")


@dataclass
class NormalisedObj:
    """OBJ text that a simple parser cannot get wrong.

    Attributes:
        text: the ``v``, ``vt`` and ``vn`` lines, then for each group an ``o`` line with its name and its ``f`` lines;
            words joined by one space, indices absolute.
        libraries: files named by ``mtllib``, in order.
        groups: by name, what sets the faces of a group apart.
    """

    text: str
    libraries: list[str]
    groups: dict[str, FaceGroup]


@dataclass(frozen=True)
class FaceGroup:
    """Faces that can be read as one.

    Attributes:
        material: name after the file's own ``usemtl``, or None before the first.
        has_uv: every corner names a texture coordinate.
        has_normals: every corner names a normal.
        smooth: a smoothing group was on.
    """

    material: str | None
    has_uv: bool
    has_normals: bool
    smooth: bool


@dataclass
class _State:
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    material: str | None = None
    smooth: bool = False
    faces: dict[FaceGroup, list[str]] = field(default_factory=dict)


def normalised_obj(text: str) -> NormalisedObj:
    """Rewrite OBJ text.

    A negative index counts back from the elements *read so far*; parsers that count back from the end of the whole list
    get it wrong as soon as a vertex follows the face, as in any file with several objects.

    Args:
        text: content of an OBJ file.

    Raises:
        ValueError: an index is 0, out of range or not a number; the line is named.
    """
    state, lines, libraries = _State(), list[str](), list[str]()
    for number, line in enumerate(text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines(), start=1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        keyword = words[0]
        if keyword in state.counts:
            state.counts[keyword] += 1
            lines.append(" ".join(words))
        elif keyword == "f":
            _add_face(words[1:], state, number)
        elif keyword == "usemtl":
            state.material = " ".join(words[1:])
        elif keyword == "s":
            state.smooth = words[1:] not in (["off"], ["0"], [])
        elif keyword == "mtllib":
            libraries += _library_names(words[1:])
    groups = {f"group{index}": group for index, group in enumerate(state.faces)}
    for name, group in groups.items():
        lines += [f"o {name}", *state.faces[group]]
    return NormalisedObj("\n".join(lines) + "\n", libraries, groups)


def _library_names(words: list[str]) -> list[str]:
    """``mtllib`` may name several files, and a file's name may hold spaces: each that ends in .mtl ends a name."""
    names, rest = [], list[str]()
    for word in words:
        rest.append(word)
        if word.lower().endswith(".mtl"):
            names.append(" ".join(rest))
            rest = []
    return names + ([" ".join(rest)] if rest else [])


def _add_face(corners: list[str], state: _State, number: int) -> None:
    split = [_absolute(corner, state.counts, number) for corner in corners]
    has_uv, has_normals = (bool(split) and all(len(indices) > place and indices[place] for indices in split) for place in (1, 2))
    group = FaceGroup(state.material, has_uv, has_normals, state.smooth)
    pattern = {(True, True): "{0}/{1}/{2}", (True, False): "{0}/{1}", (False, True): "{0}//{2}", (False, False): "{0}"}[has_uv, has_normals]
    face = "f " + " ".join(pattern.format(*indices, "", "") for indices in split)
    state.faces.setdefault(group, []).append(face)


def _absolute(corner: str, counts: dict[str, int], number: int) -> list[str]:
    indices = corner.split("/")
    for place, kind in enumerate(_KINDS[: len(indices)]):
        if not indices[place]:
            continue
        try:
            index = int(indices[place])
        except ValueError as error:
            raise ValueError(f"line {number}: {corner!r} is not a face corner") from error
        absolute = index + counts[kind] + 1 if index < 0 else index
        if absolute < 1:
            raise ValueError(f"line {number}: face corner {corner!r} has the index {index}, which no {kind} line has")
        indices[place] = str(absolute)
    return indices


def parse_mtl(text: str) -> dict[str, dict[str, list[str]]]:
    """Statements of an .mtl file.

    Returns:
        For each material, by name, the words after each keyword (in lower case).
    """
    materials: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if words[0].lower() == "newmtl":
            current = materials.setdefault(" ".join(words[1:]), {})
        else:
            current[words[0].lower()] = words[1:]
    return materials
