"""How a call of the client can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from render_server_client.models import Job

_PASSING = (429, 502, 503, 504, 507)
"""What a server that is full, starts or stops answers, or a proxy before one."""

_REMEDIES = {
    "unauthorized": "set RENDER_API_KEY (in Python, api_key=) to the server's own key",
    "path_outside_roots": "submit with upload=True, so that the server needs no path; or have its operator allow the folder",
    "cad_not_found": "check the path; where the server sees another disk, submit with upload=True",
    "queue_full": "submit again later; the client has waited for patience_sec already",
    "draining": "submit again when the server has started anew",
    "output_busy": "wait for the job that writes that folder, cancel it, or use another folder",
    "output_not_replaceable": "use another output_dir, or move away what is in it and is no template",
    "results_gone": "submit the CAD again: the server has removed these files, or another job has replaced them",
    "job_not_found": "check the id; jobs that ended long ago are forgotten",
}
"""By code, what to do where the server's own sentence cannot know what this client offers."""


class RenderServerError(Exception):
    """Whatever goes wrong between this client and its server."""


class NoServerError(RenderServerError):
    """No server answers, or it has been silent for longer than the client waits.

    Attributes:
        url: of the server.
    """

    def __init__(self, url: str, cause: Exception) -> None:
        self.url = url
        reason = str(cause) or type(cause).__name__
        super().__init__(f"no server answers at {url} ({reason}); start one with `render-server up`, or name another address")


class RefusedError(RenderServerError):
    """The server has refused a request.

    Attributes:
        status: of HTTP.
        detail: what was wrong, as a sentence of the server's.
        code: machine-readable reason; empty where the answer was not the server's own.
        field: of the request that it is about, or None.
        retry_after_sec: when to send it again; None where that is no use.
        remedy: what to do, where the client knows more than ``detail`` says; otherwise empty.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.status, self.code = response.status_code, ""
        self.field: str | None = None
        waits = response.headers.get("Retry-After", "")
        self.retry_after_sec = float(waits) if waits.isdecimal() else None
        try:
            body = response.json()
            self.detail, self.code, self.field = str(body["detail"]), str(body["code"]), body.get("field")
            message = f"{self.detail} [{self.code}]"
        except (ValueError, KeyError, TypeError, httpx.ResponseNotRead):
            self.detail = message = _text(response)
        self.remedy = _REMEDIES.get(self.code, "")
        super().__init__(f"the server refused: {message}" + (f"; {self.remedy}" if self.remedy else ""))

    @property
    def passing(self) -> bool:
        """Whether the same request may well succeed in a while."""
        return self.status in _PASSING

    @property
    def no_such_route(self) -> bool:
        """Whether this server is older than the route that was asked for."""
        own = self.code in ("not_found", "method_not_allowed") and self.field is None  # Else it is a file that is not there.
        return own or (not self.code and self.status in (404, 405))


def _text(response: httpx.Response) -> str:
    if response.has_redirect_location:
        return f"it redirects to {response.headers['Location']}; use that address"
    try:
        said = " ".join(response.text[:200].split())
    except httpx.ResponseNotRead:
        said = ""
    return said or f"HTTP {response.status_code}"


class JobFailedError(RenderServerError):
    """A job has ended without results.

    Attributes:
        job: as it ended.
        code: machine-readable reason.
        detail: why, as a sentence.
        field: of the request that it is about, or None.
        remedy: as for ``RefusedError``.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.code, self.detail, self.field = job.error_code, job.error or "the server did not say why", job.error_field
        self.remedy = _REMEDIES.get(self.code, "")
        said = f"job {job.id} {'failed' if job.status == 'timeout' else job.status}: {self.detail}"
        super().__init__(said + (f" [{self.code}]" if self.code else "") + (f"; {self.remedy}" if self.remedy else ""))


class WaitTimeoutError(RenderServerError):
    """A job has not ended in the time that was given for it; it goes on.

    Attributes:
        job_id: of the job.
    """

    def __init__(self, job_id: str, seconds: float) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} has not ended within {seconds:g} s; it goes on: wait for it again, or cancel it")


class FilesError(RenderServerError):
    """A file or folder on this machine, or what the server sent for it, is not usable; the message says which, and what to do."""
