"""One sentence for what is wrong with a request."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from serve_app.base.settings import Settings
from serve_app.http.requests import InspectRequest
from serve_app.http.validation import validation_error
from serve_app.jobs.request import RenderRequest
from tests.unit.serve_app.http.fake_server import api, client

GOOD = {"cad_path": "a.ply", "output_dir": "out"}


def refusal(**changes: Any) -> tuple[str | None, str]:
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate({**GOOD, **changes})
    error = validation_error(caught.value.errors(), RenderRequest)
    assert error.code == "validation_error"
    return error.field, error.detail


@pytest.mark.parametrize(
    ("field", "value"),
    [("samples", 0), ("normalize", "False"), ("level", True), ("unit", "feet"), ("cad_path", 7), ("base_color", float("nan"))],
)
def test_a_wrong_value_is_told_with_its_field(field: str, value: object) -> None:
    named, detail = refusal(**{field: value})
    assert named == field and detail.startswith(f"{field}: ") and detail.endswith(f"; got {value!r}")


@pytest.mark.parametrize("model", [RenderRequest, InspectRequest])
def test_a_unit_that_is_none_is_told_by_the_fields_plain_name(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"cad_path": "a.ply", "unit": "inches"} | ({"output_dir": "out"} if model is RenderRequest else {}))
    error = validation_error(caught.value.errors(), model)
    assert error.detail == "unit: Input should be 'auto', 'mm', 'cm', 'm' or 'inch'; got 'inches'" and error.field == "unit"


def test_a_misspelt_name_is_told_before_the_name_that_is_missing_for_it() -> None:
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate({"cad_pth": "a.ply", "output_dir": "out"})
    error = validation_error(caught.value.errors(), RenderRequest)
    assert error.field == "cad_pth" and "did you mean 'cad_path'?" in error.detail and error.detail.endswith("; also: cad_path is required")


def test_an_unknown_field_is_named_and_the_known_ones_are_listed() -> None:
    field, detail = refusal(zebra=True)
    assert field == "zebra" and detail == "unknown field 'zebra'; known fields are " + ", ".join(RenderRequest.model_fields)


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("normalise", "normalize"), ("resolutionn", "resolution"), ("Samples", "samples"), ("cadpath", "cad_path"), ("output", "outputs")],
)
def test_a_name_near_a_known_one_is_suggested(typo: str, meant: str) -> None:
    assert f"unknown field {typo!r} (did you mean {meant!r}?); known" in refusal(**{typo: 1})[1]


def test_of_an_object_inside_the_request_the_objects_fields_are_known() -> None:
    assert refusal(camera={"fov": 1}) == (
        "camera.fov",
        "unknown field 'camera.fov'; known fields are K, width, height, distance_mm, distance_diameters, poses, crop",
    )
    assert "unknown field 'camera.crop.sizes' (did you mean 'size'?); known" in refusal(camera={"crop": {"sizes": 1}})[1]


def test_a_name_that_is_missing_is_suggested_before_one_that_is_nearer() -> None:
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate({"cad_path": "a.ply", "output": "out"})
    assert "unknown field 'output' (did you mean 'output_dir'?)" in validation_error(caught.value.errors(), RenderRequest).detail


@pytest.mark.parametrize("name", ["body", "query", "path", "header"])
async def test_a_field_is_named_also_when_it_is_called_like_a_part_of_a_request(settings: Settings, name: str) -> None:
    async with client(api(settings)) as http:
        answer = (await http.post("/render/templates", json={**GOOD, name: 1})).json()
    assert answer["field"] == name and f"unknown field '{name}'" in answer["detail"]


async def test_a_wrong_parameter_is_named(settings: Settings) -> None:
    async with client(api(settings)) as http:
        answer = (await http.get("/jobs", params={"limit": "many"})).json()
    assert answer["field"] == "limit" and "got 'many'" in answer["detail"]


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate({"cad_path": "a.ply"})
    assert validation_error(caught.value.errors(), RenderRequest).detail == "output_dir is required"
    assert validation_error(caught.value.errors(), RenderRequest, ("items", 3)).detail == "items.3.output_dir is required"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("value", ["x" * 4_000_000, "é" * 2_000_000, [0] * 2_000_000, [[[0] * 50] * 50] * 800, {"x" * 4_000_000: 0}])
def test_a_large_value_costs_no_more_than_a_small_one(value: object) -> None:
    """It may be the default of a thousand items, and each tells of it."""
    for _ in range(1000):
        _, detail = refusal(samples=value)
    assert len(detail) < 200


@pytest.mark.timeout(60)
def test_a_long_name_is_cut_and_compared_with_none() -> None:
    field, detail = refusal(**{"x" * 4_000_000: 1})
    assert field is not None and len(field) <= 80 and len(detail) < 600 and "did you mean" not in detail
    assert len(refusal(**{"resolution" * 40_000: 1})[1]) < 600


def test_of_several_faults_each_is_told() -> None:
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate({**GOOD, "samples": 0, "resolution": 1, "zebra": 1, "camera": {"lens": 2}})
    error = validation_error(caught.value.errors(), RenderRequest, ("items", 3))
    fields = ["items.3.camera.lens", "items.3.samples", "items.3.resolution", "items.3.zebra"]
    assert error.field == fields[0] and sorted(finding.field or "" for finding in error.findings) == sorted(fields)
    assert error.findings[0].field == fields[0] and error.detail.startswith(error.findings[0].detail)
    assert "; also: " in error.detail and error.detail.count("known fields are") == 1
    assert all(f"{field}" in error.detail for field in fields)


def test_one_fault_alone_is_the_error() -> None:
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate({**GOOD, "samples": 0})
    assert validation_error(caught.value.errors(), RenderRequest).findings == ()


async def test_an_answer_lists_all_faults_of_a_body_however_many(settings: Settings) -> None:
    names = [f"n{number}" for number in range(40)]
    async with client(api(settings)) as http:
        answer = (await http.post("/render/templates", json={**GOOD, **dict.fromkeys(names, 1)})).json()
        alone = (await http.post("/render/templates", json={**GOOD, "n0": 1})).json()
    assert [error["field"] for error in answer["errors"]] == names and answer["field"] == "n0"
    assert "`errors` tells the other 29" in answer["detail"] and answer["detail"].count("known fields") == 1
    assert set(alone) == {"detail", "code", "field"}
