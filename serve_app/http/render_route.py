"""Takes a render request as JSON, or with the CAD itself as ``multipart/form-data``."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

from fastapi import Request, Response

from serve_app.base.errors import ServiceError
from serve_app.http.json_body import JsonRoute, ReadRequest, parse_json
from serve_app.http.multipart import is_multipart
from serve_app.http.received import FILES_SCHEMA, receiver_of
from serve_app.jobs.request import RenderRequest

_OPTIONS = "options"
_FORM: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": FILES_SCHEMA,
            "options": {
                "type": "object",
                "description": "The other fields of a render request, as JSON. Each may also be a form field of its own name instead.",
            },
        },
    },
    "encoding": {"options": {"contentType": "application/json"}},
}
"""What the OpenAPI document says of the form."""

_TYPED = ("number", "integer", "boolean", "array", "object")


class RenderRoute(JsonRoute):
    """A ``JsonRoute`` that also takes files where its body is a render request: they become an upload, and the form fields its options."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        super().__init__(path, endpoint, **more)
        if self._takes_files:
            self.openapi_extra = {"requestBody": {"content": {"multipart/form-data": _FORM}}, **(self.openapi_extra or {})}

    @property
    def _takes_files(self) -> bool:
        return self.body_field is not None and self.body_field.field_info.annotation is RenderRequest

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, behind the reading of the body."""
        handle = super().get_route_handler()
        if not self._takes_files:
            return handle
        inner = self.handler_of_read_requests()

        async def read_and_handle(request: Request) -> Response:
            if not is_multipart(request.headers.get("content-type")):
                return await handle(request)
            form = await receiver_of(request).form(request, with_fields=True)
            uploads = request.app.state.get_service().uploads
            try:
                options = options_of(form.fields)
                if form.upload is not None:
                    if options.get("upload_id") is not None:
                        raise ServiceError("validation_error", "send files or an upload_id, not both: each is a CAD", "upload_id")
                    options["upload_id"] = form.upload.upload_id
                return await inner(ReadRequest(request, json.dumps(options).encode(), options))
            finally:
                if form.upload is not None:  # A repeated request is answered with the job of the first; its files are there twice.
                    await uploads.forget_unused(form.upload)

        return read_and_handle


def options_of(fields: list[tuple[str, str]]) -> dict[str, Any]:
    """The options that form fields say: one part ``options`` as JSON, or a field each; both may come.

    A field's text is taken as JSON where its option is no text; a list may also come as several fields of one name.

    Raises:
        ServiceError: ``validation_error``.
    """
    options: dict[str, Any] = {}
    for name, text in fields:
        if name == _OPTIONS:
            said = parse_json(text.encode())
            if not isinstance(said, dict):
                raise ServiceError("validation_error", f"the form field options must be a JSON object, not {text[:80]!r}", _OPTIONS)
        else:
            value = _value(name, text)
            if isinstance(value, list) and isinstance(options.get(name), list):
                options[name] += value
                continue
            said = {name: value}
        twice = next((key for key in said if key in options), None)
        if twice is not None:
            raise ServiceError("validation_error", f"the form says {twice[:80]!r} twice; say it once", twice[:80])
        options |= said
    return options


def _value(name: str, text: str) -> Any:
    kinds = _kinds().get(name, frozenset())
    if text == "" and "null" in kinds:  # As a form sends a field that was left empty.
        return None
    if "array" in kinds and not text.lstrip().startswith("["):
        return [text]
    if not kinds.intersection(_TYPED):
        return text
    try:
        return parse_json(text.encode())
    except ServiceError:
        return text  # Which the model refuses, with its value.


@cache
def _kinds() -> dict[str, frozenset[str]]:
    """JSON types of each option of a render request."""
    schema = RenderRequest.model_json_schema()

    def kinds(field: dict[str, Any]) -> set[str]:
        if "$ref" in field:
            field = schema["$defs"][field["$ref"].rpartition("/")[2]]
        choices = [*field.get("anyOf", []), *field.get("allOf", [])] if "type" not in field else []
        found = {field["type"]} if "type" in field else set()
        return found.union(*(kinds(choice) for choice in choices)) if choices else found

    return {name: frozenset(kinds(field)) for name, field in schema["properties"].items()}
