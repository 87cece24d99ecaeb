"""Reads OFF: text of vertices and polygons, with colours or normals where its first word says so (COFF, NOFF, STOFF)."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import SurfaceMaterial
from serve_app.cad.formats.reader import CadContent, CadSource
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.geometry import custom_normals
from serve_app.cad.mesh.polygons import concave_warning, triangulated
from serve_app.cad.mesh.submesh import Submesh
from serve_app.cad.text.encoding import as_utf8
from serve_app.cad.text.numbers import numbers_in

_HEADER = re.compile(rb"\s*(ST)?(C)?(N)?(4)?(n)?OFF(\s+BINARY)?")
_COMMENT = re.compile(rb"#[^\r\n]*")


def off_content(source: CadSource) -> CadContent:
    """The one submesh of an OFF file; it has no unit.

    Colours are of vertices (COFF) or of faces, 0..255, or 0..1 where none is above 1.

    Raises:
        ValueError: it is damaged.
        ServiceError: ``cad_too_large``.
    """
    data = _COMMENT.sub(b"", as_utf8(source.data))
    header = _HEADER.match(data)
    if header is None:
        raise ValueError("it does not begin with OFF; save it anew as OFF, or as PLY")
    textured, colored, normals, four, many, binary = header.groups()
    if four or many or binary:
        raise ValueError(
            "it is a binary OFF, or one of other than three dimensions, which is not read; save it anew as a text OFF, or as PLY"
        )
    lines = [line for line in data[header.end() :].splitlines() if not line.isspace() and line]
    count, faces = _counts(lines, source.limits)
    vertices = _table(lines[1 : 1 + count], "vertex")
    corners, counts, of_faces = _faces(lines[1 + count : 1 + count + faces])
    if not counts.size or not len(vertices):
        return CadContent([])
    if corners.size and (corners.min() < 0 or corners.max() >= count):
        raise ValueError(
            f"it has faces that refer to vertices it does not have: it has {count}, and they name {corners.min()} to {corners.max()}"
        )
    source.limits.check_faces(int(np.maximum(counts - 2, 0).sum()))
    points = np.ascontiguousarray(vertices[:, :3])
    places, polygon, uncut = triangulated(points, corners, counts)
    source.textures.warnings += concave_warning(uncut)
    triangles, first = corners[places], 3 + (3 if normals else 0)
    directions = custom_normals(vertices[:, 3:6][triangles], points, triangles) if normals and vertices.shape[1] >= 6 else None
    colors = _colors(vertices[:, first : vertices.shape[1] - (2 if textured else 0)]) if colored else None
    if colors is None and of_faces is not None:
        points, triangles = points[triangles].reshape(-1, 3), np.arange(triangles.size).reshape(-1, 3)
        colors = np.repeat(of_faces[polygon], 3, axis=0)
    return CadContent([Submesh(points, triangles, directions, colors, None, SurfaceMaterial())] if len(triangles) else [])


def _counts(lines: list[bytes], limits: CadLimits) -> tuple[int, int]:
    """Vertices and faces, as the first line has them."""
    words = lines[0].split() if lines else []
    try:
        count, faces = int(words[0]), int(words[1])
    except (IndexError, ValueError) as error:
        raise ValueError("its first line does not tell how many vertices and faces it has; save it anew") from error
    if count < 0 or faces < 0:
        raise ValueError(f"it says that it has {count} vertices and {faces} faces; save it anew")
    limits.check_vertices(count)
    limits.check_faces(faces)
    if len(lines) < 1 + count + faces:
        raise ValueError(f"it ends too early: {count} vertices and {faces} faces are as many lines, and it has {len(lines) - 1}")
    return count, faces


def _table(lines: list[bytes], what: str) -> NDArray[np.float64]:
    """(N, columns) numbers of lines that all have as many."""
    if not lines:
        return np.empty((0, 3))
    columns = len(lines[0].split())
    numbers = _numbers(lines, what)
    if columns < 3 or numbers.size != columns * len(lines):
        raise ValueError(f"its {what} lines do not have as many numbers each, three or more; save it anew")
    return numbers.reshape(-1, columns)


def _faces(lines: list[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8] | None]:
    """Corners of all faces in one list, how many each has, and (N, 4) colours where faces have some."""
    widths = np.array([len(line.split()) for line in lines], dtype=np.int64)
    rows = dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]()
    counts = np.zeros(len(lines), dtype=np.int64)
    for width in np.unique(widths):
        places = np.flatnonzero(widths == width)
        rows[int(width)] = places, _numbers([lines[place] for place in places], "face").reshape(len(places), -1)
        sides = rows[int(width)][1][:, 0]
        if (sides != sides.round()).any() or sides.min() < 0 or sides.max() > width - 1:
            raise ValueError("it has faces with other than the number of vertices that they begin with; save it anew")
        counts[places] = sides.astype(np.int64)
    starts = np.cumsum(counts) - counts
    corners = np.zeros(int(counts.sum()), dtype=np.int64)
    shades, shaded = np.full((len(lines), 4), np.nan), np.zeros(len(lines), dtype=bool)
    for width, (places, table) in rows.items():
        for sides in np.unique(counts[places]):
            chosen = counts[places] == sides
            named = table[chosen][:, 1 : 1 + sides]
            corners[starts[places[chosen]][:, None] + np.arange(sides)] = np.clip(named, -1, 2**40).astype(np.int64)
            if width - 1 - sides >= 3:
                rest = table[chosen][:, 1 + sides : 1 + sides + 4]
                shades[places[chosen], : rest.shape[1]] = rest
                shaded[places[chosen]] = True
    return corners, counts, _colors(shades, shaded) if shaded.any() else None


def _colors(values: NDArray[np.float64], given: NDArray[np.bool_] | None = None) -> NDArray[np.uint8] | None:
    """(N, 4) colours of 3 or 4 channels each; those that are not given are grey. None where there are fewer channels."""
    if values.shape[1] < 3:
        return None
    known = np.ones(len(values), dtype=bool) if given is None else given
    scale = 255.0 if np.nanmax(values[known], initial=0.0) <= 1.0 else 1.0
    colors = np.full((len(values), 4), 255, dtype=np.uint8)
    colors[~known, :3] = _GREY
    channels = np.nan_to_num(values[known][:, :4] * scale, nan=255.0).clip(0, 255).round().astype(np.uint8)
    colors[known, : channels.shape[1]] = channels
    return colors


_GREY = 231
"""sRGB of the grey that a surface without a colour has."""


def _numbers(lines: list[bytes], what: str) -> NDArray[np.float64]:
    try:
        return np.asarray(numbers_in(b"\n".join(lines)))
    except ValueError as error:
        raise ValueError(f"its {what} lines have something between their numbers that is no number") from error
