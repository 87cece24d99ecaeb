"""The bodies that clients send."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator, model_validator

from render_actor.contract.scene import Quality

PATH_PATTERN = "^[^\\x00]*[^\\x00-\\x20][^\\x00]*$"
"""What text can be a path: it has no NUL, and something beside blanks."""

# `PathPolicy` checks the pattern, and says in words what is wrong; here it stands for readers of the OpenAPI document.
PathText = Annotated[str, Field(min_length=1, max_length=4096, json_schema_extra={"pattern": PATH_PATTERN})]


class RenderOptions(BaseModel):
    """What every render request may say about how to render; all of it optional."""

    model_config = ConfigDict(extra="forbid")

    normalize: StrictBool = Field(True, description="Scale the CAD to the cameras. Turn it off only for a CAD that is about 1 unit across.")
    colorize: StrictBool = Field(False, description="Replace the CAD's own look by one grey.")
    base_color: float = Field(0.05, ge=0.0, le=1.0, allow_inf_nan=False, description="Linear grey of `colorize`, 0 (black) to 1 (white).")
    quality: Quality = Field(
        "standard",
        description="Bound of the error to the converged image: root mean square over the object's pixels, of 255. `standard`: at most 1.0 "
        "(48.1 dB) in the median view and 1.25 (46.2 dB) in every view, or no more than the stock script's own error in that view where "
        "that is larger. `draft`: 2.0 and 2.6 by the same rule, faster. `reference`: samples and denoises as the stock script does. The "
        "renderer measures the error of each view while it samples, and takes the samples that it needs; `manifest.json` tells both, "
        "and `warnings` the views that would have needed more than the server allows.",
    )
    samples: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="Samples a pixel, exactly; then no error is promised. Left out, each view gets what its `quality` needs.",
    )
    resolution: int = Field(512, ge=64, le=2048, description="Width and height of the templates in pixels.")
    level: Literal[0, 1, 2] | None = Field(None, description="Cameras: 0, 1, 2 for 42 (default), 162, 642.")
    camera_poses_path: PathText | None = Field(
        None,
        description="N x 4 x 4 .npy of camera-to-world poses, OpenCV axes; a translation of norm 1000 is distance 2 in the scene.",
    )
    unit: Literal["mm", "m"] = Field("mm", description="Unit of the CAD; xyz is written in mm.")
    obj_axes: Literal["cad", "blender"] = Field(
        "cad",
        description="For .obj: `cad` keeps the file's axes in the image; `blender` turns it by 90 degrees about x, as the stock script.",
    )
    recenter: StrictBool = Field(False, description="Frame a CAD that is far off its origin; xyz stays in the CAD's own frame.")
    priority: Literal["interactive", "batch"] | None = Field(
        None, description="`interactive` goes before `batch`. Left out: interactive, and batch for the items of a batch request."
    )
    templates_subfolder: StrictBool = Field(True, description="Write into <output_dir>/templates; false writes into output_dir itself.")

    @field_validator("base_color", "samples", "resolution", "level", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        if isinstance(value, bool | str):  # pydantic would take "64" for 64 and true for 1.
            raise ValueError("Input should be a number")
        return value

    @model_validator(mode="after")
    def _one_camera_list(self) -> RenderOptions:
        if self.level is not None and self.camera_poses_path is not None:
            raise ValueError("give level or camera_poses_path, not both: each is a list of cameras")
        return self


class RenderRequest(RenderOptions):
    """Render one CAD."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"cad_path": "examples/flange.stl", "output_dir": "output/flange"}],
            # What `_one_camera_list` refuses.
            "not": {
                "required": ["level", "camera_poses_path"],
                "properties": {"level": {"type": "integer"}, "camera_poses_path": {"type": "string"}},
            },
        },
    )

    cad_path: PathText = Field(description="CAD file (.ply, .obj, .stl) as the server sees it.")
    output_dir: PathText = Field(description="Folder that will hold `templates/`.")
