"""Requests as steps: what both clients do, without saying how a request is sent or how one waits.

An operation is a generator. It yields a ``Call`` or a ``Pause`` and is given what came of it; ``Client`` and ``AsyncClient`` only carry
these out, so that retries and fallbacks stand in one place.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx

from render_server_client.errors import NoServerError, RefusedError

T = TypeVar("T")

PATIENCE_SEC = 60.0
"""How long a server may be full or silent before the client gives up."""

FIRST_ANSWER_SEC = 1.0
"""The same for a server that has never answered: it is more likely that there is none."""

_MAX_PAUSE_SEC = 10.0

JOBS = "/api/v1/jobs"


@dataclass(frozen=True)
class Call:
    """A request.

    Attributes:
        method: of HTTP.
        path: below the server's address.
        params: of the query; those that are None are left out.
        json: its body, or None.
        body: gives httpx's arguments of another body, anew for each try; what it opens is closed after the try.
        headers: beside the key.
        repeatable: whether sending it twice does no more than once.
        timeout_sec: of each read and write.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    body: Callable[[ExitStack], dict[str, Any]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    timeout_sec: float = 30.0

    def arguments(self, opened: ExitStack) -> dict[str, Any]:
        """What ``httpx.Client.request`` takes."""
        given: dict[str, Any] = {
            "method": self.method,
            "url": self.path,
            "params": {name: value for name, value in self.params.items() if value is not None},
            "headers": dict(self.headers),
            "timeout": self.timeout_sec,
        }
        if self.json is not None:
            given["json"] = self.json
        if self.body is not None:
            given |= self.body(opened)
        return given


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


Answer = httpx.Response | httpx.TransportError | None
Steps = Generator[Call | Pause, Answer, T]


class Backoff:
    """How long to wait before each further try, and when to give up.

    Args:
        patience_sec: all tries together.
    """

    def __init__(self, patience_sec: float) -> None:
        self._until, self._pause = time.monotonic() + patience_sec, 0.2

    def next(self, asked_sec: float | None = None) -> float | None:
        """Seconds before the next try, or None when it is time to give up.

        Args:
            asked_sec: what the server asked for.
        """
        left = self._until - time.monotonic()
        pause = self._pause * random.uniform(0.75, 1.25) if asked_sec is None else asked_sec
        if left <= 0 or (asked_sec is not None and asked_sec > left):
            return None
        self._pause = min(self._pause * 2, _MAX_PAUSE_SEC)
        return min(pause, left)


class Session:
    """What is known of a server while a client is used.

    Args:
        url: of the server, such as ``http://127.0.0.1:8004``.
        api_key: where the server wants one; None takes ``RENDER_API_KEY`` from the environment.
        patience_sec: how long the server may be full or silent.

    Attributes:
        answered: whether it has answered once.
        older: whether it has no ``/api/v1/jobs`` yet.
        streams: whether it may have events to stream.
        shared: by folder, whether the server sees the same files in it.
    """

    def __init__(self, url: str, api_key: str | bytes | None, patience_sec: float) -> None:
        self.url = url.rstrip("/")
        key = api_key or os.environ.get("RENDER_API_KEY") or None
        self.headers: dict[Any, Any] = {} if key is None else {b"X-API-Key": key.encode() if isinstance(key, str) else key}
        self.patience_sec = patience_sec
        self.answered, self.older, self.streams = False, False, True
        self.shared: dict[str, bool] = {}

    def backoff(self) -> Backoff:
        """For one request."""
        return Backoff(self.patience_sec if self.answered else min(FIRST_ANSWER_SEC, self.patience_sec))

    def path(self, path: str) -> str:
        """A path as this server knows it."""
        return older_path(path) if self.older else path

    def request(self, call: Call) -> Steps[httpx.Response]:
        """Send a request, again where that is safe and of use.

        Raises:
            NoServerError: nothing has answered for ``patience_sec``.
            RefusedError: the server has refused it.
        """
        backoff = self.backoff()
        while True:
            answer = yield replace(call, path=self.path(call.path))
            failure: RefusedError | NoServerError
            if isinstance(answer, httpx.Response):
                if not self.answered:
                    self.answered, backoff = True, Backoff(self.patience_sec)
                if answer.is_success:
                    return answer
                failure = RefusedError(answer)
                if failure.no_such_route and not self.older and older_path(call.path) != call.path:
                    self.older = True
                    continue
                pause = backoff.next(failure.retry_after_sec) if failure.passing and call.repeatable else None
            else:
                assert answer is not None
                failure = NoServerError(self.url, answer)
                unsent = isinstance(answer, (httpx.ConnectError, httpx.ConnectTimeout))
                pause = backoff.next() if unsent or call.repeatable else None
            if pause is None:
                raise failure
            yield Pause(pause)

    def json(self, call: Call) -> Steps[Any]:
        """The same, and the answer as JSON."""
        answer = yield from self.request(call)
        return answer.json()


def older_path(path: str) -> str:
    """The path of a server that has no ``/api/v1/jobs``: only jobs had others."""
    if path == JOBS or path.startswith((f"{JOBS}/", f"{JOBS}?")):
        return path.removeprefix("/api/v1")
    return path
