from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import ValidationError

from serve_app.http.validation import validation_error
from serve_app.jobs.request import RenderRequest

GOOD = {"cad_path": "a.ply", "output_dir": "out"}


def refusal(**changes: Any) -> tuple[str | None, str]:
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate({**GOOD, **changes})
    error = validation_error(caught.value.errors())
    assert error.code == "validation_error"
    return error.field, error.detail


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
        ("unit", "inch"),
        ("obj_axes", "z"),
        ("recenter", "true"),
        ("templates_subfolder", 1),
        ("cad_path", ""),
        ("cad_path", 7),
        ("camera_poses_path", ""),
    ],
)
def test_a_bad_option_is_named_with_its_value(field: str, value: object) -> None:
    named, detail = refusal(**{field: value})
    assert named == field
    assert detail.startswith(f"{field}: ") and repr(value) in detail


def test_an_unknown_field_is_named_and_the_known_ones_are_listed() -> None:
    field, detail = refusal(normalise=True)
    assert field == "normalise" and "unknown field 'normalise'" in detail and "normalize" in detail


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate({"cad_path": "a.ply"})
    assert validation_error(caught.value.errors()).detail == "output_dir is required"


@pytest.mark.parametrize("value", ["x" * 4_000_000, "é" * 2_000_000, [0] * 2_000_000, [[[0] * 50] * 50] * 800, {"x" * 4_000_000: 0}])
def test_a_large_value_costs_no_more_than_a_small_one(value: object) -> None:
    """It may be the default of a thousand items, and each tells of it."""
    began = time.process_time()
    for _ in range(100):
        _, detail = refusal(samples=value)
    assert time.process_time() - began < 1.0 and len(detail) < 200


def test_a_long_name_is_cut() -> None:
    field, detail = refusal(**{"x" * 4_000_000: 1})
    assert field is not None and len(field) <= 80 and len(detail) < 600


def test_two_camera_lists_are_refused() -> None:
    _, detail = refusal(level=1, camera_poses_path="poses.npy")
    assert "not both" in detail


def test_several_faults_are_counted() -> None:
    _, detail = refusal(samples=0, resolution=1)
    assert "(and 1 more)" in detail
