"""``GET /ready``: what it answers, and how the document describes that."""

from __future__ import annotations

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from tests.unit.serve_app.http.fake_server import FakeService, api, client


class UnreadyService(FakeService):
    """Has no renderer yet."""

    def check_ready(self) -> None:
        raise ServiceError("not_ready", "no renderer is ready to render; ask again in a moment", retry_after_sec=5)


async def test_a_server_that_is_not_ready_says_when_to_come_back(settings: Settings) -> None:
    async with client(api(settings, UnreadyService())) as http:
        answer = await http.get("/ready")
        assert (await http.get("/health")).status_code == 200
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "5" and answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {"detail": "no renderer is ready to render; ask again in a moment", "code": "not_ready", "field": None}


async def test_a_server_that_is_ready(settings: Settings) -> None:
    async with client(api(settings)) as http:
        answer = await http.get("/ready")
    assert answer.status_code == 200 and answer.json() == {"status": "ready", "message": "Render Server is ready to render"}


def test_the_document_has_examples_of_both() -> None:
    responses = api(Settings()).openapi()["paths"]["/ready"]["get"]["responses"]
    assert set(responses) == {"200", "431", "503"} and "Retry-After" in responses["503"]["headers"]
    assert responses["503"]["content"]["application/json"]["example"]["code"] == "not_ready"
    assert api(Settings()).openapi()["components"]["schemas"]["Ready"]["properties"]["message"]["examples"]
