"""Well-known formats that are not read, and what to export instead."""

from __future__ import annotations

_FROM_CAD = "export it from {program} as {wanted}"
_STEP, _GLB = "STEP (.step), or as STL or OBJ in mm", "GLB (.glb), or as PLY or OBJ"

_PROGRAMS = {
    (".sldprt", ".sldasm"): ("SolidWorks", _STEP),
    (".ipt", ".iam"): ("Inventor", _STEP),
    (".prt", ".asm"): ("Creo, NX or Solid Edge", _STEP),
    (".par", ".psm"): ("Solid Edge", _STEP),
    (".catpart", ".catproduct", ".cgr"): ("CATIA", _STEP),
    (".f3d", ".f3z"): ("Fusion", _STEP),
    (".x_t", ".x_b", ".xmt_txt", ".xmt_bin"): ("the CAD program (it is Parasolid)", _STEP),
    (".sat", ".sab"): ("the CAD program (it is ACIS)", _STEP),
    (".dwg", ".dxf"): ("AutoCAD, where it holds a solid,", _STEP),
    (".jt",): ("the CAD program", _STEP),
    (".3dm",): ("Rhino", _STEP),
    (".skp",): ("SketchUp", _GLB),
    (".fcstd",): ("FreeCAD", _STEP),
    (".scad",): ("OpenSCAD", "STL or OFF, in mm"),
    (".brep", ".brp"): ("FreeCAD", _STEP),
    (".fbx",): ("Blender", _GLB),
    (".usd", ".usda", ".usdc", ".usdz"): ("Blender or Omniverse", _GLB),
    (".blend",): ("Blender", _GLB),
    (".max", ".3ds"): ("3ds Max", _GLB),
    (".c4d",): ("Cinema 4D", _GLB),
    (".ma", ".mb"): ("Maya", _GLB),
}

_ADVICE = {
    ending: _FROM_CAD.format(program=program, wanted=wanted) for endings, (program, wanted) in _PROGRAMS.items() for ending in endings
}


def instead(suffix: str) -> str | None:
    """What to do about a file of a format that is not read; None for one that is not known.

    Args:
        suffix: the ending of its name, in any case.
    """
    return _ADVICE.get(suffix.lower())
