"""Reads one model part of a 3MF package: meshes, components, colours and what is to be built."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.formats.threemf_mixtures import Rgba, layered, mixed
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.parts import part_name
from serve_app.cad.refusals import quoted
from serve_app.cad.text.numbers import numbers_in
from serve_app.cad.text.xml import parse_xml

Properties = tuple[str | None, int, int, int]
"""The group of a triangle's colours, or None for the object's, and the number in it for each corner."""

_COLOURS = {"base": "displaycolor", "color": "color"}
"""Elements that hold a colour, and the attribute that it stands in."""

_GROUPS = ("basematerials", "colorgroup", "texture2dgroup", "compositematerials", "multiproperties")
_SUPPORTS = ("support", "solidsupport")


@dataclass(frozen=True)
class Placed:
    """An object somewhere: in the build, or in another object.

    Attributes:
        key: path of the model part, and the object's id in it.
        matrix: (4, 4), from the object's frame.
    """

    key: tuple[str, str]
    matrix: NDArray[np.float64]


@dataclass(frozen=True)
class ModelImage:
    """A picture in the package: its path, and how it goes on beyond its edges, as 3MF has it."""

    path: str
    tile: str


@dataclass
class ModelObject:
    """An object of a model: a mesh, or others put together.

    Attributes:
        name: as the file has it; may be empty.
        support: whether it only holds up others while they are printed.
        color: group and number of what has no colour of its own.
        vertices: (V, 3).
        triangles: (T, 3).
        properties: of the triangles that have some, by their number.
        components: what it is put together of.
    """

    name: str
    support: bool
    color: tuple[str, int] | None
    vertices: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 3)))
    triangles: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), dtype=np.int64))
    properties: dict[int, Properties] = field(default_factory=dict)
    components: list[Placed] = field(default_factory=list)


class Model:
    """One model part.

    Args:
        data: its XML.
        path: its own in the package.
        limits: of the CAD.

    Attributes:
        unit: name of the unit of length, as 3MF has it.
        extensions: of 3MF that whoever reads it must know, by their prefix.
        objects: by id.
        colors: of each group that holds some, by id; None where one is no colour.
        groups: kind of each group of properties, by id.
        coordinates: of each group of texture coordinates, by id; the lower left of the picture is (0, 0).
        image_of: id of the picture of each such group.
        images: pictures, by id.
        textured_layers: whether a material of several layers has one with a picture: that is left out.
        build: what is to be built.

    Raises:
        ValueError: it is damaged.
        ServiceError: ``cad_too_large``.
    """

    def __init__(self, data: bytes, path: str, limits: CadLimits) -> None:
        self._path, self._limits = path, limits
        self.unit, self.extensions = "millimeter", set[str]()
        self.objects, self.build = dict[str, ModelObject](), list[Placed]()
        self.colors, self.groups = dict[str, list[Rgba | None]](), dict[str, str]()
        self.coordinates, self.image_of = dict[str, list[tuple[float, float]]](), dict[str, str]()
        self.images = dict[str, ModelImage]()
        self._layers, self._methods, self.textured_layers = list[str](), list[str](), False
        self._id, self._object, self._group = "", ModelObject("", False, None), ""
        self._vertices, self._triangles = list[str](), list[str]()
        parse_xml(data, self._start, self._end)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        try:
            if tag == "vertex":
                self._vertices.append(f"{attributes['x']} {attributes['y']} {attributes['z']}")
            elif tag == "triangle":
                if "p1" in attributes:
                    first = _whole(attributes["p1"])
                    second, third = (_whole(attributes[name]) if name in attributes else first for name in ("p2", "p3"))
                    self._object.properties[len(self._triangles)] = (attributes.get("pid"), first, second, third)
                self._triangles.append(f"{attributes['v1']} {attributes['v2']} {attributes['v3']}")
            else:
                self._start_other(tag, attributes)
        except KeyError as error:
            raise ValueError(f"a <{tag}> has no attribute {error.args[0]}; save it anew") from error

    def _start_other(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "model":
            self.unit = attributes.get("unit", self.unit)
            self.extensions = {part_name(prefix) for prefix in attributes.get("requiredextensions", "").split()[:20]}
        elif tag == "object":
            self._id = attributes["id"]
            color = (attributes["pid"], _whole(attributes.get("pindex", "0"))) if "pid" in attributes else None
            self._object = ModelObject(part_name(attributes.get("name", "")), attributes.get("type") in _SUPPORTS, color)
        elif tag == "component":
            self._object.components.append(self._placed(attributes))
        elif tag == "item":
            self.build.append(self._placed(attributes))
        elif tag in _GROUPS:
            self._start_group(tag, attributes)
        elif tag == "texture2d":
            self.images[attributes["id"]] = ModelImage(attributes["path"], attributes.get("tilestyleu", "wrap"))
        elif tag == "tex2coord" and self._group in self.coordinates:
            self.coordinates[self._group].append((_real(attributes["u"]), _real(attributes["v"])))
        elif tag == "composite" and self.groups.get(self._group) == "compositematerials":
            weights = [_real(word) for word in attributes["values"].split()]
            self.colors[self._group].append(mixed([self._color_of(self._layers[0], n) for n in map(int, self._layers[1:])], weights))
        elif tag == "multi" and self.groups.get(self._group) == "multiproperties":
            numbers = [_whole(word) for word in attributes["pindices"].split()]
            layers = [self._color_of(group, number) for group, number in zip(self._layers, numbers, strict=False)]
            self.colors[self._group].append(layered(layers, self._methods))
        elif tag in _COLOURS and self._group:
            self.colors[self._group].append(_color(attributes.get(_COLOURS[tag], "")))

    def _start_group(self, tag: str, attributes: dict[str, str]) -> None:
        self._group = attributes["id"]
        self.groups[self._group] = tag
        self.colors[self._group] = []
        if tag == "texture2dgroup":
            self.coordinates[self._group] = []
            self.image_of[self._group] = attributes["texid"]
        elif tag == "compositematerials":
            self._layers = [attributes["matid"], *(str(_whole(word)) for word in attributes["matindices"].split())]
        elif tag == "multiproperties":
            self._layers, self._methods = attributes["pids"].split(), attributes.get("blendmethods", "").split()
            self.textured_layers |= any(self.groups.get(group) == "texture2dgroup" for group in self._layers)

    def _color_of(self, group: str, number: int) -> Rgba | None:
        values = self.colors.get(group, [])
        return values[number] if 0 <= number < len(values) else None

    def _end(self, tag: str) -> None:
        if tag in ("vertices", "triangles"):
            self._limits.check_vertices(len(self._vertices))
            self._limits.check_faces(len(self._triangles))
        elif tag in _GROUPS:
            self._group = ""
        elif tag == "object":
            self._finish_object()

    def _finish_object(self) -> None:
        made, what = self._object, f"object {quoted(self._id)}"
        try:
            places = numbers_in(" ".join(self._vertices).encode())
            corners = numbers_in(" ".join(self._triangles).encode(), np.int64)
        except ValueError as error:
            raise ValueError(f"{what} has coordinates or indices that are no numbers; save it anew") from error
        if places.size != 3 * len(self._vertices) or corners.size != 3 * len(self._triangles):
            raise ValueError(f"{what} has vertices or triangles of other than three numbers; save it anew")
        made.vertices, made.triangles = places.reshape(-1, 3), corners.reshape(-1, 3)
        if made.triangles.size and (made.triangles.min() < 0 or made.triangles.max() >= len(made.vertices)):
            raise ValueError(f"{what} has triangles that refer to vertices it does not have: it has {len(made.vertices)}")
        self.objects[self._id] = made
        self._vertices, self._triangles = [], []

    def _placed(self, attributes: dict[str, str]) -> Placed:
        path = attributes.get("path", self._path).lstrip("/").lower()
        return Placed((path, attributes["objectid"]), _matrix(attributes.get("transform")))


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"the number {quoted(text)} of a colour is no whole number; save it anew") from error


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"{quoted(text)} stands where a number of a texture or a mixture should; save it anew") from error


def _matrix(text: str | None) -> NDArray[np.float64]:
    """(4, 4) of the twelve numbers of a transform: its rows are where the axes and the origin come to lie."""
    matrix = np.eye(4)
    if text is not None:
        numbers = numbers_in(text.encode())
        if numbers.size != 12:
            raise ValueError(f"the transform {quoted(text)} has {numbers.size} numbers, not 12; save it anew")
        matrix[:3] = numbers.reshape(4, 3).T
    return matrix


def _color(text: str) -> Rgba | None:
    """A colour #RRGGBB or #RRGGBBAA, in sRGB; None for what is none."""
    try:
        values = bytes.fromhex(text.strip().removeprefix("#"))
    except ValueError:
        return None
    if len(values) not in (3, 4):
        return None
    red, green, blue, alpha = (*values, 255)[:4]
    return red, green, blue, alpha
