"""Every setting that an operator may make, from the environment, with its default and why."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, get_args

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from render_actor.device import RenderDevice


def _default_roots() -> list[Path]:
    return [Path.cwd(), Path("/workspace")]


class Settings(BaseSettings):
    """Settings of the service. Each is read from the environment variable of its name with ``RENDER_`` before it."""

    model_config = SettingsConfigDict(env_prefix="RENDER_", extra="ignore", populate_by_name=True, env_ignore_empty=True)

    server_host: str = Field("0.0.0.0", description="Address that `make serve` and `render-server up` listen on.")
    server_port: int = Field(8004, ge=1, le=65535, description="Port that `make serve` and `render-server up` listen on.")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    samples: int | None = Field(
        None,
        ge=1,
        le=4096,
        validation_alias="BLENDER_PROC_SAMPLES",
        description="Samples a pixel for requests that do not say; unset, the request's `quality` decides.",
    )
    device: RenderDevice = Field(
        "auto",
        description="What renderers render on: OPTIX, CUDA, HIP or CPU, and an error where it is missing; auto is the best GPU that Cycles "
        "sees where the Serve config gives renderers GPUs, and otherwise the CPU.",
    )
    input_roots: Annotated[list[Path], NoDecode] = Field(
        default_factory=_default_roots,
        description="Folders, separated by ':', that cad_path and camera_poses_path must lie in.",
    )
    output_roots: Annotated[list[Path], NoDecode] = Field(
        default_factory=_default_roots, description="Folders, separated by ':', that output_dir must lie in."
    )
    data_dir: Path = Field(Path("data"), description="Where the job store lies.")
    log_dir: Path = Field(Path("logs"), description="Where <job_id>.log files lie.")
    max_cad_bytes: int = Field(512 * 1024**2, ge=1, description="Bytes a CAD, or a file it refers to, may have.")
    cad_memory_bytes: int = Field(8 * 1024**3, ge=1024**3, description="Address space of the process that parses a CAD.")
    cad_timeout_sec: float = Field(120.0, gt=0, description="Seconds that parsing one CAD may take.")
    cad_cache_bytes: int = Field(1024**3, ge=0, description="Bytes of parsed CADs kept ready in Ray's object store.")
    max_batch_items: int = Field(1000, ge=1, description="Items that one batch request may have.")

    @field_validator("input_roots", "output_roots", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [Path(part) for part in value.split(os.pathsep) if part] if isinstance(value, str) else value

    @field_validator("device", mode="before")
    @classmethod
    def _known_device(cls, value: object) -> object:
        kinds = {kind.lower(): kind for kind in get_args(RenderDevice)}
        if str(value).lower() not in kinds:
            raise ValueError(f"RENDER_DEVICE must be one of {', '.join(kinds.values())}, not {value!r}")
        return kinds[str(value).lower()]

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
    def resolved_output_roots(self) -> list[Path]:
        """``output_roots`` with links resolved."""
        return [root.expanduser().resolve() for root in self.output_roots]
