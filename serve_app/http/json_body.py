"""Reads the JSON body of a request: bounded while it arrives, and parsed strictly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute

from serve_app.base.errors import ServiceError

MAX_DEPTH = 32
"""Lists and objects inside each other; a batch request has three."""

MAX_NAMES = 100
"""Names that one object may have; a render request knows about fifteen. Each unknown one costs time when the body is checked, and the
defaults of a batch are checked with each of its items."""


BODY_SEC = 30.0
"""Seconds in which a body must have come: until then it holds one of the ingress's places for requests."""


class JsonRoute(APIRoute):
    """A route whose body, where it takes one, is read by ``read_json``; FastAPI then checks it against the route's model.

    The limit is ``max_body_bytes`` of the application's ``state.settings``.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, behind the reading of the body."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def read_and_handle(request: Request) -> Response:
            data = await _bounded_body(request, request.app.state.settings.max_body_bytes)
            if data:  # Of an empty one FastAPI says that it is required.
                _check_content_type(request.headers.get("content-type"))
            return await handle(ReadRequest(request, data, parse_json(data) if data else None))

        return read_and_handle

    def handler_of_read_requests(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler without the reading of the body, for a ``ReadRequest``."""
        return super().get_route_handler()


class ReadRequest(Request):
    """A request whose body has been read and parsed already, and counts as JSON."""

    def __init__(self, request: Request, data: bytes, parsed: Any) -> None:
        headers = [(name, value) for name, value in request.scope["headers"] if name != b"content-type"]
        headers += [(b"content-type", b"application/json")] if data else []
        super().__init__({**request.scope, "headers": headers}, request.receive)
        self._data, self._parsed = data, parsed

    async def body(self) -> bytes:
        """What was read."""
        return self._data

    async def json(self) -> Any:
        """What it says."""
        return self._parsed


async def _bounded_body(request: Request, limit: int) -> bytes:
    """The body, refused from its declared length, or, where it declares none or a lower one, as soon as it passes the limit.

    Raises:
        ServiceError: ``body_too_large``, or ``body_too_slow`` when it has not come within ``BODY_SEC``.
    """
    too_large = ServiceError(
        "body_too_large", f"the request body is larger than {limit} bytes (RENDER_MAX_BODY_BYTES); send several smaller requests"
    )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
        raise too_large
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_SEC):
            async for chunk in request.stream():
                data += chunk
                if len(data) > limit:
                    raise too_large
    except TimeoutError as error:
        said = f"{len(data)} bytes of the request body came within {BODY_SEC:g} s, and no end; send it in one piece"
        raise ServiceError("body_too_slow", said) from error
    return bytes(data)


def _check_content_type(value: str | None) -> None:
    """Only JSON is read: a browser cannot send that to another site's server without asking it first."""
    message = Message()
    message["content-type"] = value or "none"
    if value is None or not (message.get_content_type() == "application/json" or message.get_content_type().endswith("+json")):
        shown = "nothing" if value is None else repr(value[:80])
        raise ServiceError("content_type_unsupported", f"send the body as `Content-Type: application/json`; got {shown}")


def parse_json(data: bytes) -> Any:
    """Parse a request body.

    Refused beyond what ``json`` refuses: names that an object has twice, more than ``MAX_NAMES`` of them, NaN and Infinity, numbers
    that no float holds, nesting below ``MAX_DEPTH``, and halves of surrogate pairs, which are no text and can be neither stored nor
    answered.

    Raises:
        ServiceError: ``validation_error``.
    """
    try:
        text = data.decode("utf-8")
        parsed = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float, parse_int=_int)
        _check_value(parsed, MAX_DEPTH)
    except UnicodeDecodeError as error:
        raise _not_json(f"byte {error.start} is not UTF-8") from error
    except UnicodeEncodeError as error:
        raise _not_json("it holds half of a surrogate pair, which is no character") from error
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise _too_deep() from error
    return parsed


def _not_json(reason: str) -> ServiceError:
    return ServiceError("validation_error", f"the request body is not JSON: {reason}")


def _too_deep() -> ServiceError:
    return ServiceError("validation_error", f"the request body nests lists and objects more than {MAX_DEPTH} deep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_NAMES:
        raise ServiceError("validation_error", f"the request body has an object with {len(pairs)} names, more than {MAX_NAMES}")
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise _not_json(f"an object has the name {twice[:80]!r} twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise _not_json(f"it has no {name}")


def _int(digits: str) -> int:
    if len(digits) > 300:
        raise _not_json(f"a number of {len(digits)} digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _not_json(f"the number {digits[:80]} is too large")
    return value


def _check_value(value: Any, depth: int) -> None:
    """Raise for a value that nests too deep or that holds text which is none."""
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, dict | list):
        if depth == 0:
            raise _too_deep()
        for inner in value:
            _check_value(inner, depth - 1)
        if isinstance(value, dict):
            for inner in value.values():
                _check_value(inner, depth - 1)
