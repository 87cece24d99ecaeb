from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.host_list import HostList
from serve_app.jobs.callback import target_of
from serve_app.service.webhooks import sender as module
from serve_app.service.webhooks.sender import NotSentError, Sender
from tests.unit.serve_app.service.webhooks.receiver import OK, Receiver, answer, certified

LOOPBACK = "127.0.0.1"


async def post(url: str, *hosts: str) -> int:
    return await Sender(HostList(hosts)).post(target_of(url), {"webhook-id": "m"}, b"{}")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Addresses of names, by name: those of the first look, of the second and so on."""
    known: dict[str, list[list[str]]] = {}

    def look(host: str, port: int, **more: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        addresses = known[host].pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return known


async def test_a_body_comes_as_it_is_to_the_host_that_was_named() -> None:
    async with Receiver().listening() as receiver:
        assert await post(receiver.url, LOOPBACK) == 204
    ((line, headers, body),) = receiver.requests
    assert line == "POST /hook?x=1 HTTP/1.1" and body == b"{}"
    assert headers["host"] == f"127.0.0.1:{receiver.port}" and headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "m" and headers["user-agent"].startswith("render-server/")


@pytest.mark.parametrize("status", ["500 No", "404 No", "302 Found"])
async def test_what_is_not_taken(status: str) -> None:
    elsewhere = Receiver()
    async with elsewhere.listening(), Receiver([answer(status, f"Location: {elsewhere.url}")]).listening() as receiver:
        with pytest.raises(NotSentError, match=status[:3]) as failed:
            await post(receiver.url, LOOPBACK)
    assert not failed.value.final and len(receiver.requests) == 1 and not elsewhere.requests  # A redirect is not followed.


async def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    async with Receiver([answer("410 Gone")]).listening() as receiver:
        with pytest.raises(NotSentError) as failed:
            await post(receiver.url, LOOPBACK)
    assert failed.value.final


async def test_an_answer_is_not_read_and_silence_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\nx"
    async with Receiver([endless]).listening() as receiver:
        assert await post(receiver.url, LOOPBACK) == 200
    for said in (None, b"HTTP/1.1 200 OK\r\n"):
        async with Receiver([said]).listening() as receiver:
            with monkeypatch.context() as quickly, pytest.raises(NotSentError):
                quickly.setattr(module, "ATTEMPT_SEC", 0.2)
                await post(receiver.url, LOOPBACK)
    with pytest.raises(NotSentError, match="ConnectError"):
        await post(receiver.url, LOOPBACK)  # Nobody listens any more.


async def test_a_host_that_is_not_listed_is_not_connected_to() -> None:
    async with Receiver().listening() as receiver:
        for hosts in ((), ("localhost",), ("*.example.com",), (f"127.0.0.1:{receiver.port + 1}",), ("10.0.0.0/8",)):
            with pytest.raises(NotSentError, match="not in RENDER_WEBHOOK_HOSTS"):
                await post(receiver.url, *hosts)
    assert not receiver.requests


async def test_a_listed_name_leads_inside_only_where_the_address_is_listed_too(names: dict[str, list[list[str]]]) -> None:
    async with Receiver([OK]).listening() as receiver:
        url = f"http://hook.example:{receiver.port}/"
        names["hook.example"] = [["127.0.0.1"], ["::1", "169.254.169.254"], ["10.0.0.7", "127.0.0.1"]]
        for told in ("127.0.0.1", "::1, 169.254.169.254"):
            with pytest.raises(NotSentError, match=told.replace(".", r"\.") + r"\); .* add its address"):
                await post(url, "hook.example")
        assert not receiver.requests
        assert await post(url, "hook.example", LOOPBACK) == 204
    assert receiver.requests[0][1]["host"] == f"hook.example:{receiver.port}"


async def test_a_name_is_looked_up_once_and_never_by_the_connection(names: dict[str, list[list[str]]]) -> None:
    async with Receiver([OK]).listening() as receiver:
        names["hook.example"] = [["127.0.0.1"]]  # A second look finds nothing, and fails.
        assert await post(f"http://hook.example:{receiver.port}/", "hook.example", LOOPBACK) == 204
    with pytest.raises(NotSentError, match=r"the name unknown\.example is not known"):
        await post("http://unknown.example/", "unknown.example")


async def test_the_next_address_of_a_name_is_tried(names: dict[str, list[list[str]]]) -> None:
    async with Receiver([OK]).listening() as receiver:
        names["hook.example"] = [["127.0.0.2", "127.0.0.1"]]
        assert await post(f"http://hook.example:{receiver.port}/", "hook.example", "127.0.0.0/8") == 204


async def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(
    names: dict[str, list[list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, trusted = certified("hook.example", tmp_path)
    names.update({"hook.example": [["127.0.0.1"], ["127.0.0.1"]], "other.example": [["127.0.0.1"]]})
    async with Receiver([OK]).listening(tls) as receiver:
        with pytest.raises(NotSentError, match="self-signed certificate"):
            await post(f"https://hook.example:{receiver.port}/", "hook.example", LOOPBACK)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert await post(f"https://hook.example:{receiver.port}/", "hook.example", LOOPBACK) == 204
        with pytest.raises(NotSentError, match=r"not valid for 'other\.example'"):
            await post(f"https://other.example:{receiver.port}/", "other.example", LOOPBACK)
