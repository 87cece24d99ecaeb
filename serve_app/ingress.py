"""The ingress deployment: one replica that speaks HTTP and owns the jobs."""

from __future__ import annotations

from fastapi import FastAPI
from ray import serve
from ray.serve.handle import DeploymentHandle

from serve_app.http_api import build_api
from serve_app.logs import configure_console, server_event
from serve_app.renderers import ServeRenderers
from serve_app.service import RenderService
from serve_app.settings import Settings


class Ingress:
    """Holds the service of this replica.

    Args:
        workers: handle of the ``RenderWorker`` deployment.
        max_renderers: how many of them there can be.
    """

    async def __init__(self, workers: DeploymentHandle, max_renderers: int) -> None:  # type: ignore[misc]  # Serve awaits it.
        settings = Settings()
        configure_console(settings.log_level)
        self.service = RenderService(settings, ServeRenderers(workers), max_renderers)
        await self.service.start()
        roots = {
            "input_roots": list(map(str, settings.resolved_input_roots)),
            "output_roots": list(map(str, settings.resolved_output_roots)),
        }
        server_event("info", "ingress is up", max_renderers=max_renderers, **roots)

    async def __del__(self) -> None:  # Serve awaits it, when it stops this replica in good order.
        service = getattr(self, "service", None)
        if service is not None:
            await service.drain()


def _service_of_this_replica() -> RenderService:
    ingress: Ingress = serve.get_replica_context().servable_object
    return ingress.service


def build_replica_api() -> FastAPI:
    """The FastAPI application of an ingress replica; Serve calls it when the replica starts."""
    return build_api(_service_of_this_replica)
