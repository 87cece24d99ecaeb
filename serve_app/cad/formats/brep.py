"""Reads STEP and IGES: exact surfaces, which become triangles as fine as can be seen."""

from __future__ import annotations

import dataclasses
import re
import struct

from serve_app.cad.formats.brep_facts import BrepFacts
from serve_app.cad.formats.iges_text import iges_facts
from serve_app.cad.formats.occt import BrepFormat, tessellated
from serve_app.cad.formats.occt_glb import OcctGlb
from serve_app.cad.formats.reader import CadContent, CadSource
from serve_app.cad.formats.step_text import missing_entity, step_facts
from serve_app.cad.formats.step_values import check_values
from serve_app.cad.read_options import ReadOptions, Tessellation
from serve_app.cad.text.encoding import decoded
from serve_app.cad.units import MM_PER_UNIT

MAX_ERROR = 0.25
"""Pixels between a surface and its triangles."""

_ANGLE = 0.2
"""Radians between neighbouring edges of a curve: for normals and highlights, where the error alone would allow more."""

_COARSENESS: dict[Tessellation, float] = {"coarse": 4.0, "normal": 1.0, "fine": 0.25}
"""Times the error and the angle."""

_UNKNOWN_EXTENT = 1000.0
"""Millimetres. The first reading is then coarse, and tells."""

_SYNTAX = re.compile(r"Line (\d+): Incorrect syntax: (.*?)\s*\*")
_DAMAGED = re.compile(r"Incorrect Syntax : Fails Count : (\d+)")
_UNRESOLVED = re.compile(r"Unresolved Reference : Fails Count : (\d+)")
_MILLIMETRES: dict[BrepFormat, float] = {"step": 1000.0, "iges": 1.0}
"""In the unit of what OpenCASCADE makes of a format: it turns both to millimetres, and only for one it says so in the GLB."""

_REMEDY = {"step": "export it as AP214 or AP242", "iges": "export its surfaces as trimmed surfaces, or better as STEP AP214 or AP242"}


def brep_content(source: CadSource) -> CadContent:
    """The parts of a STEP or IGES file, in the file's own frame and unit.

    Triangles are at most ``MAX_ERROR`` of a pixel away from their surfaces. How large a pixel is, only the size of the CAD tells:
    a first reading by what the text says of it is mostly fine enough, else there is another.

    Raises:
        ValueError: it is damaged, or holds no surfaces; what is wrong, and the remedy.
        ServiceError: ``cad_too_large``.
    """
    kind: BrepFormat = "step" if source.suffix in (".step", ".stp") else "iges"
    data = source.data
    if kind == "step" and not data.isascii():  # Names in other encodings than UTF-8 would be lost.
        data = decoded(data).encode()
    facts = step_facts(data) if kind == "step" else iges_facts(data)
    if kind == "step":
        check_values(data)
    options = source.options
    tolerance = _tolerance(facts.extent / 2 if facts.extent else _UNKNOWN_EXTENT, options)
    glb, said = _read(data, kind, tolerance, options)
    diameter = glb.diameter(options.parts) * _MILLIMETRES[kind]
    needed = _tolerance(diameter, options)
    if diameter and (tolerance > needed or glb.triangles > source.limits.faces):
        glb, said = _read(data, kind, needed, options)
    source.textures.warnings += _warnings(data, facts, glb, said)
    submeshes = glb.submeshes(_MILLIMETRES[kind] / MM_PER_UNIT[facts.unit], source.limits)
    if kind == "iges":  # Its faces come as one shell, under OpenCASCADE's word for it.
        submeshes = [dataclasses.replace(submesh, part="") for submesh in submeshes]
    return CadContent(submeshes, facts.unit)


def _tolerance(diameter: float, options: ReadOptions) -> float:
    """Millimetres between a surface and its triangles, for a CAD of that diameter in millimetres."""
    return MAX_ERROR * diameter / options.pixels_across * _COARSENESS[options.tessellation]


def _read(data: bytes, kind: BrepFormat, tolerance: float, options: ReadOptions) -> tuple[OcctGlb, str]:
    made, said = tessellated(data, kind, tolerance, _ANGLE * _COARSENESS[options.tessellation])
    name, remedy = kind.upper(), _REMEDY[kind]
    if syntax := _SYNTAX.search(said):
        raise ValueError(f"its text is damaged at line {syntax.group(1)}: {syntax.group(2)}; save it anew, or {remedy}")
    if damaged := _DAMAGED.search(said):
        raise ValueError(
            f"{damaged.group(1)} of its values are not of the type that {name} has there: it is damaged; save it anew, or {remedy}"
        )
    try:
        glb = OcctGlb(made) if made else None
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise ValueError(f"its surfaces come to coordinates that are no numbers; repair them, and {remedy}") from error
    if glb is None or not glb.triangles:
        missing = missing_entity(data) if kind == "step" else None
        why = f"; the entity {missing} is not in the file" if missing else ""
        raise ValueError(f"it holds no solid and no surface that can be read, only curves, points or nothing{why}; {remedy}, with solids")
    return glb, said


def _warnings(data: bytes, facts: BrepFacts, glb: OcctGlb, said: str) -> list[str]:
    warnings = list(facts.warnings)
    if unresolved := _UNRESOLVED.search(said):
        missing = missing_entity(data)
        first = f", the first is {missing}" if missing else ""
        warnings.append(f"{unresolved.group(1)} entities that the STEP file names are not in it{first}; what needs them may be missing")
    if glb.faces < facts.faces:
        warnings.append(
            f"the STEP file has {facts.faces} faces, and {glb.faces} can be read: what only the others show is missing in the images; "
            "repair it, or export it as AP214 or AP242"
        )
    return warnings
