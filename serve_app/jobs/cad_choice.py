"""Which CAD a request is about: a file that the server sees, or one that the client has uploaded."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from serve_app.jobs.fields import PathText
from serve_app.jobs.schema import Schema

UPLOAD_ID_PATTERN = "^[0-9a-f]{32}$"


ONE_CAD: Schema = {
    "anyOf": [
        {"required": ["cad_path"], "properties": {"cad_path": {"type": "string"}, "upload_id": {"type": "null"}, "cad": {"type": "null"}}},
        {"required": ["upload_id"], "properties": {"upload_id": {"type": "string"}, "cad_path": {"type": "null"}}},
    ]
}
"""What the OpenAPI document says of the fields of ``CadChoice`` together."""

CAD_AND_OUTPUT: Schema = {
    "anyOf": [{"required": ["cad_path", "output_dir"]}, {"required": ["upload_id"], "properties": {"upload_id": {"type": "string"}}}]
}
"""The same of a render request, beside all that it says of others: whoever makes requests from the document gives up on more."""


class CadChoice(BaseModel):
    """The fields by which a request says which CAD it is about."""

    # In this order: each is held against those before it.
    upload_id: Annotated[str, Field(pattern=UPLOAD_ID_PATTERN)] | None = Field(
        None, description="An upload's id, in place of `cad_path`: `POST /api/v1/uploads` gives it."
    )
    cad: PathText | None = Field(None, description="Name of the CAD in an upload that holds several; with one, it can be left out.")
    cad_path: PathText | None = Field(
        None,
        validate_default=True,
        description="CAD file as the server sees it: .ply, .obj, .stl, .step, .stp, .iges, .igs, .glb, .gltf, .3mf, .dae or .off.",
    )

    @field_validator("cad")
    @classmethod
    def _of_an_upload(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and _absent("upload_id", info):
            raise ValueError("cad names a file of an upload: give upload_id with it, or leave it out")
        return value

    @field_validator("cad_path")
    @classmethod
    def _one_cad(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and _absent("upload_id", info):
            raise PydanticKnownError("missing")
        if value is not None and info.data.get("upload_id") is not None:
            raise ValueError("give cad_path or upload_id, not both: each is a CAD")
        return value

    @property
    def cad_text(self) -> str:
        """The CAD as clients are told of it."""
        return self.cad_path or f"upload:{self.upload_id}/{self.cad or ''}".rstrip("/")


def _absent(name: str, info: ValidationInfo) -> bool:
    """Whether a field before this one was left out; one that is wrong was not."""
    return name in info.data and info.data[name] is None


def needs_output_dir(value: str | None, info: ValidationInfo) -> str | None:
    """Only the results of an upload can be left to the server; for a field validator."""
    if value is None and _absent("upload_id", info):
        raise PydanticKnownError("missing")
    return value
