"""Reads 3MF: a zip package of models, in which objects are put together of others, and coloured by triangle or corner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.formats.reader import CadContent, CadSource
from serve_app.cad.formats.scene_graph import transformed
from serve_app.cad.formats.threemf_colors import Color, ColorBook
from serve_app.cad.formats.threemf_model import Model, ModelObject
from serve_app.cad.formats.threemf_textures import TextureBook
from serve_app.cad.formats.zip_parts import ZipParts
from serve_app.cad.limits import MAX_INSTANCES, CadLimits
from serve_app.cad.mesh.parts import unique_names
from serve_app.cad.mesh.submesh import Submesh
from serve_app.cad.refusals import quoted, too_large
from serve_app.cad.text.xml import parse_xml
from serve_app.cad.units import Unit

_MODEL_TYPE = "/3dmodel"
_USUAL_PATH = "3d/3dmodel.model"
_UNITS: dict[str, tuple[Unit, float]] = {
    "millimeter": ("mm", 1.0),
    "centimeter": ("cm", 1.0),
    "inch": ("inch", 1.0),
    "meter": ("m", 1.0),
    "micron": ("mm", 0.001),
    "foot": ("mm", 304.8),
}
"""By their name in 3MF: our unit, and by how much coordinates are multiplied for it."""

_MAX_DEPTH = 64
_MAX_MODELS = 4096
_READ_EXTENSIONS = {"m", "p"}
"""Of 3MF, by their usual prefix: materials, and objects in other files of the package."""

_BODY = re.compile(r"body\s*\d*", re.IGNORECASE)
"""How some exporters call the one mesh of a part, whose name stands at the object above."""


@dataclass(frozen=True)
class _Size:
    """Of an object with all that it is put together of."""

    objects: int
    triangles: int
    depth: int


@dataclass(frozen=True)
class _Instance:
    """A mesh at its place, with the name and the colour that it has there."""

    key: tuple[str, str]
    matrix: NDArray[np.float64]
    name: str
    color: Color | None


def threemf_content(source: CadSource) -> CadContent:
    """The parts of a 3MF file, in the frame of its build and in its own unit.

    Raises:
        ValueError: it is damaged, or nothing of it is to be built.
        ServiceError: ``cad_too_large``.
    """
    package = _Package(ZipParts(source.data, source.limits.max_bytes), source.limits)
    unit, factor = _UNITS.get(package.root.unit, ("mm", 1.0))
    warnings = source.textures.warnings
    if package.root.unit not in _UNITS:
        warnings.append(f"the file's unit {quoted(package.root.unit)} is none of 3MF: read as mm")
    elif factor != 1.0:
        warnings.append(f"the file's unit of length is {package.root.unit}: its coordinates are turned to mm")
    if unread := sorted(package.root.extensions - _READ_EXTENSIONS):
        warnings.append(f"the file needs extensions of 3MF that are not read ({', '.join(unread)}): what they describe is missing")
    if not package.root.build:
        raise ValueError("its build section names no object: nothing of it is to be made; save it anew with its objects on the plate")
    instances = package.instances()
    used = dict.fromkeys((instance.key, instance.color) for instance in instances)
    book = ColorBook(package.models, used, TextureBook(package.models, package.parts, source.textures))
    warnings += package.warnings
    if any(model.textured_layers for model in package.models.values()):
        warnings.append("textures in layered materials (multiproperties) of the 3MF file are left out: the other layers are rendered")
    made = {(key, color): book.submeshes(package.object(key), key[0], color) for key, color in used}
    submeshes = list[Submesh]()
    for instance, name in zip(instances, unique_names([instance.name for instance in instances]), strict=True):
        for submesh in made[instance.key, instance.color]:
            placed = transformed(submesh, instance.matrix, f"object {quoted(instance.key[1])}")
            submeshes.append(replace(placed, part=name, vertices=placed.vertices * factor))
    return CadContent(submeshes, unit)


class _Package:
    """The models of one file.

    Args:
        parts: the files in it.
        limits: of the CAD.

    Attributes:
        parts: the files in it.
        root: the model that says what is to be built.
        models: all that it needs, by path.
        warnings: what of it is left out.
    """

    def __init__(self, parts: ZipParts, limits: CadLimits) -> None:
        self.parts, self._limits = parts, limits
        self.models, self.warnings = dict[str, Model](), list[str]()
        self._path = _root_path(parts)
        self.root = self._model(self._path)

    def object(self, key: tuple[str, str]) -> ModelObject:
        """The object of a path and an id.

        Raises:
            ValueError: there is none.
        """
        found = self._model(key[0]).objects.get(key[1])
        if found is None:
            raise ValueError(f"it refers to the object {quoted(key[1])}, which is not in {quoted(key[0])}; save it anew")
        return found

    def instances(self) -> list[_Instance]:
        """Every mesh of the build at its place, its supports left out."""
        sizes = dict[tuple[str, str], _Size]()
        totals = [self._size(item.key, sizes, 0) for item in self.root.build]
        if (placed := sum(size.objects for size in totals)) > MAX_INSTANCES:
            too_large(f"it places {placed} objects, more than {MAX_INSTANCES}; join those that belong together")
        self._limits.check_faces(sum(size.triangles for size in totals))
        return [instance for item in self.root.build for instance in self._below(item.key, item.matrix, "", None)]

    def _size(self, key: tuple[str, str], sizes: dict[tuple[str, str], _Size], depth: int) -> _Size:
        """What an object comes to with all its components."""
        known = sizes.get(key)
        if depth + (known.depth if known else 0) > _MAX_DEPTH:
            raise ValueError(f"its objects are nested deeper than {_MAX_DEPTH}, or in a circle, at object {quoted(key[1])}; save it anew")
        if known is None:
            made = self.object(key)
            below = [self._size(component.key, sizes, depth + 1) for component in made.components]
            known = sizes[key] = _Size(
                1 + sum(size.objects for size in below),
                len(made.triangles) + sum(size.triangles for size in below),
                1 + max((size.depth for size in below), default=0),
            )
        return known

    def _below(self, key: tuple[str, str], matrix: NDArray[np.float64], name: str, color: Color | None) -> Iterator[_Instance]:
        made = self.object(key)
        if made.support:
            self.warnings.append("the supports of the 3MF file are left out: they are no part of the object")
            return
        above, name = name, made.name or name
        if made.color is not None:
            color = (key[0], *made.color)
        if len(made.triangles):
            yield _Instance(key, matrix, above if above and _BODY.fullmatch(name) else name, color)
        for component in made.components:
            yield from self._below(component.key, matrix @ component.matrix, name, color)

    def _model(self, path: str) -> Model:
        if path not in self.models:
            if len(self.models) >= _MAX_MODELS:
                too_large(f"it is put together of more than {_MAX_MODELS} model files; join them")
            self.models[path] = Model(self.parts.read(path), path, self._limits)
        return self.models[path]


def _root_path(parts: ZipParts) -> str:
    """Path of the model that the package's relationships name, or of the usual one where they name none."""
    found = list[str]()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("Type", "").endswith(_MODEL_TYPE):
            found.append(attributes.get("Target", "").lstrip("/").lower())

    if "_rels/.rels" in (name.lower() for name in parts.names):
        parse_xml(parts.read("_rels/.rels"), start, lambda _: None)
    names = {name.lower() for name in parts.names}
    for path in (*found, _USUAL_PATH):
        if path in names:
            return path
    raise ValueError("it holds no model (3D/3dmodel.model): it is no 3MF file; save it anew as 3MF")
