"""The ingress deployment: one replica that speaks HTTP and owns the jobs."""

from __future__ import annotations

import asyncio
import gc
import os
import socket

import ray
from fastapi import FastAPI
from ray.serve.context import _get_global_client as get_controller_client
from ray.serve.handle import DeploymentHandle

from render_actor.contract.types import RendererStatus
from render_actor.metrics.export import export_forever
from serve_app.base.aio import spawn
from serve_app.base.api_key import NO_KEY, is_loopback, key_of
from serve_app.base.deployed import Deployed, MisplacedError
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
        deployed: what the deployment was given; it must hold on this node.

    Raises:
        MisplacedError: it does not.
    """

    async def __init__(  # type: ignore[misc]  # Serve awaits it.
        self, workers: DeploymentHandle, min_renderers: int, max_renderers: int, deployed: Deployed
    ) -> None:
        self._settings = settings = deployed.in_force()
        configure_console(settings.log_level, background=True)
        await asyncio.to_thread(_check_node, deployed, settings)
        wants_key = key_of(settings) is not None
        keep_token_private(token_file(os.environ))
        self._renderers = ServeRenderers(workers, settings.view_timeout_sec)
        self.service = RenderService(settings, self._renderers, max_renderers, min_renderers)
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

    async def renderer_told(self, status: RendererStatus) -> None:
        """A renderer tells its state."""
        self._renderers.told(status)

    def __serve_build_asgi_app__(self) -> FastAPI:  # Serve's name: it calls this when the constructor is done.
        return build_api(lambda: self.service, self._settings)

    async def __del__(self) -> None:  # Serve awaits it, when it stops this replica in good order.
        service = getattr(self, "service", None)
        if service is not None:
            await service.drain()
            self._exporting.cancel()
            service.close()


def _check_node(deployed: Deployed, settings: Settings) -> None:
    nodes = sum(node["Alive"] for node in ray.nodes())
    named = f"node {ray.util.get_node_ip_address()} ({socket.gethostname()})"
    try:
        deployed.check_node(settings, nodes=nodes, named=named)
    except MisplacedError as error:
        server_event("error", str(error))
        raise


def _listening_host() -> str | None:
    """Where Serve's HTTP proxies listen; None when it does not say, which counts as everywhere."""
    try:
        host: str | None = get_controller_client().http_config.host
    except Exception as error:  # An internal of Serve: the server must start without it too.
        server_event("debug", "Serve does not say where it listens", cause=repr(error))
        return None
    return host
