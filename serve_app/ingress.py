"""The ingress deployment: one replica that speaks HTTP and owns the jobs."""

from __future__ import annotations

import asyncio
import gc
import os
from functools import cache

from fastapi import FastAPI
from ray import serve
from ray.serve.context import _get_global_client as get_controller_client
from ray.serve.handle import DeploymentHandle

from render_actor.metrics.export import export_forever
from serve_app.base.aio import spawn
from serve_app.base.api_key import NO_KEY, is_loopback, key_of
from serve_app.base.logs import configure_console, server_event
from serve_app.base.metrics import SERVER_METRICS
from serve_app.base.ray_token import keep_token_private, token_file
from serve_app.base.settings import Settings
from serve_app.http.routes import build_api
from serve_app.rendering.renderers import ServeRenderers
from serve_app.service.service import RenderService


class Ingress:
    """Holds the service of this replica.

    Args:
        workers: handle of the ``RenderWorker`` deployment.
        min_renderers: how many of them are kept warm.
        max_renderers: how many of them there can be.
    """

    async def __init__(self, workers: DeploymentHandle, min_renderers: int, max_renderers: int) -> None:  # type: ignore[misc]  # Serve awaits it.
        settings = _settings()
        wants_key = key_of(settings) is not None
        configure_console(settings.log_level, background=True)
        keep_token_private(token_file(os.environ))
        self.service = RenderService(settings, ServeRenderers(workers, settings.view_timeout_sec), max_renderers, min_renderers)
        await self.service.start()
        self._exporting = spawn(export_forever(SERVER_METRICS, self.service.measure))
        # What is in memory by now stays: no later collection looks at it, and none stops the event loop for as long.
        gc.collect()
        gc.freeze()
        roots = {
            "input_roots": list(map(str, settings.resolved_input_roots)),
            "output_roots": list(map(str, settings.resolved_output_roots)),
        }
        server_event("info", "ingress is up", max_renderers=max_renderers, **roots)
        if not wants_key and not is_loopback(await asyncio.to_thread(_listening_host)):
            server_event("warning", NO_KEY)

    async def __del__(self) -> None:  # Serve awaits it, when it stops this replica in good order.
        service = getattr(self, "service", None)
        if service is not None:
            await service.drain()
            self._exporting.cancel()
            service.close()


@cache
def _settings() -> Settings:
    """Read once in a replica: its service and its routes have the same."""
    return Settings()


def _listening_host() -> str | None:
    """Where Serve's HTTP proxies listen; None when it does not say, which counts as everywhere."""
    try:
        host: str | None = get_controller_client().http_config.host
    except Exception as error:  # An internal of Serve: the server must start without it too.
        server_event("debug", "Serve does not say where it listens", cause=repr(error))
        return None
    return host


def _service_of_this_replica() -> RenderService:
    ingress: Ingress = serve.get_replica_context().servable_object
    return ingress.service


def build_replica_api() -> FastAPI:
    """The FastAPI application of an ingress replica; Serve calls it when the replica starts."""
    return build_api(_service_of_this_replica, _settings())
