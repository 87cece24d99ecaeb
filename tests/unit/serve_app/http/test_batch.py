"""A batch's items, and what is said of a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http.batch import check_batch_size, item_request
from serve_app.http.requests import BatchRequest
from tests.unit.serve_app.http.fake_server import FakeService, api, client, post

PATH = "/api/v1/render-templates-batch"
GOOD = {"cad_path": "a", "output_dir": "b"}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("item", ["0", '"a"', "[0]"])
async def test_a_batch_of_what_are_no_items_is_refused_at_the_first(settings: Settings, item: str) -> None:
    content = f"[{', '.join([item] * 300_000)}]"
    answer = await post(api(settings), content, path=PATH)
    assert answer.status_code == 422 and answer.json()["field"] == "items.0" and "more)" not in answer.json()["detail"]


async def test_an_unknown_name_in_the_body_is_held_against_the_bodys_own(settings: Settings) -> None:
    async with client(api(settings)) as http:
        answer = (await http.post(PATH, json={"items": [GOOD], "default": {}})).json()
    assert answer["field"] == "default"
    assert answer["detail"] == "unknown field 'default' (did you mean 'defaults'?); known fields are items, defaults"


async def test_an_unknown_name_in_an_item_or_the_defaults_is_told_with_its_place(settings: Settings) -> None:
    items = [GOOD, {**GOOD, "resolutionn": 64}, {**GOOD, "samples": 0}, {"cad_path": "a"}, {**GOOD, "level": 1, "camera_poses_path": "p"}]
    async with client(api(settings)) as http:
        answer = (await http.post(PATH, json={"items": items})).json()
        of_defaults = (await http.post(PATH, json={"items": [GOOD], "defaults": {"foo": 1}})).json()
        wrong_default = (await http.post(PATH, json={"items": [{**GOOD, "samples": 1}, GOOD], "defaults": {"samples": 0}})).json()
    errors = [result["error"] for result in answer["results"]]
    assert errors[0]["code"] == "cad_not_found"  # As far as a good one comes.
    assert [error["field"] for error in errors[1:]] == ["items.1.resolutionn", "items.2.samples", "items.3.output_dir", "items.4"]
    assert "unknown field 'items.1.resolutionn' (did you mean 'resolution'?); known fields are normalize, " in errors[1]["detail"]
    assert errors[3]["detail"] == "items.3.output_dir is required"
    error = of_defaults["results"][0]["error"]
    assert error["field"] == "defaults.foo" and "did you mean" not in error["detail"] and "cad_path" in error["detail"]
    assert [result["error"]["field"] for result in wrong_default["results"]] == ["cad_path", "defaults.samples"]


def test_an_item_goes_before_the_defaults() -> None:
    batch = BatchRequest(items=[{**GOOD, "samples": 2}, GOOD], defaults={"samples": 1, "resolution": 64})
    assert [(item_request(batch, index).samples, item_request(batch, index).resolution) for index in (0, 1)] == [(2, 64), (1, 64)]


def test_a_batch_may_be_a_bare_list() -> None:
    assert BatchRequest.model_validate([GOOD]) == BatchRequest(items=[GOOD])


def test_too_many_items_are_refused() -> None:
    check_batch_size(3, 3)
    with pytest.raises(ServiceError, match="items has 4 entries, more than 3") as caught:
        check_batch_size(4, 3)
    assert (caught.value.code, caught.value.field) == ("validation_error", "items")


async def test_a_fault_with_one_item_is_that_items_alone(settings: Settings) -> None:
    class FaultyService(FakeService):
        async def accept(self, request: Any, group: str = "", **keys: Any) -> None:
            if request.samples == 7:
                raise RuntimeError("a secret of the server's")
            await super().accept(request)

    async with client(api(settings, FaultyService())) as http:
        answer = await http.post(PATH, json=[{**GOOD, "samples": 7}, GOOD])
    assert answer.status_code == 200 and "secret" not in answer.text
    assert [result["error"]["code"] for result in answer.json()["results"]] == ["internal_error", "cad_not_found"]
    assert (answer.json()["failed"], answer.json()["success"]) == (2, False)
