from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.contract.types import Failure, ViewHints
from render_actor.view.checks import view_failure

EMPTY = slice(0, 0), slice(0, 0)
WHOLE = slice(0, 32), slice(0, 32)
AT_THE_TOP = slice(0, 9), slice(4, 9)
ALL_HINTS = [ViewHints(normalize, recenter, own) for normalize, recenter, own in itertools.product((False, True), repeat=3)]


def mask(rows: slice, columns: slice) -> NDArray[np.bool_]:
    result = np.zeros((32, 32), dtype=bool)
    result[rows, columns] = True
    return result


def failure(place: tuple[slice, slice], hints: ViewHints) -> Failure:
    found = view_failure(mask(*place), 17, hints)
    assert found is not None
    return found


@pytest.mark.parametrize("hints", ALL_HINTS)
def test_a_whole_object_is_fine(hints: ViewHints) -> None:
    assert view_failure(mask(slice(1, 31), slice(1, 31)), 3, hints) is None


@pytest.mark.parametrize(
    ("rows", "columns", "code", "words"),
    [
        (*EMPTY, "view_blank", "view 17 is blank"),
        (slice(0, 9), slice(4, 9), "view_clipped", "at the top of"),
        (slice(20, 32), slice(4, 9), "view_clipped", "at the bottom of"),
        (slice(4, 9), slice(0, 9), "view_clipped", "at the left of"),
        (slice(4, 9), slice(20, 32), "view_clipped", "at the right of"),
        (slice(0, 9), slice(0, 9), "view_clipped", "at the top, left of"),
        (*WHOLE, "camera_inside_object", "from inside the object"),
    ],
)
@pytest.mark.parametrize("hints", ALL_HINTS)
def test_others_name_the_view_and_the_fault(rows: slice, columns: slice, code: str, words: str, hints: ViewHints) -> None:
    found = failure((rows, columns), hints)
    assert found.code == code and "view 17" in found.message and words in found.message
    assert not found.worth_retrying


@pytest.mark.parametrize("place", [EMPTY, AT_THE_TOP, WHOLE])
@pytest.mark.parametrize("hints", ALL_HINTS)
def test_a_remedy_is_named_unless_the_request_follows_it_already(place: tuple[slice, slice], hints: ViewHints) -> None:
    found = failure(place, hints)
    assert ("recenter=true" in found.message) is not hints.recenter
    assert ("normalize=true" in found.message) is not hints.normalize
    assert ("check the list in camera_poses_path" in found.message) is hints.own_cameras
    assert found.field is not None and (found.field in found.message or found.field == "cad_path")


@pytest.mark.parametrize(
    ("place", "word"), [(EMPTY, "check camera."), (AT_THE_TOP, "pass a"), (WHOLE, "pass a")], ids=["blank", "clipped", "inside"]
)
def test_the_callers_own_distance_and_matrix_have_remedies_of_their_own(place: tuple[slice, slice], word: str) -> None:
    distance = failure(place, ViewHints(normalize=False, own_distance="camera.distance_mm"))
    assert distance.field == "camera.distance_mm" and word in distance.message
    assert "normalize" not in distance.message and "camera.K" not in distance.message  # They exclude each other.
    matrix = failure(place, ViewHints(own_intrinsics=True))
    assert matrix.field == "camera.K" and word in matrix.message and "distance_mm" not in matrix.message
    both = failure(place, ViewHints(normalize=False, own_distance="camera.distance_diameters", own_intrinsics=True))
    assert "camera.distance_diameters" in both.message and "camera.K" in both.message


def test_a_blank_view_without_a_remedy_in_the_request_is_a_plate_seen_edge_on() -> None:
    found = failure(EMPTY, ViewHints(normalize=True, recenter=True, own_cameras=False))
    assert found.field == "cad_path"
    assert found.message == (
        "view 17 is blank: the object is seen exactly edge-on: the CAD is a flat plate, or thinner than a pixel; "
        "give the CAD a thickness, raise resolution, or pass a camera_poses_path without this view"
    )


def test_a_blank_view_of_a_plain_request_is_most_likely_off_its_origin() -> None:
    found = failure(EMPTY, ViewHints())
    assert found.field == "recenter"
    assert found.message == (
        "view 17 is blank: the object lies outside the image, is smaller than a pixel, or is a flat plate seen exactly edge-on; "
        "pass recenter=true if the CAD is far off its origin"
    )


@pytest.mark.parametrize("place", [EMPTY, AT_THE_TOP, WHOLE])
def test_the_callers_own_cameras_are_the_first_to_blame(place: tuple[slice, slice]) -> None:
    for hints in ALL_HINTS:
        if hints.own_cameras:
            assert failure(place, hints).field == "camera_poses_path"


def test_a_view_from_inside_of_a_request_that_is_not_scaled_asks_for_that() -> None:
    assert failure(WHOLE, ViewHints(normalize=False)).field == "normalize"
