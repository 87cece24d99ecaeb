"""Writes STEP files (AP214): prisms with round holes, alone or placed in an assembly, with colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Rgb = tuple[float, float, float]
Point = tuple[float, ...]

UNITS = {
    "mm": "(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))",
    "cm": "(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.CENTI.,.METRE.))",
    "m": "(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT($,.METRE.))",
    "um": "(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MICRO.,.METRE.))",
}
CONVERSIONS = {"inch": ("INCH", 25.4), "foot": ("FOOT", 304.8)}
"""Name and millimetres of units that are a multiple of another."""


@dataclass(frozen=True)
class Prism:
    """What an outline sweeps from z = 0 to its height.

    Attributes:
        outline: corners against the clock, or the radius of a circle around the origin.
        height: in z.
        holes: x, y and radius of each.
        color: of the whole.
        face_colors: of single faces, by ``bottom``, ``top``, ``wall`` or ``hole`` with the number of the edge or the hole.
    """

    outline: Sequence[tuple[float, float]] | float
    height: float
    holes: Sequence[tuple[float, float, float]] = ()
    color: Rgb | None = None
    face_colors: Mapping[str, Rgb] = field(default_factory=dict)


def rectangle(width: float, depth: float) -> list[tuple[float, float]]:
    """Corners of a rectangle around the origin."""
    x, y = width / 2, depth / 2
    return [(-x, -y), (x, -y), (x, y), (-x, y)]


class StepFile:
    """A STEP file in the making; ``text`` gives it."""

    def __init__(self, unit: str = "mm", name: str = "made") -> None:
        self._lines, self._name = list[str](), name
        application = self.add("APPLICATION_CONTEXT('automotive design')")
        self.add(f"APPLICATION_PROTOCOL_DEFINITION('international standard','automotive_design',2000,{application})")
        self._product_context = self.add(f"PRODUCT_CONTEXT('',{application},'mechanical')")
        self._definition_context = self.add(f"PRODUCT_DEFINITION_CONTEXT('part definition',{application},'design')")
        self._context, self._styled = self.context(unit), list[str]()

    def context(self, unit: str) -> str:
        """A context of representations with a unit of length; later parts are made in it."""
        if unit in CONVERSIONS:
            name, millimetres = CONVERSIONS[unit]
            measure = self.add(f"LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE({millimetres!r}),{self.add(UNITS['mm'])})")
            dimensions = self.add("DIMENSIONAL_EXPONENTS(1.,0.,0.,0.,0.,0.,0.)")
            length = self.add(f"(CONVERSION_BASED_UNIT('{name}',{measure})LENGTH_UNIT()NAMED_UNIT({dimensions}))")
        else:
            length = self.add(UNITS[unit])
        angle = self.add("(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))")
        solid_angle = self.add("(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())")
        accuracy = self.add(f"UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-07),{length},'distance_accuracy_value','')")
        self._context = self.add(
            f"(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT(({accuracy}))"
            f"GLOBAL_UNIT_ASSIGNED_CONTEXT(({length},{angle},{solid_angle}))REPRESENTATION_CONTEXT('',''))"
        )
        return self._context

    def part(self, name: str, prism: Prism) -> tuple[str, str]:
        """A product of one solid; gives its definition and its representation."""
        solid = self.add(f"MANIFOLD_SOLID_BREP('{name} body',{_Shell(self, prism).entity})")
        if prism.color:
            self.style(solid, prism.color)
        return self._product(name, "ADVANCED_BREP_SHAPE_REPRESENTATION", [solid, self.axes()])

    def wireframe(self, name: str) -> None:
        """A product of one circle, without any surface."""
        curves = self.add(f"GEOMETRIC_CURVE_SET('',({self.add(f'CIRCLE({_EMPTY},{self.axes()},5.)')}))")
        self._product(name, "GEOMETRICALLY_BOUNDED_WIREFRAME_SHAPE_REPRESENTATION", [curves, self.axes()])

    def assembly(self, name: str, placed: Sequence[tuple[tuple[str, str], Point, Point, Point]]) -> tuple[str, str]:
        """A product of other products, each with the origin, z axis and x axis of its place; gives the same as ``part``."""
        origin, places = self.axes(), [self.axes(*place) for _, *place in placed]
        definition, representation = self._product(name, "SHAPE_REPRESENTATION", [origin, *places])
        for number, (((part, shape), *_), place) in enumerate(zip(placed, places, strict=True), 1):
            moved = self.add(f"ITEM_DEFINED_TRANSFORMATION('','',{origin},{place})")
            relation = self.add(
                f"(REPRESENTATION_RELATIONSHIP('','',{shape},{representation})"
                f"REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION({moved})SHAPE_REPRESENTATION_RELATIONSHIP())"
            )
            usage = self.add(f"NEXT_ASSEMBLY_USAGE_OCCURRENCE('NAUO{number}','','',{definition},{part},$)")
            self.add(f"CONTEXT_DEPENDENT_SHAPE_REPRESENTATION({relation},{self.add(f'PRODUCT_DEFINITION_SHAPE({_EMPTY},$,{usage})')})")
        return definition, representation

    def text(self) -> bytes:
        """The file."""
        if self._styled:
            self.add(f"MECHANICAL_DESIGN_GEOMETRIC_PRESENTATION_REPRESENTATION('',({','.join(self._styled)}),{self._context})")
            self._styled = []
        header = f"FILE_DESCRIPTION((''),'2;1');\nFILE_NAME('{self._name}','2020-01-01T00:00:00',(''),(''),'','','');"
        data = "\n".join(f"#{number}={line};" for number, line in enumerate(self._lines, 1))
        schema = "FILE_SCHEMA(('AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }'));"
        return f"ISO-10303-21;\nHEADER;\n{header}\n{schema}\nENDSEC;\nDATA;\n{data}\nENDSEC;\nEND-ISO-10303-21;\n".encode()

    def axes(self, origin: Point = (0, 0, 0), z: Point = (0, 0, 1), x: Point = (1, 0, 0)) -> str:
        return self.add(f"AXIS2_PLACEMENT_3D('',{self.point(origin)},{self.direction(z)},{self.direction(x)})")

    def point(self, place: Point) -> str:
        return self.add(f"CARTESIAN_POINT('',{_numbers(place)})")

    def direction(self, vector: Point) -> str:
        return self.add(f"DIRECTION('',{_numbers(vector)})")

    def add(self, entity: str) -> str:
        """Append an entity; gives its number."""
        self._lines.append(entity)
        return f"#{len(self._lines)}"

    def _product(self, name: str, kind: str, items: list[str]) -> tuple[str, str]:
        product = self.add(f"PRODUCT('{name}','{name}','',({self._product_context}))")
        formation = self.add(f"PRODUCT_DEFINITION_FORMATION('','',{product})")
        definition = self.add(f"PRODUCT_DEFINITION('design','',{formation},{self._definition_context})")
        shape = self.add(f"PRODUCT_DEFINITION_SHAPE('','',{definition})")
        representation = self.add(f"{kind}('{name}',({','.join(items)}),{self._context})")
        self.add(f"SHAPE_DEFINITION_REPRESENTATION({shape},{representation})")
        return definition, representation

    def style(self, item: str, color: Rgb) -> None:
        rgb = self.add(f"COLOUR_RGB('',{','.join(repr(float(channel)) for channel in color)})")
        fill = self.add(f"FILL_AREA_STYLE('',({self.add(f'FILL_AREA_STYLE_COLOUR({_EMPTY},{rgb})')}))")
        side = self.add(f"SURFACE_SIDE_STYLE('',({self.add(f'SURFACE_STYLE_FILL_AREA({fill})')}))")
        style = self.add(f"PRESENTATION_STYLE_ASSIGNMENT(({self.add(f'SURFACE_STYLE_USAGE(.BOTH.,{side})')}))")
        self._styled.append(self.add(f"STYLED_ITEM('',({style}),{item})"))


Loop = list[tuple[str, str]]
"""Edges in order, each with T, or F where it is gone along against its own direction."""


class _Shell:
    """The closed shell of a prism."""

    def __init__(self, file: StepFile, prism: Prism) -> None:
        self._file, self._prism, self._faces = file, prism, list[str]()
        if isinstance(prism.outline, int | float):
            outline = self._round_wall("wall0", 0.0, 0.0, prism.outline, outward=True)
        else:
            outline = self._flat_walls(list(prism.outline))
        holes = [self._round_wall(f"hole{n}", *hole, outward=False) for n, hole in enumerate(prism.holes)]
        self._cap("bottom", 0.0, -1.0, _turned(outline[0]), [below for below, _ in holes])
        self._cap("top", prism.height, 1.0, outline[1], [_turned(above) for _, above in holes])
        self.entity = file.add(f"CLOSED_SHELL('',({','.join(self._faces)}))")

    def _flat_walls(self, corners: list[tuple[float, float]]) -> tuple[Loop, Loop]:
        """Faces along the edges of a polygon; gives its outlines below and above, against the clock seen from above."""
        file, around = self._file, [(i, (i + 1) % len(corners)) for i in range(len(corners))]
        low, high = ([(*corner, z) for corner in corners] for z in (0.0, self._prism.height))
        below, above = [self._vertex(point) for point in low], [self._vertex(point) for point in high]
        bottom = [self._line(low[i], low[j], below[i], below[j]) for i, j in around]
        top = [self._line(high[i], high[j], above[i], above[j]) for i, j in around]
        uprights = [self._line(low[i], high[i], below[i], above[i]) for i, _ in around]
        for i, j in around:
            (x, y), (next_x, next_y) = corners[i], corners[j]
            axes = file.axes(low[i], (next_y - y, x - next_x, 0.0), (next_x - x, next_y - y, 0.0))
            loop = [(bottom[i], "T"), (uprights[j], "T"), (top[i], "F"), (uprights[i], "F")]
            self._face(f"wall{i}", f"PLANE('',{axes})", [loop])
        return [(edge, "T") for edge in bottom], [(edge, "T") for edge in top]

    def _round_wall(self, name: str, x: float, y: float, radius: float, *, outward: bool) -> tuple[Loop, Loop]:
        """A cylinder's face; gives its circles below and above, against the clock seen from above."""
        file = self._file
        low, high = ((x + radius, y, z) for z in (0.0, self._prism.height))
        below, above = self._vertex(low), self._vertex(high)
        circles = []
        for z, vertex in ((0.0, below), (self._prism.height, above)):
            circle = file.add(f"CIRCLE('',{file.axes((x, y, z))},{float(radius)!r})")
            circles.append(file.add(f"EDGE_CURVE('',{vertex},{vertex},{circle},.T.)"))
        upright = self._line(low, high, below, above)
        loop = [(circles[0], "T"), (upright, "T"), (circles[1], "F"), (upright, "F")]
        cylinder = f"CYLINDRICAL_SURFACE('',{file.axes((x, y, 0.0))},{float(radius)!r})"
        self._face(name, cylinder, [loop if outward else _turned(loop)], ".T." if outward else ".F.")
        return [(circles[0], "T")], [(circles[1], "T")]

    def _cap(self, name: str, z: float, up: float, outline: Loop, holes: list[Loop]) -> None:
        self._face(name, f"PLANE('',{self._file.axes((0, 0, z), (0, 0, up))})", [outline, *holes])

    def _face(self, name: str, surface: str, loops: list[Loop], sense: str = ".T.") -> None:
        """A face on a surface, bounded by its outline and by those of its holes."""
        file, bounds = self._file, []
        for number, loop in enumerate(loops):
            edges = [file.add(f"ORIENTED_EDGE('',*,*,{edge},.{along}.)") for edge, along in loop]
            kind = "FACE_BOUND" if number else "FACE_OUTER_BOUND"
            bounds.append(file.add(f"{kind}('',{file.add(f'EDGE_LOOP({_EMPTY},({_list(edges)}))')},.T.)"))
        face = file.add(f"ADVANCED_FACE('',({_list(bounds)}),{file.add(surface)},{sense})")
        self._faces.append(face)
        if name in self._prism.face_colors:
            file.style(face, self._prism.face_colors[name])

    def _vertex(self, place: Point) -> str:
        return self._file.add(f"VERTEX_POINT('',{self._file.point(place)})")

    def _line(self, start: Point, end: Point, first: str, last: str) -> str:
        along = tuple(b - a for a, b in zip(start, end, strict=True))
        vector = self._file.add(f"VECTOR('',{self._file.direction(along)},1.)")
        line = self._file.add(f"LINE('',{self._file.point(start)},{vector})")
        return self._file.add(f"EDGE_CURVE('',{first},{last},{line},.T.)")


_EMPTY = "''"


def _turned(loop: Loop) -> Loop:
    return [(edge, "F" if along == "T" else "T") for edge, along in reversed(loop)]


def _list(entities: Sequence[str]) -> str:
    return ",".join(entities)


def _numbers(values: Point) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"
