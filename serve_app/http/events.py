"""``GET /api/v1/events`` and ``GET /api/v1/jobs/{job_id}/events``: what happens to jobs, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.sse import EventSourceResponse

from serve_app.http.dependencies import JobId, Service
from serve_app.http.errors import failures
from serve_app.http.event_streams import EventStreams
from serve_app.http.head import is_head
from serve_app.jobs.event_log import Event, EventName
from serve_app.jobs.states import FINAL_STATES
from serve_app.service.job_events import JobEvents

router = APIRouter(tags=["events"])

# The routes' `response_class` is not FastAPI's for events: it takes events from a generator, and encodes each anew for every listener.

_NOT_BUFFERED = {"X-Accel-Buffering": "no"}
"""Asks a proxy like nginx to pass each event on at once."""

_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "One event, as WHATWG HTML parses a stream.",
    "properties": {
        "event": {"enum": list(get_args(EventName))},
        "data": {"type": "string", "description": "JSON text with the `job_id` and more of the event."},
        "id": {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9]+$"},
        "retry": {"type": "integer"},
    },
}
_EXAMPLE = {"event": "view", "data": '{"job_id":"7f9c","view":3,"seconds":0.61,"rendered_count":4,"total_poses":42}', "id": "5d0c1b7e-118"}

_STREAM: dict[str, Any] = {
    "description": "Server-sent events, until the client closes the connection. See docs/events.md.",
    "content": {"text/event-stream": {"schema": _EVENT, "example": _EXAMPLE}},
}


async def _streams(request: Request, service: Service) -> EventStreams:
    state = request.app.state
    if not hasattr(state, "event_streams"):  # Made with the first listener: until then nobody has asked for the service.
        state.event_streams = EventStreams(service.events.log, state.settings.max_event_streams)
    streams: EventStreams = state.event_streams
    return streams


async def _last_event_id(
    last_event_id: Annotated[
        str | None, Header(max_length=64, description="Id of the last event that was received: those after it follow.")
    ] = None,
    last_event_id_: Annotated[
        str | None, Query(alias="last_event_id", max_length=64, description="The same, for a client that can set no header.")
    ] = None,
) -> str | None:
    return last_event_id or last_event_id_ or None


Streams = Annotated[EventStreams, Depends(_streams)]
ForSec = Annotated[
    float | None,
    Query(
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="End the stream after so many seconds. Left out: after about an hour; a client then connects again and misses nothing.",
    ),
]
LastEventId = Annotated[str | None, Depends(_last_event_id)]


@router.get("/events", response_class=StreamingResponse, responses={200: _STREAM, **failures(422, 429, 503)})
async def all_events(
    request: Request, service: Service, streams: Streams, last_event_id: LastEventId, for_sec: ForSec = None
) -> EventSourceResponse:
    """Events of all jobs, as they happen.

    A stream begins with `started` of each job that runs and `queued` of the oldest that wait, or with what came after `Last-Event-ID`.
    """
    streams.check_open()
    events = service.events
    after = _place_of(events, last_event_id)
    if after is not None:
        return _response(request, streams.stream(None, after, for_sec))
    return _response(request, streams.stream(_told_anew(last_event_id, None) + events.present(), events.log.last, for_sec))


_OVER = {"description": "The job has ended, and `Last-Event-ID` is that of its last event: a browser's `EventSource` asks no more."}


@router.get("/jobs/{job_id}/events", response_class=StreamingResponse, responses={200: _STREAM, 204: _OVER, **failures(404, 422, 429, 503)})
async def job_events(
    job_id: JobId, request: Request, service: Service, streams: Streams, last_event_id: LastEventId, for_sec: ForSec = None
) -> Response:
    """Events of one job, until it has ended.

    A stream begins with how the job stands: `queued`, or `started`, a `view` for each view that is there, and each `warning`. With
    `Last-Event-ID` it begins with what came after.
    """
    streams.check_open()
    events = service.events
    now = events.log.last
    record = await service.job_record(job_id)
    after = _place_of(events, last_event_id)

    def position() -> Event | None:
        place = events.position(job_id)
        return None if place is None else Event("queued", {"job_id": job_id, "position": place})

    if after is not None and record.status in FINAL_STATES and events.are_over(job_id, after):
        return Response(status_code=204)
    if after is not None:
        return _response(request, streams.stream(None, after, for_sec, job_id, position))
    present = _told_anew(last_event_id, job_id) + events.present_of(record)
    return _response(request, streams.stream(present, now, for_sec, job_id, position))


def _place_of(events: JobEvents, last_event_id: str | None) -> int | None:
    """The number of the event after which a client goes on; None where it is told how things stand instead."""
    number = None if last_event_id is None else events.log.number_of(last_event_id)
    return None if number is None or events.log.since(number) is None else number


def _told_anew(last_event_id: str | None, job_id: str | None) -> list[Event]:
    return [] if last_event_id is None else [Event("reset", {"job_id": job_id})]


def _response(request: Request, stream: AsyncIterator[bytes]) -> EventSourceResponse:
    return EventSourceResponse(_nothing() if is_head(request.scope) else stream, headers=_NOT_BUFFERED)


async def _nothing() -> AsyncIterator[bytes]:
    for chunk in list[bytes]():
        yield chunk
