"""What is told of views that may not be as they should."""

from __future__ import annotations

from typing import Any

import pytest

from serve_app.templates.view_flags import flags_of

GOOD = {"mask_pixels": 2000, "mask_box": [20, 20, 80, 80], "brightness": 90.0}


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, []),
        ({"brightness": 15.9}, ["nearly_black"]),
        ({"brightness": None}, []),
        ({"mask_pixels": 99}, ["small_mask"]),
        ({"mask_pixels": 100}, []),
        ({"mask_box": [2, 20, 80, 80]}, ["near_border"]),
        ({"mask_box": [20, 20, 80, 98]}, ["near_border"]),
        ({"mask_box": [3, 3, 97, 97]}, []),
        ({"mask_box": None}, []),
        ({"brightness": 0.0, "mask_pixels": 1, "mask_box": [0, 0, 1, 1]}, ["nearly_black", "small_mask", "near_border"]),
    ],
)
def test_flags(changes: dict[str, Any], flags: list[str]) -> None:
    assert flags_of({**GOOD, **changes}, 100, 100) == flags


def test_what_an_older_server_did_not_tell_is_taken_to_be_well() -> None:
    assert flags_of({"mask_pixels": 2000}, 100, 100) == []
