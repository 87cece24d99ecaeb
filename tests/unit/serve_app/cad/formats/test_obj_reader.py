"""The OBJ reader, which takes all lines at once, reads what a plain reader reads that goes line by line."""

from __future__ import annotations

import re
import sys
from types import FrameType

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from serve_app.base.settings import Settings
from serve_app.cad.formats.obj_reader import FaceGroup, ObjFile, read_obj
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.polygons import triangulated

LIMITS = CadLimits.from_settings(Settings())
KINDS = ("v", "vt", "vn")
Polygon = tuple[str | None, bool, dict[str, list[int]]]


def line_by_line(text: str) -> tuple[dict[str, list[list[float]]], list[Polygon]] | None:
    """Elements and triangles of OBJ text in the most literal way; None when something is wrong with it."""
    elements: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    polygons: list[Polygon] = []
    material, smooth = None, False
    for line in re.split(r"\r\n|\n|\r", text.replace("\\\n", " ")):
        keyword, *words = line.split("#")[0].split() or [""]
        if keyword in KINDS:
            elements[keyword].append([float(word) for word in words])
        elif keyword == "usemtl":
            material = " ".join(words)
        elif keyword == "s":
            smooth = words not in ([], ["0"], ["off"])
        elif keyword == "f":
            corners: list[dict[str, int]] = []
            for word in words:
                if not re.fullmatch(r"[-+0-9/]+", word):
                    return None
                given = {kind: int(index) for kind, index in zip(KINDS, word.split("/"), strict=False) if index}
                if "v" not in given or word.count("/") > 2:
                    return None
                corners.append({kind: i + len(elements[kind]) if i < 0 else i - 1 for kind, i in given.items()})
            shared = [kind for kind in KINDS if all(kind in corner for corner in corners)]
            polygons.append((material, smooth, {kind: [corner[kind] for corner in corners] for kind in shared}))
    for kind, least in zip(KINDS, (3, 1, 3), strict=True):
        columns = min((len(row) for row in elements[kind]), default=least)
        if columns < least:
            return None
        elements[kind] = [row[:columns] for row in elements[kind]]
    polygons = [polygon for polygon in polygons if len(polygon[2].get("v", [])) > 2]
    named = [(kind, index) for _, _, indices in polygons for kind, corners in indices.items() for index in corners]
    if any(not 0 <= index < len(elements[kind]) for kind, index in named):
        return None
    return elements, [triangle for polygon in polygons for triangle in split(polygon, np.array(elements["v"]))]


def split(polygon: Polygon, vertices: NDArray[np.float64]) -> list[Polygon]:
    """A polygon's triangles: that concave ones are split within themselves is tested with ``triangulated``."""
    material, smooth, indices = polygon
    corners = np.array(indices["v"])
    places, _, _ = triangulated(vertices[:, :3], corners, np.array([len(corners)]))
    return [(material, smooth, {kind: [of_kind[place] for place in three] for kind, of_kind in indices.items()}) for three in places]


def sorting_key(triangle: Polygon) -> tuple[str, bool, list[str]]:
    """Orders triangles by their group: its material, whether it is smooth, and what its corners refer to."""
    return str(triangle[0]), triangle[1], list(triangle[2])


def triangles_of(obj: ObjFile) -> list[Polygon]:
    return [
        (group.material, group.smooth, {kind: faces.indices[kind][place].tolist() for kind in faces.indices})
        for group, faces in obj.faces.items()
        for place in range(len(faces.indices["v"]))
    ]


def texts() -> st.SearchStrategy[str]:
    """OBJ text of every form that people write, now and then with something wrong in it."""
    space = st.sampled_from([" "] * 8 + ["  ", "\t", " \t "])
    end = st.sampled_from(["\n"] * 12 + ["\r\n", "\r", " \n", "\t\n", " # a comment\n", "#f 1 2 3\n", "\n\n", " \\\n\n"])
    before = st.sampled_from([""] * 12 + [" ", "\t"])
    number = st.sampled_from(["0", "1", "-2", "3.5", "-.25", "1e1", "+4", "1_0"])
    index = st.one_of(st.integers(1, 4), st.integers(-3, -1)).map(str) | st.sampled_from(["+1", "0", "99", "-99", "1_0"])
    forms = st.sampled_from(["{}", "{}/{}", "{}//{}", "{}/{}/{}"] * 6 + ["{}/", "{}//", "{}/{}/", "{}///{}", "/{}", "{}/{}/{}/{}"])

    @st.composite
    def text(draw: st.DrawFn) -> str:
        lines = ["v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nvn 0 0 1\nvn 0 1 0\nvn 1 0 0\n"]
        usual = draw(forms)
        for _ in range(draw(st.integers(1, 12))):
            keyword = draw(st.sampled_from(["v", "vt", "vn", "f", "f", "f", "f", "usemtl", "s", "o", "g", "#", "l"]))
            if keyword in KINDS:
                words = draw(st.lists(number, min_size=3, max_size=4))
            elif keyword == "f":
                form = draw(st.sampled_from([usual] * 4)) if draw(st.integers(0, 4)) else draw(forms)
                words = [form.format(*(draw(index) for _ in range(4))) for _ in range(draw(st.sampled_from([3, 3, 3, 4, 5, 2, 0])))]
            else:
                words = [draw(st.sampled_from(["off", "1", "0", "a", "b c"]))]
            lines.append(draw(before) + keyword + draw(space) + draw(space).join(words) + draw(end))
        return "".join(lines)

    return text()


@given(texts())
@example("v 0 0 0\nv 1 0 0\nv 0 1 0\nf -2 4 1 3\nv 0 3.5 0\n")  # A concave one, before its last vertex.
@settings(max_examples=400, deadline=None)
def test_it_reads_what_a_reader_of_lines_reads(text: str) -> None:
    expected = line_by_line(text)
    if expected is None:
        with pytest.raises(ValueError, match=r"line"):
            read_obj(text.encode(), LIMITS)
        return
    elements, triangles = expected
    obj = read_obj(text.encode(), LIMITS)
    for kind, values in zip(KINDS, (obj.vertices, obj.uv, obj.normals), strict=True):
        assert values.tolist() == [row[: values.shape[1]] for row in elements[kind]]
    # Within a group they keep the file's order.
    assert sorted(triangles_of(obj), key=sorting_key) == sorted(triangles, key=sorting_key)


@pytest.mark.parametrize("corner", ["{0}", "{0}/{0}", "{0}//{0}", "{0}/{0}/{0}", "{0}/", "{0}//", "{0}/{0}/"])
@pytest.mark.parametrize("between", ["", "o part\n", "\r\n# a comment\r\n"])
def test_the_work_of_python_does_not_grow_with_the_lines(corner: str, between: str) -> None:
    piece = between + "v 0 0 0\nv\t1 0 0\nv 0 1 0\nvt 0 0\nvn 0 0 1\nf " + " ".join([corner.format(-1)] * 3) + "\n"

    def calls(count: int) -> int:
        made = 0

        def count_call(frame: FrameType, event: str, argument: object) -> None:
            nonlocal made
            made += event in ("call", "c_call")

        sys.setprofile(count_call)
        try:
            read_obj((piece * count).encode(), LIMITS)
        finally:
            sys.setprofile(None)
        return made

    assert calls(4000) <= calls(1000) + 100


def test_lines_of_several_widths_are_read_as_wide_as_the_shortest() -> None:
    obj = read_obj(b"v 0 0 0 1 1 1\nv 1 0 0\nv 0 1 0 7\nvt 0 1 0\nvt 1\nf 1/1 2/2 3/1\n", LIMITS)
    assert obj.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]] and obj.colors is None
    assert obj.uv.tolist() == [[0, 0], [1, 0]]


def test_coordinates_are_never_taken_from_the_next_line() -> None:
    with pytest.raises(ValueError, match="v line number 2 has fewer than 3"):
        read_obj(b"v 0 0 0\nv 1 0\nv 0 0 1 0\nf 1 2 3\n", LIMITS)


def test_groups_come_in_the_order_of_their_first_faces() -> None:
    obj = read_obj(b"v 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl b\nf 1 2 3\nusemtl a\nf 1 2 3\ns 1\nf 1 2 3\nusemtl b\ns off\nf 3 2 1\n", LIMITS)
    assert list(obj.faces) == [FaceGroup("b", False, "v"), FaceGroup("a", False, "v"), FaceGroup("a", True, "v")]
    assert obj.faces[FaceGroup("b", False, "v")].indices["v"].tolist() == [[0, 1, 2], [2, 1, 0]]
    assert np.concatenate([faces.indices["v"] for faces in obj.faces.values()]).dtype == np.int64
