"""Reads COLLADA (.dae) by pycollada."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.formats.dae_geometry import DaeGeometry
from serve_app.cad.formats.dae_xml import check_xml
from serve_app.cad.formats.reader import CadContent, CadSource
from serve_app.cad.formats.scene_graph import transformed
from serve_app.cad.limits import MAX_INSTANCES
from serve_app.cad.mesh.parts import part_name, unique_names
from serve_app.cad.mesh.srgb import encoded
from serve_app.cad.mesh.submesh import Submesh
from serve_app.cad.refusals import quoted, too_large
from serve_app.cad.units import MM_PER_UNIT, Unit

_MAX_DEPTH = 64
"""Nodes within each other."""

_MAX_PROBLEM = 160


@dataclass(frozen=True)
class _Instance:
    """A geometry at its place: ``node`` is pycollada's GeometryNode, ``matrix`` (4, 4)."""

    node: Any
    matrix: NDArray[np.float64]
    name: str


def dae_content(source: CadSource) -> CadContent:
    """The parts of a COLLADA file, in its own frame and unit.

    The frame is kept as it stands, whatever the file says of its up axis: so does trimesh, by which the CAD is loaded beside the
    templates. The unit is that of the file, or none where it does not say.

    Raises:
        ValueError: it is damaged, or its scene shows nothing.
        ServiceError: ``cad_too_large``.
    """
    document = _document(source.data)
    unit, factor = _unit(document.assetInfo.unitmeter, source)
    instances = _instances(document)
    geometry = DaeGeometry(source.textures, source.limits)
    source.limits.check_faces(sum(geometry.triangles(instance.node) for instance in instances))
    submeshes = list[Submesh]()
    for instance, name in zip(instances, unique_names([instance.name for instance in instances]), strict=True):
        for submesh in geometry.submeshes(instance.node):
            placed = transformed(submesh, instance.matrix, f"node {quoted(name)}")
            submeshes.append(replace(placed, part=name, vertices=placed.vertices * factor))
    told = source.textures.warnings
    told += [f"of the COLLADA file is left out: {quoted(str(error), _MAX_PROBLEM)}" for error in document.errors]
    if geometry.left_out:
        told.append(f"{' and '.join(sorted(geometry.left_out))} of the COLLADA file are left out: they are no surfaces")
    return CadContent(_all_colored(submeshes), unit)


def _document(data: bytes) -> Any:
    """The document as pycollada has it.

    Its parser is one that would expand entities and make texts of any length, and it takes a zip archive for a document. So this
    file is gone through first: without a document type there are no entities, and a text is no longer than the file.
    """
    import collada
    from collada.common import DaeBrokenRefError, DaeError, DaeUnsupportedError

    if zipfile.is_zipfile(io.BytesIO(data)):
        raise ValueError("it is a zip archive (.zae); unpack it, and give the .dae in it")
    check_xml(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # numpy stops at what is no number, and only warns.
            return collada.Collada(io.BytesIO(data), ignore=[DaeBrokenRefError, DaeUnsupportedError])
    except DaeError as error:
        raise ValueError(f"it is damaged: {quoted(str(error), _MAX_PROBLEM)}; save it anew, or as GLB or PLY") from error
    except _UNFORESEEN as error:
        raise _damaged(error) from error


_UNFORESEEN = (LookupError, TypeError, AttributeError, ValueError, RecursionError, DeprecationWarning)
"""What pycollada raises on what it does not look for."""


def _damaged(error: Exception) -> ValueError:
    return ValueError(f"it is damaged in a way that ended its reader ({type(error).__name__}); save it anew, or as GLB or PLY")


def _unit(metres: float | None, source: CadSource) -> tuple[Unit | None, float]:
    """Our unit, and by how much coordinates are multiplied for it."""
    if metres is None:
        return None, 1.0
    for unit, millimetres in MM_PER_UNIT.items():
        if math.isclose(1000 * metres, millimetres, rel_tol=1e-4):
            return unit, 1.0
    if not (math.isfinite(metres) and metres > 0):
        raise ValueError(f"it says that its unit is {metres:g} metres; correct the meter attribute of its <unit>")
    source.textures.warnings.append(f"the file's unit of length is {1000 * metres:g} mm: its coordinates are turned to mm")
    return "mm", 1000 * metres


def _instances(document: Any) -> list[_Instance]:
    """Every geometry that the scene shows, at its place."""
    if document.scene is None:
        raise ValueError("it has no scene that shows anything: <scene> is missing, or names one that is not there; save it anew")
    sizes = dict[int, int]()
    if (placed := sum(_size(node, sizes, 0) for node in document.scene.nodes)) > MAX_INSTANCES:
        too_large(f"its scene comes to {placed} nodes, more than {MAX_INSTANCES}; join those that belong together")
    return [instance for node in document.scene.nodes for instance in _below(node, np.eye(4), "")]


def _children(node: Any) -> list[Any]:
    return getattr(node, "children", None) or []


def _size(node: Any, sizes: dict[int, int], depth: int) -> int:
    """How many nodes there are in a node, itself counted; one that is named in several places is there several times."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"its nodes are nested deeper than {_MAX_DEPTH}, or in a circle; save it anew")
    if id(node) not in sizes:
        sizes[id(node)] = 1 + sum(_size(child, sizes, depth + 1) for child in _children(node))
    return sizes[id(node)]


def _below(node: Any, matrix: NDArray[np.float64], name: str, depth: int = 0) -> Iterator[_Instance]:
    if depth > _MAX_DEPTH:
        raise ValueError(f"its nodes are nested deeper than {_MAX_DEPTH}, or in a circle; save it anew")
    if hasattr(node, "geometry"):
        shown = name or part_name(str(node.geometry.name or node.geometry.id or ""))
        yield _Instance(node, matrix, shown)
    elif hasattr(node, "controller"):
        yield _Instance(node, matrix, name)
    else:
        own = getattr(node, "matrix", None)
        below = matrix if own is None else matrix @ np.asarray(own, dtype=np.float64)
        name = part_name(str(getattr(node, "name", None) or "")) or name
        for child in _children(node):
            yield from _below(child, below, name, depth + 1)


def _all_colored(submeshes: list[Submesh]) -> list[Submesh]:
    """Vertex colours take the place of every material's: where some have them, the others get their material's own."""
    if all(submesh.vertex_colors is None for submesh in submeshes):
        return submeshes
    colored = []
    for submesh in submeshes:
        if submesh.vertex_colors is None:
            color = np.array([*map(encoded, submesh.material.base_color), 255], dtype=np.uint8)
            submesh = replace(submesh, vertex_colors=np.tile(color, (len(submesh.vertices), 1)))
        colored.append(submesh)
    return colored
