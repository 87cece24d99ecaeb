"""Tickets to download a job's archive: for browsers, whose downloads can send no key in a header.

Who has the key asks for one. It comes as a cookie that scripts cannot read and that the browser sends back for this job alone: neither
the key nor the ticket is ever part of an address, which logs and histories keep.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from starlette.requests import cookie_parser

from serve_app.http.dependencies import JobId, Service
from serve_app.http.errors import failures
from serve_app.http.json_body import JsonRoute

BEGIN_WITHIN_SEC = 60
"""A download must begin within so many seconds: so long the browser keeps the cookie."""

IDLE_SEC = 600
"""Seconds between two parts of a download (8 MiB, see ``serve_app.http.downloads``), after which its ticket is over."""

MOST = 1000
"""Tickets at a time: the oldest go first."""

COOKIE = "render-download"

_ARCHIVE = re.compile(r"/api/v1/jobs/([^/]+)/templates\.zip")

router = APIRouter(route_class=JsonRoute, tags=["results"])


class Tickets:
    """Those that were given out; a server that starts again has none.

    Args:
        now: seconds of a clock that only goes on.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._until: dict[tuple[str, str], float] = {}

    def issue(self, job_id: str) -> str:
        """A new one, for a job's archive."""
        now = self._now()
        self._until = {ticket: until for ticket, until in self._until.items() if until > now}
        while len(self._until) >= MOST:
            del self._until[next(iter(self._until))]
        secret = secrets.token_urlsafe(32)
        self._until[job_id, secret] = now + BEGIN_WITHIN_SEC
        return secret

    def admits(self, path: str, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether a ``GET`` has the ticket for its path, which then lasts on while its download does."""
        job = _ARCHIVE.fullmatch(path)
        if job is None:
            return False
        cookies = cookie_parser("; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie"))
        ticket = (job[1], cookies.get(COOKIE, ""))
        if self._until.get(ticket, 0) <= self._now():
            return False
        self._until[ticket] = max(self._until[ticket], self._now() + IDLE_SEC)
        return True


@router.post(
    "/jobs/{job_id}/download-ticket",
    status_code=204,
    response_class=Response,
    responses={204: {"description": "`Set-Cookie` has the ticket."}, **failures(404, 409, 410, 422)},
)
async def create_download_ticket(request: Request, job_id: JobId, service: Service) -> Response:
    """A cookie with which a browser downloads `templates.zip` of this job without the key, to disk, if it begins within 60 s."""
    await service.results.archives.facts(job_id)  # What cannot be downloaded is said here, where the page can show it.
    tickets: Tickets = request.app.state.tickets
    answer = Response(status_code=204)
    secure = "https" in (request.url.scheme, request.headers.get("X-Forwarded-Proto"))
    # No path: it is this job's, whatever prefix a proxy put in front of it.
    answer.set_cookie(COOKIE, tickets.issue(job_id), max_age=BEGIN_WITHIN_SEC, path=None, secure=secure, httponly=True, samesite="strict")
    return answer
