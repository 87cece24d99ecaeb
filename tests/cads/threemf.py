"""Writes 3MF files: a package of one model, or of several."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

CORE = 'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"'
MATERIAL = 'xmlns:m="http://schemas.microsoft.com/3dmanufacturing/material/2015/02"'
PRODUCTION = 'xmlns:p="http://schemas.microsoft.com/3dmanufacturing/production/2015/06"'
RELATIONSHIPS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Target="/3D/3dmodel.model" '
    'Id="rel0" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)


def package(model: str, others: Mapping[str, str | bytes] | None = None) -> bytes:
    """A package whose main model is the given XML; ``others`` are further files, by path."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in {"_rels/.rels": RELATIONSHIPS, "3D/3dmodel.model": model, **(others or {})}.items():
            archive.writestr(path, text)
    return stream.getvalue()


def model(resources: str, build: str, unit: str | None = "millimeter", more: str = "") -> str:
    """The XML of a model."""
    named = f' unit="{unit}"' if unit else ""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<model {CORE} {MATERIAL} {PRODUCTION}{named}{more}>'
    return f"{head}\n<resources>{resources}</resources><build>{build}</build></model>"


def mesh_object(number: int, vertices: ArrayLike, faces: ArrayLike, attributes: str = "", of_triangles: Sequence[str] = ()) -> str:
    """An object of one mesh; ``of_triangles`` are further attributes of each triangle."""
    places = "".join(f'<vertex x="{x:.9g}" y="{y:.9g}" z="{z:.9g}"/>' for x, y, z in np.asarray(vertices).tolist())
    extra = [*of_triangles, *[""] * len(np.asarray(faces))]
    triangles = "".join(
        f'<triangle v1="{a}" v2="{b}" v3="{c}" {more}/>' for (a, b, c), more in zip(np.asarray(faces).tolist(), extra, strict=False)
    )
    return (
        f'<object id="{number}" type="model" {attributes}><mesh><vertices>{places}</vertices>'
        f"<triangles>{triangles}</triangles></mesh></object>"
    )
