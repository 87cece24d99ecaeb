"""The named parts of an assembly."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from serve_app.base.errors import ServiceError
from serve_app.cad.mesh.submesh import Submesh
from serve_app.cad.refusals import quoted

_MAX_NAMES = 20
"""Names that an error lists."""

_MAX_NAME = 200
"""Characters of a part's name."""


def part_name(text: str) -> str:
    """A name out of a file as it stands in answers and requests: short, on one line, without what cannot be printed."""
    return "".join(character if character.isprintable() else " " for character in text[:_MAX_NAME]).strip()


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
