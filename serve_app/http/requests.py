"""The bodies that are HTTP's own; a render request is the job's: ``serve_app.jobs.request``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator

from serve_app.cad.read_options import Tessellation
from serve_app.cad.size import AskedUnit
from serve_app.http.dependencies import JOB_ID_PATTERN
from serve_app.jobs.cad_choice import ONE_CAD, CadChoice
from serve_app.jobs.request import PartName


class BatchRequest(BaseModel):
    """Render several CADs; `defaults` holds options that an item does not give itself."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {"cad_path": "examples/flange.stl", "output_dir": "output/flange"},
                        {"cad_path": "examples/knot.ply", "output_dir": "output/knot", "quality": "draft"},
                    ],
                    "defaults": {"colorize": True},
                }
            ]
        },
    )

    # Fail fast: a body of two million items that are none would be a gigabyte of findings.
    items: Annotated[list[dict[str, Any]], FailFast()] = Field(
        min_length=1, description="Render requests: each with its own `cad_path`, `output_dir` and, if it likes, options."
    )
    defaults: dict[str, Any] = Field(default_factory=dict, description="Options for all items, under any that an item gives itself.")

    @model_validator(mode="before")
    @classmethod
    def _from_bare_list(cls, body: Any) -> Any:
        return {"items": body} if isinstance(body, list) else body


class InspectRequest(CadChoice):
    """Look at a CAD."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"cad_path": "examples/flange.stl"}], **ONE_CAD})

    unit: AskedUnit = Field("auto", description="As in a render request.")
    tessellation: Tessellation = Field("normal", description="How fine the curved surfaces of a STEP or IGES file become triangles.")
    parts: list[PartName] | None = Field(None, min_length=1, max_length=1000, description="As in a render request; left out: all.")


class CancelRequest(BaseModel):
    """Cancel several jobs."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"job_ids": ["0d0c4b8e-7f0c-4f3c-9d39-0a2b8f6f5a11"]}]})

    job_ids: Annotated[list[Annotated[str, Field(pattern=JOB_ID_PATTERN)]], FailFast()] = Field(
        min_length=1, description="Ids of the jobs, as many as a batch may have items."
    )
