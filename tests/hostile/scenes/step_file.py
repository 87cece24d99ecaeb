"""The solid of ``files`` as STEP: a boundary representation with flat faces, in millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tests.hostile.files import TRIANGLES, VERTICES

_HEADER = """ISO-10303-21;
HEADER;
FILE_DESCRIPTION((''),'2;1');
FILE_NAME('part','2020-01-01T00:00:00',(''),(''),'','','');
FILE_SCHEMA(('AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }'));
ENDSEC;
DATA;
"""
_END = "ENDSEC;\nEND-ISO-10303-21;\n"


class _Entities:
    """Numbered rows, each made after those that it names."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def add(self, text: str) -> str:
        self.rows.append(text)
        return f"#{len(self.rows)}"

    def point(self, values: ArrayLike) -> str:
        return self.add(f"CARTESIAN_POINT('',({_numbers(values)}))")

    def direction(self, values: ArrayLike) -> str:
        unit = np.asarray(values, float) / np.linalg.norm(values)
        return self.add(f"DIRECTION('',({_numbers(unit)}))")

    def placement(self, origin: ArrayLike, axis: ArrayLike, across: ArrayLike) -> str:
        return self.add(f"AXIS2_PLACEMENT_3D('',{self.point(origin)},{self.direction(axis)},{self.direction(across)})")


def _numbers(values: ArrayLike) -> str:
    return ",".join(f"{value:.12f}" for value in np.asarray(values, float))


def step(length_unit: str = "SI_UNIT(.MILLI.,.METRE.)") -> str:
    """The file.

    Args:
        length_unit: as an entity's text.
    """
    entities = _Entities()
    add = entities.add
    solid = add(f"MANIFOLD_SOLID_BREP('part',{_shell(entities)})")
    length = add(f"(LENGTH_UNIT()NAMED_UNIT(*){length_unit})")
    angle = add("(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))")
    solid_angle = add("(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())")
    accuracy = add(f"UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-07),{length},'distance_accuracy_value','')")
    context = add(
        f"(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT(({accuracy}))"
        f"GLOBAL_UNIT_ASSIGNED_CONTEXT(({length},{angle},{solid_angle}))REPRESENTATION_CONTEXT('',''))"
    )
    origin = entities.placement((0, 0, 0), (0, 0, 1), (1, 0, 0))
    shape = add(f"ADVANCED_BREP_SHAPE_REPRESENTATION('',({origin},{solid}),{context})")
    application = add("APPLICATION_CONTEXT('core data for automotive mechanical design processes')")
    mechanical = add(f"PRODUCT_CONTEXT('',{application},'mechanical')")
    product = add(f"PRODUCT('part','part','',({mechanical}))")
    formation = add(f"PRODUCT_DEFINITION_FORMATION('','',{product})")
    stage = add(f"PRODUCT_DEFINITION_CONTEXT('part definition',{application},'design')")
    definition = add(f"PRODUCT_DEFINITION('design','',{formation},{stage})")
    defined = add(f"PRODUCT_DEFINITION_SHAPE('','',{definition})")
    add(f"SHAPE_DEFINITION_REPRESENTATION({defined},{shape})")
    return _HEADER + "".join(f"#{number}={row};\n" for number, row in enumerate(entities.rows, 1)) + _END


def _shell(entities: _Entities) -> str:
    add = entities.add
    points = np.array(VERTICES, float)
    corners = [add(f"VERTEX_POINT('',{entities.point(point)})") for point in points]
    edges: dict[tuple[int, int], str] = {}

    def edge(start: int, end: int) -> str:
        pair = (min(start, end), max(start, end))
        if pair not in edges:
            along = points[pair[1]] - points[pair[0]]
            vector = add(f"VECTOR('',{entities.direction(along)},{np.linalg.norm(along):.12f})")
            line = add(f"LINE('',{entities.point(points[pair[0]])},{vector})")
            edges[pair] = add(f"EDGE_CURVE('',{corners[pair[0]]},{corners[pair[1]]},{line},.T.)")
        return add(f"ORIENTED_EDGE('',*,*,{edges[pair]},{'.T.' if (start, end) == pair else '.F.'})")

    faces = []
    for triangle in TRIANGLES:
        a, b, c = points[list(triangle)]
        loop = add(f"EDGE_LOOP('',({','.join(edge(triangle[i], triangle[(i + 1) % 3]) for i in range(3))}))")
        plane = add(f"PLANE('',{entities.placement(a, np.cross(b - a, c - a), b - a)})")
        bound = add(f"FACE_OUTER_BOUND('',{loop},.T.)")
        faces.append(add(f"ADVANCED_FACE('',({bound}),{plane},.T.)"))
    return add(f"CLOSED_SHELL('',({','.join(faces)}))")
