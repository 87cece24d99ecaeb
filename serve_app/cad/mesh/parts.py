"""The named parts of an assembly."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serve_app.base.errors import ServiceError
from serve_app.cad.mesh.geometry import bounds
from serve_app.cad.mesh.submesh import Submesh, compacted
from serve_app.cad.refusals import quoted

_MAX_NAMES = 20
"""Names that an error lists."""

_MAX_NAME = 200
"""Characters of a part's name."""


def part_name(text: str) -> str:
    """A name out of a file as it stands in answers and requests: short, on one line, without what cannot be printed."""
    return "".join(character if character.isprintable() else " " for character in text[:_MAX_NAME]).strip()


Point = tuple[float, float, float]


@dataclass(frozen=True)
class CadPart:
    """A named part of a CAD.

    Attributes:
        name: as the file has it.
        faces: its triangles.
        low: lowest coordinates of its faces, in the CAD's frame and unit.
        high: highest ones.
    """

    name: str
    faces: int
    low: Point
    high: Point


FaceRun = tuple[int, int]
"""Index of a part, or -1 for none, and how many faces in a row are its own."""


def face_runs(submeshes: list[Submesh], parts: Sequence[CadPart]) -> tuple[FaceRun, ...]:
    """Which faces of the joined mesh are which part's.

    Args:
        submeshes: as they are joined: ``joined`` leaves out faces that name a vertex twice.
        parts: of the CAD.
    """
    index_of, runs = {part.name: index for index, part in enumerate(parts)}, list[FaceRun]()
    for submesh in submeshes:
        first, second, third = submesh.faces.T
        count = int(((first != second) & (second != third) & (third != first)).sum())
        part = index_of.get(submesh.part, -1)
        if runs and runs[-1][0] == part:
            part, before = runs.pop()
            count += before
        if count:
            runs.append((part, count))
    return tuple(runs)


def parts_of(submeshes: list[Submesh]) -> tuple[CadPart, ...]:
    """All named parts that have a face, in the file's order; what has the same name is one part."""
    named: dict[str, list[Submesh]] = {}
    for submesh in submeshes:
        if submesh.part and len(submesh.faces):
            named.setdefault(submesh.part, []).append(submesh)
    return tuple(_part(name, own) for name, own in named.items())


def _part(name: str, submeshes: list[Submesh]) -> CadPart:
    corners = list[NDArray[np.float64]]()
    for submesh in submeshes:
        used, _ = compacted(submesh.vertices, submesh.faces)
        corners += bounds(submesh.vertices[used])
    low, high = bounds(np.array(corners))
    return CadPart(name, sum(len(submesh.faces) for submesh in submeshes), _point(low), _point(high))


def _point(values: NDArray[np.float64]) -> Point:
    x, y, z = values.tolist()
    return x, y, z


def names_of(submeshes: list[Submesh]) -> tuple[str, ...]:
    """Names of all parts, each once, in the file's order."""
    return tuple(dict.fromkeys(submesh.part for submesh in submeshes if submesh.part))


def unique_names(names: Sequence[str]) -> list[str]:
    """The names, each once: the second ``bolt`` becomes ``bolt #2``, the third ``bolt #3``. Empty ones stay empty."""
    taken, count = set(names), dict[str, int]()
    result = []
    for name in names:
        if not name or name not in count:
            count[name] = 1
            result.append(name)
            continue
        number = count[name] + 1
        while f"{name} #{number}" in taken:
            number += 1
        count[name] = number
        taken.add(f"{name} #{number}")
        result.append(f"{name} #{number}")
    return result


def only(parts: tuple[str, ...], submeshes: list[Submesh]) -> list[Submesh]:
    """The submeshes of the wanted parts.

    Args:
        parts: names; none for all.
        submeshes: of the whole assembly.

    Raises:
        ServiceError: ``cad_part_unknown``: the CAD has no part of that name.
    """
    if not parts:
        return submeshes
    names = names_of(submeshes)
    for part in parts:
        if part not in names:
            raise _unknown(part, names)
    return [submesh for submesh in submeshes if submesh.part in parts]


def _unknown(part: str, names: tuple[str, ...]) -> ServiceError:
    if not names:
        return ServiceError("cad_part_unknown", f"parts names {quoted(part)}, and the CAD has no named parts; leave parts out", "parts")
    near = difflib.get_close_matches(part, names, 1)
    listed = ", ".join(map(quoted, names[:_MAX_NAMES])) + (f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else "")
    meant = f"did you mean {quoted(near[0])}? " if near else ""
    return ServiceError("cad_part_unknown", f"the CAD has no part {quoted(part)}; {meant}its parts are {listed}", "parts")
