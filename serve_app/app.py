"""Builds the Serve application: ``import_path: serve_app.app:build`` in every Serve config."""

# No postponed annotations here: Ray reads the type of `build`'s argument to make it from a config's args.
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from ray import serve
from ray.serve.config import AutoscalingConfig, RequestRouterConfig

from render_actor.contract.device import RenderDevice
from render_actor.contract.types import RendererOptions
from render_actor.worker.worker import RenderWorker
from serve_app.base.deployed import Deployed, checked_settings
from serve_app.ingress import Ingress
from serve_app.rendering.free_renderer_router import FreeRendererRouter

INGRESS_NAME, WORKER_NAME = "Ingress", "RenderWorker"

_RENDERER = RendererOptions()
"""Owns the defaults of what the arguments say about a Blender."""


_ROUTER = RequestRouterConfig(request_router_class=f"{FreeRendererRouter.__module__}:FreeRendererRouter")


class AppArgs(BaseModel):
    """The ``args`` of the application in a Serve config."""

    model_config = ConfigDict(extra="forbid")

    min_renderers: int = Field(1, ge=0, description="Renderers that are always kept warm; with 0 the first job has one started, and waits.")
    max_renderers: int = Field(2, ge=1, description="Renderers at most; the autoscaler chooses between, by queue depth.")
    gpus_per_renderer: float = Field(
        _RENDERER.num_gpus, ge=0, description="GPUs, or a fraction of one, of each renderer; 0 renders on the CPU."
    )
    cpus_per_renderer: float = Field(
        _RENDERER.num_cpus,
        gt=0,
        description="CPUs that Ray books for a Blender: bookkeeping only; two renderers must fit the machine.",
    )
    threads_per_renderer: int = Field(_RENDERER.threads, ge=1, description="CPU threads of each Blender; it is pinned to as many cores.")
    warm_meshes: int = Field(_RENDERER.warm_meshes, ge=1, description="CADs that each Blender keeps loaded.")
    renderer_start_timeout_sec: float = Field(
        _RENDERER.start_timeout_sec, gt=0, description="Seconds in which a Blender must have rendered its first pixel."
    )
    renderer_memory_bytes: int = Field(
        _RENDERER.memory_bytes,
        ge=1024**3,
        description="Memory above which a Blender is killed; from half of it up it is replaced between two batches.",
    )
    recycle_after_jobs: int = Field(
        _RENDERER.recycle_after_jobs, ge=1, description="Jobs after which a Blender is replaced by a fresh one."
    )
    shell_cpus: float = Field(0.1, ge=0, description="CPUs that Ray books for a renderer's shell.")
    ingress_resources: dict[str, float] = Field(
        default_factory=dict,
        description="Ray resources that say which node runs the ingress: on several nodes, one that only the node with the data is started "
        "with, such as `render_data: 0.01`. None on a single machine.",
    )
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="Settings of the service by their names, RENDER_ left away and in small letters; they go with the application to "
        "whichever node runs the ingress. The environment gives the others. Never the API key: only `api_key_file`.",
    )
    api_key_required: bool = Field(False, description="Whether the ingress refuses to start where it finds no API key.")
    ingress_requests: int = Field(
        4000, ge=1, description="HTTP requests that the ingress holds open at once; a waiting one costs no thread."
    )
    upscale_delay_sec: float = Field(1.0, ge=0, description="Seconds of queueing before another renderer is started.")
    downscale_delay_sec: float = Field(600.0, ge=0, description="Seconds of idleness before a renderer is stopped.")

    @field_validator("settings")
    @classmethod
    def _known_settings(cls, value: dict[str, Any]) -> dict[str, Any]:
        return checked_settings(value)

    @model_validator(mode="after")
    def _ordered(self) -> "AppArgs":
        if self.min_renderers > self.max_renderers:
            raise ValueError(f"min_renderers ({self.min_renderers}) must not exceed max_renderers ({self.max_renderers})")
        return self

    def worker_options(self, view_timeout_sec: float) -> dict[str, Any]:
        """Serve options of the ``RenderWorker`` deployment.

        Args:
            view_timeout_sec: ``RENDER_VIEW_TIMEOUT_SEC``: no batch takes longer without being given up.
        """
        options: dict[str, Any] = {
            "name": WORKER_NAME,
            "max_ongoing_requests": 1,
            "ray_actor_options": {"num_cpus": self.shell_cpus},
            "health_check_period_s": 5,
            # One that is taken away ends what it renders first; it is idle, but for a batch that came in this moment.
            "graceful_shutdown_timeout_s": view_timeout_sec,
            "request_router_config": _ROUTER,
            "autoscaling_config": AutoscalingConfig(
                min_replicas=self.min_renderers,
                initial_replicas=self.min_renderers,
                max_replicas=self.max_renderers,
                target_ongoing_requests=1,
                metrics_interval_s=0.5,
                look_back_period_s=2,
                upscale_delay_s=self.upscale_delay_sec,
                downscale_delay_s=self.downscale_delay_sec,
            ),
        }
        # Bundle 0 for the shell, bundle 1 for the Blender: Ray starts no shell whose Blender would not fit, and each
        # Blender sees its own GPU and no other.
        blender = {"CPU": self.cpus_per_renderer} | ({"GPU": self.gpus_per_renderer} if self.gpus_per_renderer else {})
        options["placement_group_bundles"] = [{"CPU": self.shell_cpus}, blender]
        options["placement_group_strategy"] = "STRICT_PACK"
        return options

    def renderer_options(self, device: RenderDevice) -> RendererOptions:
        """How each Blender is set up.

        Args:
            device: ``RENDER_DEVICE``.
        """
        return RendererOptions(
            num_cpus=self.cpus_per_renderer,
            num_gpus=self.gpus_per_renderer,
            threads=self.threads_per_renderer,
            warm_meshes=self.warm_meshes,
            start_timeout_sec=self.renderer_start_timeout_sec,
            recycle_after_jobs=self.recycle_after_jobs,
            memory_bytes=self.renderer_memory_bytes,
            device=device,
        )


def build(args: AppArgs) -> serve.Application:
    """The application with Blenders.

    Args:
        args: from the Serve config.
    """
    return application(args, RenderWorker)


def application(args: AppArgs, worker: type[RenderWorker]) -> serve.Application:
    """Bind the deployments; the only place that knows which there are.

    Args:
        args: from the Serve config.
        worker: the class of the renderers.
    """
    # Serve builds in a task that Ray starts on any node: what is read of its environment must be said again by the ingress's.
    settings = Deployed(args.settings).in_force()
    read_here = {"device": settings.device, "drain_grace_sec": settings.drain_grace_sec}
    deployed = Deployed(args.settings | read_here, placed=bool(args.ingress_resources), api_key_required=args.api_key_required)
    deployment = serve.deployment(worker).options(**args.worker_options(settings.view_timeout_sec))
    workers: Any = deployment.bind(args.renderer_options(settings.device), INGRESS_NAME)
    ingress = serve.deployment(serve.ingress()(Ingress)).options(
        name=INGRESS_NAME,
        num_replicas=1,
        max_ongoing_requests=args.ingress_requests,
        # What keeps it from starting does not go away by itself. One that has run is started again however often that takes.
        max_constructor_retry_count=1,
        # No CPU is booked: renderers that Ray starts first could take all of the one node that it may run on, and wait for it for ever.
        ray_actor_options={"num_cpus": 0, "resources": args.ingress_resources},
        health_check_period_s=5,
        graceful_shutdown_timeout_s=settings.drain_grace_sec + 5,
    )
    return ingress.bind(workers, args.min_renderers, args.max_renderers, deployed)


__all__ = ["AppArgs", "application", "build"]
