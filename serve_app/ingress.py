"""The ingress deployment: one replica that speaks HTTP and owns the jobs."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket

import httpx
import ray
from fastapi import FastAPI
from ray.serve._private.constants import SERVE_LOGGER_NAME
from ray.serve.context import _get_global_client as get_controller_client
from ray.serve.handle import DeploymentHandle

from render_actor.contract.types import RendererStatus
from render_actor.metrics.export import export_forever
from serve_app.base.aio import spawn
from serve_app.base.api_key import NO_KEY, UnusableKeyError, is_loopback, key_of
from serve_app.base.deployed import Deployed, MisplacedError
from serve_app.base.errors import UnusableStoreError
from serve_app.base.logs import configure_console, server_event
from serve_app.base.metrics import SERVER_METRICS
from serve_app.base.ray_token import keep_token_private, token_file
from serve_app.base.serve_stop import replica_stops
from serve_app.base.settings import Settings
from serve_app.cad.sandbox.trial import missing_protection
from serve_app.http.routes import build_api
from serve_app.rendering.renderers import ServeRenderers
from serve_app.service.service import RenderService

_LOOK_FOR_STOP_SEC = 0.5
_NO_PROXY_HERE_SEC = 2.0
"""When the pauses between two tries are as long, 20 s have gone."""


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
        configure_console(settings.log_level, settings.log_format, background=True)
        logging.getLogger(SERVE_LOGGER_NAME).addFilter(is_no_wait_for_a_renderer)
        keep_token_private(token_file(os.environ))
        await asyncio.to_thread(_check_node, deployed, settings)
        try:
            wants_key = key_of(settings) is not None
            gc.disable()  # To take up thousands of jobs leaves no garbage, and each collection would look at all of them.
            self._renderers = ServeRenderers(workers, settings.view_timeout_sec, none_kept=min_renderers == 0)
            self.service = RenderService(settings, self._renderers, max_renderers, min_renderers)
            await self.service.start()
        except (UnusableStoreError, UnusableKeyError, OSError) as error:
            server_event("error", f"the server cannot start: {error}")
            raise
        self._exporting = spawn(export_forever(SERVER_METRICS, self.service.measure))
        self._watching = spawn(_end_streams_when_stopped(self.service))
        for _ in range(2):  # The tasks of an earlier server's jobs come to where they wait for their turn.
            await asyncio.sleep(0)
        gc.enable()
        _keep_for_good()
        roots = {"input_roots": settings.resolved_input_roots, "output_roots": settings.resolved_output_roots}
        told = {name: os.pathsep.join(map(str, paths)) for name, paths in roots.items()}
        server_event("info", "ingress is up", min_renderers=min_renderers, max_renderers=max_renderers, **told)
        host, port = await asyncio.to_thread(_listening_address)
        if not wants_key and not is_loopback(host):
            server_event("warning", NO_KEY)
        if missing := await asyncio.to_thread(missing_protection):
            server_event("warning", "CADs are read with less protection than there could be", missing=" | ".join(missing))
        if port is not None:
            url = f"http://{'127.0.0.1' if host in (None, '0.0.0.0') else host}:{port}"
            self._telling = spawn(_tell_when_ready(url, self.service))

    async def renderer_told(self, status: RendererStatus) -> float:
        """A renderer tells its state; returns the seconds within which it should tell further changes in one."""
        return self._renderers.told(status)

    def __serve_build_asgi_app__(self) -> FastAPI:  # Serve's name: it calls this when the constructor is done.
        api = build_api(lambda: self.service, self._settings)
        _keep_for_good()
        return api

    async def __del__(self) -> None:  # Serve awaits it, when it stops this replica in good order.
        service = getattr(self, "service", None)
        if service is not None:
            left = await service.drain()
            if left is not None:
                server_event("info", "stopped; the jobs that are left go on at the next start", jobs=left)
            self._exporting.cancel()
            service.close()


def _keep_for_good() -> None:
    """What is in memory by now stays: no later collection looks at it, and none stops the event loop for as long."""
    gc.collect()
    gc.freeze()


async def _end_streams_when_stopped(service: RenderService) -> None:
    """Streams of events have no end of their own, and Serve waits for every open request before it stops this replica."""
    while not replica_stops():
        await asyncio.sleep(_LOOK_FOR_STOP_SEC)
    service.events.log.close()


async def _tell_when_ready(url: str, service: RenderService) -> None:
    """Say that the server is ready, when a client would find it so: the proxy learns last that there is an ingress."""
    pause_sec = 0.2
    async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
        while pause_sec < _NO_PROXY_HERE_SEC:
            try:
                if (await http.get(f"{url}/ready")).is_success:
                    break
            except httpx.HTTPError:  # With `proxy_location: HeadOnly` there may be no proxy on this node.
                pause_sec *= 1.1
            await asyncio.sleep(pause_sec)
    _keep_for_good()  # With the first request FastAPI makes as many objects again as there are for the routes.
    while not service.is_ready:
        await asyncio.sleep(pause_sec)
    server_event("info", f"ready on {url}; {url}/docs describes the requests")


def is_no_wait_for_a_renderer(record: logging.LogRecord) -> bool:
    """All but Serve's warning that a view batch waits for a renderer: with fewer renderers than work, that is how it should be."""
    return not str(record.msg).startswith("Failed to route request after")


def _check_node(deployed: Deployed, settings: Settings) -> None:
    nodes = sum(node["Alive"] for node in ray.nodes())
    named = f"node {ray.util.get_node_ip_address()} ({socket.gethostname()})"
    try:
        deployed.check_node(settings, nodes=nodes, named=named)
    except MisplacedError as error:
        server_event("error", str(error))
        raise


def _listening_address() -> tuple[str | None, int | None]:
    """Where Serve's HTTP proxies listen; None when it does not say, which counts as everywhere."""
    try:
        options = get_controller_client().http_config
        return options.host, options.port
    except Exception as error:  # An internal of Serve: the server must start without it too.
        server_event("debug", "Serve does not say where it listens", cause=repr(error))
        return None, None
