"""Triangle strips of PLY files: of scans, which have them in the place of faces."""

from __future__ import annotations

import numpy as np

from serve_app.cad.formats.ply_header import Lists
from serve_app.cad.limits import CadLimits


def strip_triangles(strips: Lists | None, limits: CadLimits) -> Lists | None:
    """The triangles of strips, as lists of three corners.

    In a strip each corner makes a triangle with the two before it, every second one the other way round; -1 begins a new strip.

    Args:
        strips: corners of all strips.
        limits: of the CAD.

    Raises:
        ServiceError: ``cad_too_large``.
    """
    if strips is None or strips.values.dtype.kind == "f" or len(strips.values) < 3:
        return None
    values = strips.values.astype(np.int64)
    begins = np.zeros(len(values) + 1, dtype=bool)
    begins[np.cumsum(strips.counts)] = True
    begins[0] = True
    begins = begins[:-1] | (np.append(False, values[:-1] < 0))
    strip = np.cumsum(begins)
    first = np.flatnonzero(begins)
    place = np.arange(len(values)) - first[strip - 1]
    whole = (strip[:-2] == strip[2:]) & (values[:-2] >= 0) & (values[1:-1] >= 0) & (values[2:] >= 0)
    limits.check_faces(int(whole.sum()))
    start = np.flatnonzero(whole)
    odd = place[start] % 2
    corners = np.stack([values[start + odd], values[start + 1 - odd], values[start + 2]], axis=1)
    corners = corners[(corners != np.roll(corners, 1, axis=1)).all(axis=1)]  # Strips are joined by triangles without area.
    return Lists(np.full(len(corners), 3, dtype=np.int64), corners.ravel())
