"""Sends one webhook: to an address that was looked up once and checked, within a bounded time, and without reading what is answered."""

from __future__ import annotations

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version

import certifi
import httpx

from serve_app.base.host_list import Address, HostList, address_of
from serve_app.jobs.callback import Target

ATTEMPT_SEC = 10.0
"""For the name, the connection and the head of the answer together."""

_CONNECT_SEC = 3.0
_LOOKUPS = 4
_ADDRESSES = 3
"""Addresses of a name that are tried."""


class NotSentError(Exception):
    """A webhook was not taken; the message says why, in one line.

    Args:
        reason: for the log.
        final: whether it need not be tried again.
    """

    def __init__(self, reason: str, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Sender:
    """Posts to hosts of a list.

    Args:
        hosts: that may be named, and addresses inside that may be connected to.
    """

    def __init__(self, hosts: HostList) -> None:
        self._hosts = hosts
        # Threads of its own: a name server that is silent must not hold those that the jobs are waiting for.
        self._names = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="webhook-names")
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())  # A container may have no certificates of its own.
        self._http = httpx.AsyncClient(
            verify=context,
            trust_env=False,  # No proxy: it would look the name up once more.
            follow_redirects=False,
            timeout=httpx.Timeout(ATTEMPT_SEC, connect=_CONNECT_SEC),
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"User-Agent": f"render-server/{version('render-server')}", "Accept-Encoding": "identity"},
        )

    async def post(self, target: Target, headers: dict[str, str], body: bytes) -> int:
        """Send a body.

        Args:
            target: where to.
            headers: beside those of every request.
            body: JSON.

        Returns:
            The status of the answer, one of 200 to 299.

        Raises:
            NotSentError: it was not taken.
        """
        try:
            async with asyncio.timeout(ATTEMPT_SEC):
                return await self._post(target, headers, body)
        except TimeoutError:
            raise NotSentError(f"no answer within {ATTEMPT_SEC:g} s") from None

    async def _post(self, target: Target, headers: dict[str, str], body: bytes) -> int:
        addresses = await self._addresses(target)
        for address in addresses[:-1]:
            try:
                return await self._post_to(address, target, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        try:
            return await self._post_to(addresses[-1], target, headers, body)
        except httpx.HTTPError as error:
            raise NotSentError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error

    async def _addresses(self, target: Target) -> list[Address]:
        """The addresses of a host that may be connected to; the name is looked up here and nowhere else."""
        if not self._hosts.has(target.host, target.port):
            raise NotSentError(f"{target.authority} is not in RENDER_WEBHOOK_HOSTS")
        literal = address_of(target.host)
        if literal is not None:
            return [literal]
        try:
            look = partial(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
            found = await asyncio.get_running_loop().run_in_executor(self._names, look)
        except OSError as error:
            raise NotSentError(f"the name {target.host} is not known: {error.strerror or error}") from error
        addresses = [address for entry in found if (address := address_of(str(entry[4][0]))) is not None]
        allowed = [address for address in addresses if self._hosts.may_connect(address, target.port)]
        if not allowed:
            told = ", ".join(map(str, addresses)) or "none"
            raise NotSentError(
                f"{target.host} has no public address ({told}); if it is to be called inside, add its address to RENDER_WEBHOOK_HOSTS"
            )
        return allowed[:_ADDRESSES]

    async def _post_to(self, address: Address, target: Target, headers: dict[str, str], body: bytes) -> int:
        # The URL has the address, so nothing is looked up again; the certificate is checked for the name.
        all_headers = {"Host": target.authority, "Content-Type": "application/json", **headers}
        extensions = {"sni_hostname": target.host}
        url = target.url_at(str(address))
        async with self._http.stream("POST", url, headers=all_headers, content=body, extensions=extensions) as answer:
            status = answer.status_code  # Whatever the body holds, it is not read.
        if 200 <= status < 300:
            return status
        if status == 410:
            raise NotSentError("the receiver is gone (410)", final=True)
        raise NotSentError(f"answered with {status}" + ("; redirects are not followed" if 300 <= status < 400 else ""))
