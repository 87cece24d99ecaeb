from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from serve_app.jobs.request import RenderRequest

GOOD = {"cad_path": "a.ply", "output_dir": "out"}


def refusal(**changes: Any) -> tuple[tuple[int | str, ...], str]:
    """Where a request is wrong, and what is said of it."""
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate({**GOOD, **changes})
    finding = caught.value.errors()[0]
    return finding["loc"], finding["msg"]


def test_defaults_are_the_older_servers() -> None:
    request = RenderRequest.model_validate(GOOD)
    assert (request.normalize, request.colorize, request.base_color, request.resolution) == (True, False, 0.05, 512)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("normalize", "False"),
        ("normalize", 0),
        ("colorize", "yes"),
        ("base_color", 1.5),
        ("base_color", -0.1),
        ("base_color", float("nan")),
        ("base_color", False),
        ("samples", 0),
        ("samples", True),
        ("samples", "9"),
        ("level", True),
        ("samples", 5000),
        ("resolution", 63),
        ("resolution", 2049),
        ("level", 3),
        ("unit", "feet"),
        ("obj_axes", "z"),
        ("tessellation", "finest"),
        ("tessellation", 4),
        ("parts", "peg"),
        ("parts", []),
        ("recenter", "true"),
        ("templates_subfolder", 1),
        ("cad_path", ""),
        ("cad_path", 7),
        ("camera_poses_path", ""),
    ],
)
def test_a_bad_option_is_named(field: str, value: object) -> None:
    where, said = refusal(**{field: value})
    assert where == (field,) and said


def test_an_unknown_option_is_refused() -> None:
    assert refusal(normalise=True)[0] == ("normalise",)


def test_two_camera_lists_are_refused() -> None:
    _, detail = refusal(level=1, camera_poses_path="poses.npy")
    assert "not both" in detail
