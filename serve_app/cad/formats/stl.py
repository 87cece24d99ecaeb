"""Reads STL files, binary and ascii."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial
from serve_app.cad.formats.stl_ascii import coordinates_in, without_names
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.submesh import Submesh
from serve_app.cad.refusals import unknown_to_trimesh

_HEADER = 84
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])

_COLORED = 0x8000
"""Set in the attribute of a facet that has a colour, as some programs write them."""


def stl_submeshes(data: bytes, limits: CadLimits) -> list[Submesh]:
    """The one submesh of an STL file, or none when it has no faces.

    STL has neither colours that others would read nor shared vertices, and its normals say nothing that its corners do
    not: every face is flat.

    Raises:
        ValueError: it is damaged; what is wrong.
        ServiceError: ``cad_too_large``.
    """
    vertices = _binary(data, limits)
    if vertices is None:
        vertices = _ascii(data, limits)
    if not len(vertices):
        return []
    return [Submesh(vertices, np.arange(len(vertices)).reshape(-1, 3), None, None, None, SurfaceMaterial())]


def _binary(data: bytes, limits: CadLimits) -> NDArray[np.float64] | None:
    """(V, 3) corners, or None when it is no binary STL: many of those begin with the word solid too."""
    declared = struct.unpack_from("<I", data, _HEADER - 4)[0] if len(data) >= _HEADER else None
    rest = -1 if declared is None else len(data) - _HEADER - declared * _FACET.itemsize
    # Some writers fill up their last block.
    if declared is not None and (rest == 0 or (declared and 0 < rest < _FACET.itemsize and not data[-rest:].strip(b"\0\r\n\t "))):
        limits.check_faces(declared)
        return np.frombuffer(data, _FACET, declared, _HEADER)["corners"].reshape(-1, 3).astype(np.float64)
    if data[:512].lstrip()[:5].lower() == b"solid" and b"\0" not in data:
        return None
    if declared is None:
        raise ValueError(f"it has {len(data)} bytes: neither an ascii STL nor long enough for a binary one")
    raise ValueError(
        f"its length does not fit the number of triangles in its header: {declared} need {_HEADER + declared * _FACET.itemsize} bytes, "
        f"it has {len(data)}"
    )


def _ascii(data: bytes, limits: CadLimits) -> NDArray[np.float64]:
    text = data.lower().replace(b"\r", b"\n")
    complete = text.rfind(b"endsolid") > text.rfind(b"endfacet")
    text = without_names(text)
    ends = text.count(b"endfacet")
    limits.check_faces(ends)
    if not complete or text.count(b"facet") != 2 * ends:
        raise ValueError(
            f"it ends too early or is damaged: an ascii STL ends in endsolid, and each facet in endfacet; it has {ends} whole facets"
        )
    numbers = coordinates_in(text)
    if len(numbers) != 9 * ends:
        raise ValueError(f"its {ends} facets have {len(numbers)} coordinates, not {9 * ends}: each has three vertices of three")
    return numbers.reshape(-1, 3)


def stl_warnings(data: bytes) -> list[str]:
    """What to tell of a binary STL that could be read: of colours, which no two programs write alike, and of bytes after its end."""
    if b"\0" not in data or len(data) < _HEADER + _FACET.itemsize:
        return []
    count = (len(data) - _HEADER) // _FACET.itemsize
    warnings = [] if len(data) == _HEADER + count * _FACET.itemsize else [unknown_to_trimesh("bytes after its last triangle")]
    marked = np.frombuffer(data, _FACET, count, _HEADER)["attribute"] & _COLORED
    if b"COLOR=" not in data[:_HEADER] and 2 * np.count_nonzero(marked) < count:
        return warnings
    return [*warnings, "the colours of an STL file are not read: no two programs agree on them; export it as PLY, OBJ or GLB to keep them"]
