"""A client of the server, as small as the command line needs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from serve_app.base.api_key import key_of
from serve_app.base.settings import Settings
from serve_app.cli.messages import CommandError

_POLL_SECONDS = 0.3


class NoServerError(CommandError):
    """No server answers."""


class RefusedError(CommandError):
    """The server has refused a request.

    Attributes:
        detail: why, as a sentence.
        code: machine-readable reason; empty where the answer was not the server's own.
        status: of HTTP.
        retry_after_sec: when to send it again; None where that is no use.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.code, self.status = "", response.status_code
        waits = response.headers.get("Retry-After", "")
        self.retry_after_sec = float(waits) if waits.isdecimal() else None
        try:
            body = response.json()
            self.detail, self.code = str(body["detail"]), str(body["code"])
            message = f"{self.detail} [{self.code}]"
            if response.status_code == httpx.codes.UNAUTHORIZED:
                message += "; this command sends RENDER_API_KEY, or what is in RENDER_API_KEY_FILE"
        except (ValueError, KeyError, TypeError):
            self.detail = message = response.text[:200]
        super().__init__(f"the server refused: {message}")


class Client:
    """Talks to a running server, with the key of ``RENDER_API_KEY`` or ``RENDER_API_KEY_FILE`` when one is set.

    Args:
        url: such as ``http://127.0.0.1:8004``.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        key = key_of(Settings())
        headers = {} if key is None else {b"X-API-Key": key}
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=30.0, trust_env=False)

    def get(self, path: str, **query: Any) -> Any:
        """JSON of a GET."""
        return self._json(lambda: self._http.get(path, params={key: value for key, value in query.items() if value is not None}))

    def post(self, path: str, body: Any, **query: Any) -> Any:
        """JSON of a POST."""
        return self._json(lambda: self._http.post(path, json=body, params=query))

    def put(self, path: str, body: Any, **query: Any) -> Any:
        """JSON of a PUT."""
        return self._json(lambda: self._http.put(path, json=body, params=query))

    def post_waiting(self, path: str, body: Any) -> Any:
        """JSON of a POST that is answered when its job has ended, however long that takes."""
        return self._json(lambda: self._http.post(path, json=body, params={"wait": "true"}, timeout=None))

    def text(self, path: str) -> str:
        """Text of a GET."""
        return self._checked(lambda: self._http.get(path)).text

    def _checked(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            response = send()
        except httpx.HTTPError as error:
            raise NoServerError(f"no server answers at {self.url} ({error}); start one with `make serve`, or pass --url") from error
        if response.is_error:
            raise RefusedError(response)
        return response

    def _json(self, send: Callable[[], httpx.Response]) -> Any:
        return self._checked(send).json()

    def answers(self) -> bool:
        """Whether a server answers at all."""
        try:
            return self._http.get("/health", timeout=2.0).is_success
        except httpx.HTTPError:
            return False

    def ready(self) -> bool:
        """Whether the server answers, and has a Blender that is ready or needs none before a job comes."""
        try:
            return self._http.get("/ready", timeout=10.0).is_success
        except httpx.HTTPError:
            return False

    def follow(self, job_id: str, progress: Callable[[int, int], None]) -> dict[str, Any]:
        """Wait for a job, telling of each step; returns its record."""
        told = -1
        while True:
            job: dict[str, Any] = self.get(f"/jobs/{job_id}")
            if job["rendered_count"] != told and job["total_poses"]:
                told = job["rendered_count"]
                progress(told, job["total_poses"])
            if job["status"] not in ("queued", "running"):
                return job
            time.sleep(_POLL_SECONDS)
