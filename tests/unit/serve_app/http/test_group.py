from __future__ import annotations

from typing import Any

import pytest

from serve_app.base.settings import Settings
from tests.unit.serve_app.http.fake_server import JSON, FakeService, api, client

BODY = {"cad_path": "a.ply", "output_dir": "out"}


class Recorder(FakeService):
    """Remembers the groups that jobs are sent with."""

    def __init__(self) -> None:
        self.groups: list[str] = []

    async def accept(self, request: Any, group: str = "", **keys: Any) -> None:
        self.groups.append(group)
        await super().accept(request, group, **keys)


@pytest.mark.parametrize(("method", "path"), [("POST", "/render/templates"), ("PUT", "/jobs/mine")])
async def test_jobs_that_are_sent_one_by_one_can_share_a_group(method: str, path: str) -> None:
    service = Recorder()
    async with client(api(Settings(), service)) as http:
        for query in ({}, {"group": "lm-1"}):
            assert (await http.request(method, path, json=BODY, params=query, headers=JSON)).json()["code"] == "cad_not_found"
        refused = await http.request(method, path, json=BODY, params={"group": "a b"}, headers=JSON)
    assert service.groups == ["", "lm-1"] and refused.status_code == 422 and refused.json()["field"] == "group"
