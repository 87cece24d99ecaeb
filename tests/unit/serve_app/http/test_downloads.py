"""Downloads in parts, as Serve's proxy makes them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from serve_app.http.content import bytes_answer
from serve_app.http.downloads import BrokenDownloadError, PacedDownloads
from serve_app.http.errors import HANDLERS

DATA = bytes(range(256)) * 40
PATH = "/api/v1/jobs/a/templates.zip"


class Server:
    """An application with a file, behind what the proxy puts around it.

    Attributes:
        asked: ranges of the requests that came to it.
        etags: of the file, request by request; the last one stays.
    """

    def __init__(self, part_bytes: int = 1000) -> None:
        self.asked: list[str | None] = []
        self.etags = ["one"]
        self.data = DATA
        app = FastAPI()
        for kind, handler in HANDLERS.items():
            app.add_exception_handler(kind, handler)
        app.add_api_route("/api/v1/jobs/a/templates.zip", self._file)
        app.add_api_route("/jobs/a/templates.zip", self._file)
        app.add_api_route("/other", self._file)
        app.add_api_route("/api/v1/jobs/b/templates.zip", self._none)
        self.app = PacedDownloads(app, part_bytes)

    async def _file(self, request: Request) -> Response:
        self.asked.append(request.headers.get("range"))
        etag = self.etags.pop(0) if len(self.etags) > 1 else self.etags[0]
        return bytes_answer(request, self.data, etag, "application/zip", "no-cache")

    async def _none(self, request: Request) -> Response:
        self.asked.append(request.headers.get("range"))
        return JSONResponse({"detail": "no"}, 404)

    async def get(self, path: str = PATH, **headers: str) -> httpx.Response:
        """Download."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url="http://server") as http:
            return await http.get(path, headers=named)


@pytest.mark.parametrize("path", [PATH, "/jobs/a/templates.zip"])
async def test_a_file_comes_whole_from_its_parts(path: str) -> None:
    server = Server()
    answer = await server.get(path)
    assert answer.status_code == 200 and answer.content == DATA and answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["ETag"] == '"one"' and "Content-Range" not in answer.headers
    assert server.asked[0] == "bytes=0-0" and len(server.asked) == 1 + -(-len(DATA) // 1000)


@pytest.mark.parametrize(("asked", "part"), [("bytes=1-", (1, 10240)), ("bytes=2500-4600", (2500, 4601)), ("bytes=-3000", (7240, 10240))])
async def test_a_range_comes_from_parts_too(asked: str, part: tuple[int, int]) -> None:
    answer = await Server().get(Range=asked)
    assert answer.status_code == 206 and answer.content == DATA[slice(*part)]
    assert answer.headers["Content-Range"] == f"bytes {part[0]}-{part[1] - 1}/{len(DATA)}"
    assert answer.headers.get_list("Content-Length") == [str(part[1] - part[0])]


async def test_a_range_of_another_file_is_the_whole_one() -> None:
    answer = await Server().get(Range="bytes=5-9", If_Range='"two"')
    assert answer.status_code == 200 and answer.content == DATA
    assert (await Server().get(Range="bytes=5-9", If_Range='"one"')).content == DATA[5:10]


async def test_what_is_no_download_goes_through_as_it_is() -> None:
    server = Server()
    assert (await server.get("/other")).content == DATA and server.asked == [None]
    missing = await server.get("/api/v1/jobs/b/templates.zip")
    assert missing.status_code == 404 and missing.json() == {"detail": "no"}
    beyond = await server.get(Range="bytes=10240-")
    assert beyond.status_code == 416 and beyond.headers["Content-Range"] == "bytes */10240"


async def test_a_file_that_becomes_another_one_breaks_off() -> None:
    server = Server()
    server.etags = ["one", "one", "one", "two"]
    with pytest.raises(BrokenDownloadError, match="another file"):
        await server.get()


async def test_a_client_that_takes_nothing_has_one_part_on_its_way() -> None:
    server = Server()
    taken, may_go_on = 0, asyncio.Event()

    async def send(message: Any) -> None:
        nonlocal taken
        taken += len(message.get("body", b""))
        if taken >= 3000:
            await may_go_on.wait()

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = {
        "type": "http",
        "method": "GET",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
    }
    download = asyncio.create_task(server.app(scope, receive, send))
    for _ in range(200):
        await asyncio.sleep(0)
    assert taken == 3000 and len(server.asked) == 4
    may_go_on.set()
    await download
    assert taken == len(DATA)


async def test_for_a_client_that_has_hung_up_nothing_more_is_read() -> None:
    server = Server()
    taken, hung_up = 0, asyncio.Event()

    async def send(message: Any) -> None:
        nonlocal taken
        taken += len(message.get("body", b""))
        if taken >= 2000:
            hung_up.set()
            await asyncio.sleep(0.01)

    async def receive() -> Any:
        await hung_up.wait()
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": PATH, "query_string": b"", "headers": [], "http_version": "1.1"}
    await server.app(scope, receive, send)
    assert taken == 2000 and len(server.asked) == 3
