"""The package's client as commands use it: with the server's key, and with plain requests beside its calls."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import httpx

from render_server_client import Client as PackageClient
from render_server_client import NoServerError, RefusedError
from serve_app.base.api_key import key_of
from serve_app.base.settings import Settings

__all__ = ["Client", "NoServerError", "RefusedError", "local_url", "server_url"]


def server_url() -> str:
    """What commands ask that are not told: ``RENDER_SERVER_URL``, or what listens at the usual port of this machine."""
    return os.environ.get("RENDER_SERVER_URL") or local_url()


def local_url() -> str:
    """Where a server of this machine listens."""
    return f"http://127.0.0.1:{os.environ.get('RENDER_SERVER_PORT') or '8004'}"


class Client(PackageClient):
    """Talks to a running server, with the key of ``RENDER_API_KEY`` or ``RENDER_API_KEY_FILE`` when one is set.

    Args:
        url: such as ``http://127.0.0.1:8004``.
        api_key: instead of the one that is set.
        patience_sec: how long the server may be full or silent before a call fails; plain requests are sent once.
    """

    def __init__(self, url: str, api_key: str | bytes | None = None, *, patience_sec: float = 0.0) -> None:
        super().__init__(url, api_key or key_of(Settings()), patience_sec=patience_sec)

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

    def _json(self, send: Callable[[], httpx.Response]) -> Any:
        try:
            response = send()
        except httpx.HTTPError as error:
            raise NoServerError(self.url, error) from error
        if response.is_error:
            raise RefusedError(response)
        return response.json()

    def answers(self) -> bool:
        """Whether a server answers at all."""
        with contextlib.suppress(httpx.HTTPError):
            # Nobody listens: that is known at once. Who listens may be busy, and is not to be taken for nobody.
            return self._http.get("/health", timeout=httpx.Timeout(10.0, connect=2.0)).is_success
        return False

    def ready(self) -> bool:
        """Whether the server answers, and has a Blender that is ready or needs none before a job comes."""
        with contextlib.suppress(httpx.HTTPError):
            return self._http.get("/ready", timeout=10.0).is_success
        return False

    def follow(self, job_id: str, progress: Callable[[int, int], None]) -> dict[str, Any]:
        """Wait for a job, telling of each step; returns its record."""
        told = -1
        for _ in self.events(job_id):
            job = self.job(job_id)
            if job.rendered != told and job.total:
                told = job.rendered
                progress(told, job.total)
        return dict(self.job(job_id).record)
