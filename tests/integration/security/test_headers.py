"""Headers at a real server, as bytes on a connection: too many are refused, whoever sends them, and ``HEAD`` brings no body."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

from serve_app.http.header_limit import MAX_HEADER_BYTES, MAX_HEADERS
from tests.integration.conftest import Server
from tests.integration.security.conftest import API_KEY
from tests.wait import wait_until

ENOUGH = 30
"""Seconds in which an answer comes."""


def answer_to(server: Server, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes on a connection of their own: the status, the headers and whatever comes after them until the server hangs up."""
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=ENOUGH) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}, body


def request(method: str, path: str, *headers: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: server", b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


KEY = b"X-API-Key: " + API_KEY.encode()
LARGE = [
    pytest.param([b"X-Large: " + b"x" * MAX_HEADER_BYTES], id="one large header"),
    pytest.param([b"X-Large: " + b"x" * 10_000_000], id="one of ten megabytes"),
    pytest.param([b"X-%d: %s" % (number, b"x" * 700) for number in range(60)], id="together too large"),
    pytest.param([b"X-%d:" % number for number in range(MAX_HEADERS)], id="too many"),
    pytest.param([b"X-%d:" % number for number in range(100_000)], id="a hundred thousand"),
]


@pytest.mark.parametrize("headers", LARGE)
@pytest.mark.parametrize("keys", [[], [KEY]], ids=["a stranger", "with the key"])
def test_headers_beyond_the_limits(locked_server: Server, headers: list[bytes], keys: list[bytes]) -> None:
    status, answered, body = answer_to(locked_server, request("GET", "/jobs", *keys, *headers))
    assert status == 431 and json.loads(body)["code"] == "headers_too_large" and answered["x-content-type-options"] == "nosniff"
    with locked_server.http() as http:
        assert http.get("/health").status_code == 200


def test_headers_within_the_limits(locked_server: Server) -> None:
    status, _, _ = answer_to(locked_server, request("GET", "/jobs", KEY, b"Cookie: " + b"x" * (MAX_HEADER_BYTES - 1024)))
    assert status == 200


@pytest.mark.parametrize(
    "path", ["/health", "/jobs", "/openapi.json", "/docs", "/docs/swagger-ui-bundle.js", "/api/v1/status", "/jobs/none"]
)
def test_head_brings_what_get_does_and_no_body(locked_server: Server, path: str) -> None:
    wait_until(lambda: nothing_runs(locked_server), "the end of what other tests have asked for")
    status, headers, body = answer_to(locked_server, request("HEAD", path, KEY))
    got_status, got_headers, got_body = answer_to(locked_server, request("GET", path, KEY))
    assert body == b"" and (status, headers["content-type"]) == (got_status, got_headers["content-type"])
    assert set(headers) == set(got_headers)
    if path not in ("/health", "/api/v1/status"):  # They tell the time and what is free.
        assert int(headers["content-length"]) == len(got_body) > 0


def nothing_runs(server: Server) -> bool:
    """Whether the list of jobs stays as it is."""
    _, _, body = answer_to(server, request("GET", "/api/v1/status", KEY))
    status = json.loads(body)
    return bool(status["jobs_queued"] == status["jobs_running"] == 0)


def test_head_without_the_key(locked_server: Server) -> None:
    status, headers, body = answer_to(locked_server, request("HEAD", "/jobs"))
    assert status == 401 and body == b"" and "www-authenticate" in headers
