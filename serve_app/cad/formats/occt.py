"""Has OpenCASCADE make triangles of exact surfaces, and keeps what it prints to itself."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Literal

BrepFormat = Literal["step", "iges"]

_MIN_TOLERANCE = 1e-5
"""Millimetres; OpenCASCADE takes points nearer than 1e-7 for one."""

_MAX_SAID = 64 * 1024
_COLOURS = re.compile(r"\x1b\[[\d;]*m")


def tessellated(data: bytes, kind: BrepFormat, tolerance: float, angle: float) -> tuple[bytes, str]:
    """Triangles of a STEP or IGES file.

    Args:
        data: the file.
        kind: its format.
        tolerance: how far a triangle may be from its surface, in millimetres.
        angle: by how much two neighbouring edges of one curve may turn, in radians.

    Returns:
        A GLB, empty where nothing could be read, and what OpenCASCADE printed.
    """
    cascadio = _cascadio()
    return _quietly(
        lambda: cascadio.load(
            data,
            kind,
            tol_linear=max(tolerance, _MIN_TOLERANCE),
            tol_angular=angle,
            merge_primitives=False,  # One for each face: so they can be counted.
            use_parallel=False,  # Its threads count against the limits of this process, and the cores are others' as well.
        )
    )


def _cascadio() -> ModuleType:
    """Cascadio without trimesh: it would only add to it, and importing it takes longer than reading most files."""
    hidden = "trimesh" not in sys.modules
    if hidden:
        sys.modules["trimesh"] = None  # type: ignore[assignment]  # What Python takes for a module that is not there.
    try:
        return importlib.import_module("cascadio")
    finally:
        if hidden:
            del sys.modules["trimesh"]


def _quietly(work: Callable[[], bytes]) -> tuple[bytes, str]:
    """A result, and what was printed meanwhile by code that knows only the numbers of the output streams."""
    sys.stdout.flush()
    sys.stderr.flush()
    said = os.memfd_create("said")
    kept = [os.dup(1), os.dup(2)]
    try:
        os.dup2(said, 1)
        os.dup2(said, 2)
        result = work()
    finally:
        for number, stream in enumerate(kept, 1):
            os.dup2(stream, number)
            os.close(stream)
        text = os.pread(said, _MAX_SAID, 0).decode(errors="replace")
        os.close(said)
    return result, _COLOURS.sub("", text)
