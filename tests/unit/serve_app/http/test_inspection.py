"""The routes by which a CAD is looked at."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from serve_app.base.settings import Settings
from serve_app.cad.read_options import ReadOptions
from serve_app.http.inspection import CadInspected
from serve_app.jobs.cad_choice import CadChoice
from tests.unit.serve_app.http.fake_server import JSON, FakeService, api, client

EXAMPLE: dict[str, Any] = CadInspected.model_json_schema()["examples"][0]


class Inspector(FakeService):
    """Tells the documented example of every CAD."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.inspection = self

    async def inspect(self, choice: CadChoice, unit: str, options: ReadOptions) -> dict[str, Any]:
        self.asked.append((choice.cad_text, unit, options))
        return EXAMPLE


@pytest.mark.parametrize("path", ["/cad/inspect", "/api/v1/cad/inspect"])
async def test_both_paths_answer_as_documented(settings: Settings, path: str) -> None:
    service = Inspector()
    app = api(settings, service)
    async with client(app) as http:
        answer = await http.post(path, json={"cad_path": "a.step", "unit": "cm", "tessellation": "fine", "parts": ["lid"]})
        plain = await http.post(path, json={"cad_path": "a.stl"})
        document = (await http.get("/openapi.json")).json()
    assert answer.status_code == plain.status_code == 200 and answer.json() == EXAMPLE
    assert service.asked == [("a.step", "cm", ReadOptions(("lid",), tessellation="fine")), ("a.stl", "auto", ReadOptions())]
    described = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json(), {**described, "components": document["components"]})


@pytest.mark.parametrize(
    "change", [{"unit": "feet"}, {"tessellation": "finest"}, {"parts": "lid"}, {"parts": [""]}, {"cad_path": ""}, {"output_dir": "out"}]
)
async def test_a_bad_field_is_named(settings: Settings, change: dict[str, Any]) -> None:
    service = Inspector()
    async with client(api(settings, service)) as http:
        answer = await http.post("/api/v1/cad/inspect", json={"cad_path": "a.stl", **change}, headers=JSON)
    assert answer.status_code == 422 and next(iter(change)) in answer.json()["detail"] and not service.asked
