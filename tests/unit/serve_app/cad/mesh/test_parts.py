"""Parts of an assembly are chosen by name."""

from __future__ import annotations

import numpy as np
import pytest

from render_actor.contract.types import SurfaceMaterial
from serve_app.base.errors import ServiceError
from serve_app.cad.mesh.parts import CadPart, names_of, only, parts_of, unique_names
from serve_app.cad.mesh.submesh import Submesh


def part(name: str) -> Submesh:
    return Submesh(np.zeros((3, 3)), np.array([[0, 1, 2]]), None, None, None, SurfaceMaterial(), name)


ASSEMBLY = [part("lid"), part("box"), part(""), part("lid")]


def test_names_stand_once_in_the_files_order() -> None:
    assert names_of(ASSEMBLY) == ("lid", "box")


def test_wanted_parts_are_all_that_is_left() -> None:
    assert only(("lid",), ASSEMBLY) == [ASSEMBLY[0], ASSEMBLY[3]]
    assert only((), ASSEMBLY) == ASSEMBLY


def test_an_unknown_part_is_refused_with_the_nearest_name_and_all_names() -> None:
    with pytest.raises(ServiceError, match=r"did you mean 'box'.*'lid', 'box'") as caught:
        only(("bax",), ASSEMBLY)
    assert (caught.value.code, caught.value.field) == ("cad_part_unknown", "parts")


def test_a_cad_without_names_says_so() -> None:
    with pytest.raises(ServiceError, match="no named parts"):
        only(("lid",), [part("")])


def test_names_are_told_apart_only_where_they_are_the_same() -> None:
    assert unique_names(["bolt", "lid", "bolt", "bolt #2", "", "bolt", ""]) == ["bolt", "lid", "bolt #3", "bolt #2", "", "bolt #4", ""]


def test_a_part_has_the_faces_and_the_bounds_of_all_that_has_its_name() -> None:
    one = Submesh(
        np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [9, 9, 9]]), np.array([[0, 1, 2]]), None, None, None, SurfaceMaterial(), "lid"
    )
    other = Submesh(
        np.array([[0.0, 0, -3], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2], [0, 2, 1]]), None, None, None, SurfaceMaterial(), "lid"
    )
    assert parts_of([one, part(""), other]) == (CadPart("lid", 3, (0.0, 0.0, -3.0), (1.0, 2.0, 0.0)),)
