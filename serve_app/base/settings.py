"""Every setting that an operator may make, from the environment, with its default and why."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from render_actor.contract.device import RenderDevice
from render_actor.contract.scene import DEFAULT_MAX_SAMPLES
from serve_app.base.host_list import HostList
from serve_app.base.log_lines import LogFormat

SinkChoice = Literal["auto", "direct", "object_store"]


def _default_input_roots() -> list[Path]:
    return [Path.cwd(), Path("/workspace")]


def _default_output_roots() -> list[Path]:
    # Not the start folder itself: the server's data, logs and code lie there.
    return [Path.cwd() / "output", Path("/workspace")]


class Settings(BaseSettings):
    """Settings of the service. Each is read from the environment variable of its name with ``RENDER_`` before it."""

    model_config = SettingsConfigDict(env_prefix="RENDER_", extra="ignore", populate_by_name=True, env_ignore_empty=True)

    server_host: str = Field("0.0.0.0", description="Address that `make serve` and `render-server up` listen on.")
    server_port: int = Field(8004, ge=1, le=65535, description="Port that `make serve` and `render-server up` listen on.")
    metrics_port: int = Field(
        8080,
        ge=0,
        le=65535,
        description="Port that `render-server up` has Ray show its metrics on, ours among them; with 0 Ray chooses one.",
    )
    dashboard: bool = Field(
        True,
        description="Whether `render-server up` has Ray show its dashboard; without it the server takes 200 MB less memory. Metrics stay.",
    )
    log_level: str = Field("INFO", description="Of the console, Ray's and Serve's lines included: DEBUG, INFO, WARNING or ERROR.")
    log_format: LogFormat = Field(
        "text", description="Of the console's lines: text for a person, json for one JSON object a line. A job's own log stays key=value."
    )
    samples: int | None = Field(
        None,
        ge=1,
        le=4096,
        validation_alias="BLENDER_PROC_SAMPLES",
        description="Samples a pixel, exactly, for requests that do not say; then no error is promised. Unset, the request's `quality` "
        "decides.",
    )
    max_samples: int = Field(
        DEFAULT_MAX_SAMPLES,
        ge=16,
        le=4096,
        description="Samples a pixel that a view may take to keep the error that its `quality` promises; one that needs more is named in "
        "the job's warnings. It does not bound the `samples` of a request, nor BLENDER_PROC_SAMPLES.",
    )
    device: RenderDevice = Field(
        "auto",
        description="What renderers render on: OPTIX, CUDA, HIP or CPU, and an error where it is missing; auto is the best GPU that Cycles "
        "sees where the Serve config gives renderers GPUs, and otherwise the CPU.",
    )
    input_roots: Annotated[list[Path], NoDecode] = Field(
        default_factory=_default_input_roots,
        description="Folders, separated by ':', that cad_path and camera_poses_path must lie in.",
    )
    output_roots: Annotated[list[Path], NoDecode] = Field(
        default_factory=_default_output_roots,
        description="Folders, separated by ':', that output_dir must lie in. The server's own folders in them are refused all the same.",
    )
    sink: SinkChoice = Field(
        "auto",
        description="How files come from the renderers. direct: each writes them into the output folders, which it must see under the same "
        "paths. object_store: Ray carries them to the server, and that writes them. auto: direct, where a renderer sees a job's folder.",
    )
    data_dir: Path = Field(Path("data"), description="Where the job store lies.")
    log_dir: Path = Field(Path("logs"), description="Where <job_id>.log files lie.")
    max_cad_bytes: int = Field(512 * 1024**2, ge=1, description="Bytes a CAD may have, and all files that it refers to together.")
    max_faces: int = Field(5_000_000, ge=1, description="Triangles a CAD may have, polygons split; three times as many vertices.")
    max_texture_pixels: int = Field(64 * 1024**2, ge=1, description="Pixels that all textures of a CAD may have together.")
    cad_memory_bytes: int = Field(8 * 1024**3, ge=1024**3, description="Address space of the process that parses a CAD.")
    cad_timeout_sec: float = Field(8.0, gt=0, description="CPU seconds that reading one CAD may take, and as many more for each 128 MiB.")
    cad_cache_bytes: int = Field(1024**3, ge=0, description="Bytes of parsed CADs kept ready in Ray's object store.")
    cache_max_bytes: int = Field(
        10 * 1024**3,
        ge=0,
        description="Bytes of finished templates kept in <data_dir>/cache, to answer repeated requests; fewer where less than twice "
        "min_free_bytes of its disk would stay free; 0 keeps none.",
    )
    max_queued_jobs: int = Field(2000, ge=1, description="Jobs that may wait for a slot; a further one is refused with 429.")
    max_waiting_requests: int = Field(
        2000, ge=1, description="Requests that may wait for their job at once, well below `ingress_requests`; a further one is 429."
    )
    max_event_streams: int = Field(
        1500, ge=1, description="Clients that may listen to events at once, well below `ingress_requests`; a further one is 429."
    )
    queue_timeout_sec: float = Field(86400.0, gt=0, description="Seconds that a job may wait for a slot, anew after a restart.")
    view_timeout_sec: float = Field(300.0, gt=0, description="Seconds after which a renderer that has not finished its views hangs.")
    max_view_slowdown: float = Field(
        60.0,
        ge=1,
        description="Times that a view may take of what so many pixels and samples normally take; a CAD that takes longer is refused.",
    )
    job_timeout_sec: float = Field(7200.0, gt=0, description="Seconds that a job may run.")
    cancel_grace_sec: float = Field(
        5.0, ge=0, description="Seconds that views of a canceled job may go on before their renderer is killed."
    )
    drain_grace_sec: float = Field(20.0, ge=0, description="Seconds that running views may go on when the server is told to stop.")
    quarantine_sec: float = Field(3600.0, ge=0, description="Seconds for which a CAD that killed two renderers is refused.")
    min_free_bytes: int = Field(
        1024**3, ge=0, description="Free bytes below which no job is accepted: of the output's disk, RENDER_DATA_DIR's and /dev/shm."
    )
    keep_jobs_days: float = Field(30.0, gt=0, description="Days after which an ended job and its log are forgotten.")
    keep_jobs: int = Field(100_000, ge=1, description="Ended jobs kept at most.")
    log_max_bytes: int = Field(1024**3, ge=0, description="Bytes of all job logs together; the oldest go first.")
    api_key: SecretStr | None = Field(
        None, description="Key that every request but /health and /ready must present; unset, anyone may ask."
    )
    api_key_file: Path | None = Field(
        None, description="File that holds the API key, on one line, such as a Docker or Kubernetes secret; instead of api_key."
    )
    cors_origins: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="Origins of web pages that may ask, separated by spaces or commas; none by default."
    )
    uploads_max_file_bytes: int = Field(512 * 1024**2, ge=1, description="Bytes that one uploaded file may have, unpacked.")
    uploads_max_upload_bytes: int = Field(
        1024**3, ge=1, description="Bytes that all files of one upload may have together, unpacked; and that may be sent for it."
    )
    uploads_max_files: int = Field(256, ge=1, le=10_000, description="Files that one upload may have, those in its archive included.")
    uploads_max_bytes: int = Field(
        20 * 1024**3, ge=1, description="Bytes of all uploads in <data_dir>/uploads; above that, those that nobody used for an hour go."
    )
    uploads_ttl_sec: float = Field(86400.0, gt=0, description="Seconds after its last use for which an upload is kept.")
    results_max_bytes: int = Field(
        50 * 1024**3,
        ge=1,
        description="Bytes of the results in <data_dir>/results, which are those of jobs without output_dir; above that, those that ended "
        "more than an hour ago go, and while that is not enough, such jobs are refused.",
    )
    results_ttl_sec: float = Field(7 * 86400.0, gt=0, description="Seconds after its end for which such a job's results are kept.")
    webhook_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Hosts that the callback_url of a request may name, separated by spaces or commas, such as `hooks.example.com`, "
        "`*.example.com`, `hooks.example.com:8443`; none by default. A name leads to public addresses alone: one inside must itself be in "
        "the list, such as `10.20.0.7` or `10.20.0.0/16`.",
    )
    webhook_secret: SecretStr | None = Field(None, description="Secret that webhooks are signed with; 16 bytes at least.")
    webhook_secret_file: Path | None = Field(None, description="File that holds it, on one line; instead of webhook_secret.")
    webhook_retry_sec: float = Field(
        86400.0, ge=0, description="Seconds after a job's end for which a webhook is tried again that its receiver did not take."
    )
    max_body_bytes: int = Field(4 * 1024**2, ge=1024, description="Bytes that the body of a request may have.")
    max_batch_items: int = Field(1000, ge=1, description="Items that one batch request may have.")

    @field_validator("input_roots", "output_roots", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [Path(part) for part in value.split(os.pathsep) if part] if isinstance(value, str) else value

    @field_validator("cors_origins", "webhook_hosts", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            if not re.fullmatch(r"\*|https?://[^/\s]+", origin):
                raise ValueError(f"RENDER_CORS_ORIGINS takes origins such as https://tools.example:8080, without a path, not {origin!r}")
        return value

    @field_validator("webhook_hosts")
    @classmethod
    def _hosts(cls, value: list[str]) -> list[str]:
        try:
            HostList(value)
        except ValueError as error:
            raise ValueError(f"RENDER_WEBHOOK_HOSTS {error}") from error
        return value

    @field_validator("device", mode="before")
    @classmethod
    def _known_device(cls, value: object) -> object:
        kinds = {kind.lower(): kind for kind in get_args(RenderDevice)}
        if str(value).lower() not in kinds:
            raise ValueError(f"RENDER_DEVICE must be one of {', '.join(kinds.values())}, not {value!r}")
        return kinds[str(value).lower()]

    @field_validator("sink", mode="before")
    @classmethod
    def _known_sink(cls, value: object) -> object:
        if str(value).lower() not in get_args(SinkChoice):
            raise ValueError(f"RENDER_SINK must be one of {', '.join(get_args(SinkChoice))}, not {value!r}")
        return str(value).lower()

    @field_validator("log_format", mode="before")
    @classmethod
    def _known_format(cls, value: object) -> object:
        if str(value).lower() not in get_args(LogFormat):
            raise ValueError(f"RENDER_LOG_FORMAT must be {' or '.join(get_args(LogFormat))}, not {value!r}")
        return str(value).lower()

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError(f"RENDER_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not {value!r}")
        return value.upper()

    @cached_property
    def resolved_input_roots(self) -> list[Path]:
        """``input_roots`` with links resolved."""
        return [root.expanduser().resolve() for root in self.input_roots]

    @cached_property
    def outermost_output_roots(self) -> list[Path]:
        """``resolved_output_roots`` without those that lie in another one, as they are written.

        Who may write in the outer one can put a link in the place of the inner one: it is no more than any other folder there.
        """
        written = [Path(os.path.abspath(root.expanduser())) for root in self.output_roots]  # noqa: PTH100  # No link is resolved.
        return [root.resolve() for root in written if not any(other in root.parents for other in written)]

    @cached_property
    def uploads_dir(self) -> Path:
        """Where the files lie that clients have uploaded: a folder an upload; links resolved."""
        return self.data_dir.resolve() / "uploads"

    @cached_property
    def results_dir(self) -> Path:
        """Where the results of jobs lie that name no output folder: a folder a job; links resolved."""
        return self.data_dir.resolve() / "results"

    @cached_property
    def resolved_output_roots(self) -> list[Path]:
        """``output_roots`` with links resolved."""
        return [root.expanduser().resolve() for root in self.output_roots]


def wrong_setting(failure: ValidationError) -> str:
    """What an operator is told of the first setting that was refused: its variable, what is wrong, and its value."""
    first = failure.errors()[0]
    name = ".".join(map(str, first["loc"]))
    return f"setting {name if name.isupper() else 'RENDER_' + name.upper()}: {first['msg']}; got {first['input']!r}"
