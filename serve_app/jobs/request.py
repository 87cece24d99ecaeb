"""The bodies that clients send."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator, model_validator
from pydantic.config import JsonDict

from render_actor.contract.scene import Quality
from serve_app.jobs.cad_choice import CAD_AND_OUTPUT, CadChoice, needs_output_dir
from serve_app.jobs.callback import CALLBACK_PATTERN
from serve_app.jobs.camera_request import CameraPoses, CameraRequest
from serve_app.jobs.fields import NUMBER, PathText
from serve_app.jobs.schema import given, not_both

LayoutName = Literal["sam6d", "sam6d-bop", "cnos", "gigapose", "foundpose", "bop"]
"""See ``serve_app.templates.layouts.registry``, which has each."""

Output = Literal["depth", "normals", "rgba", "poses", "mesh"]
"""What a request may have written beside templates."""

PartName = Annotated[str, Field(min_length=1, max_length=200)]


def _not_normalized(distance: str) -> JsonDict:
    """Objects that do not give both ``normalize`` as true and a distance."""
    return {"not": {"properties": {"normalize": {"const": True}}, "required": ["normalize"], "allOf": [given(f"camera.{distance}")]}}


def _only_of_sam6d(name: str, value: JsonDict) -> JsonDict:
    """Objects that do not give both another layout than the default and a field with such a value."""
    others: list[Any] = [layout for layout in get_args(LayoutName) if layout != "sam6d"]
    return {"not": {"properties": {"layout": {"enum": others}, name: value}, "required": ["layout", name]}}


class RenderOptions(BaseModel):
    """What every render request may say about how to render; all of it optional."""

    model_config = ConfigDict(extra="forbid")

    normalize: StrictBool = Field(True, description="Scale the CAD to the cameras. Turn it off only for a CAD that is about 1 unit across.")
    colorize: StrictBool = Field(False, description="Replace the CAD's own look by one grey.")
    base_color: Annotated[float, NUMBER] = Field(
        0.05, ge=0.0, le=1.0, allow_inf_nan=False, description="Linear grey of `colorize`, 0 (black) to 1 (white)."
    )
    quality: Quality = Field(
        "standard",
        description="Bound of the error to the converged image: root mean square over the object's pixels, of 255. `standard`: at most 1.0 "
        "(48.1 dB) in the median view and 1.25 (46.2 dB) in every view, or no more than the stock script's own error in that view where "
        "that is larger. `draft`: 2.0 and 2.6 by the same rule, faster. `reference`: samples and denoises as the stock script does. The "
        "renderer measures the error of each view while it samples, and takes the samples that it needs; `manifest.json` tells both, "
        "and `warnings` the views that would have needed more than the server allows.",
    )
    samples: Annotated[int | None, NUMBER] = Field(
        None,
        ge=1,
        le=4096,
        description="Samples a pixel, exactly; then no error is promised. Left out, each view gets what its `quality` needs.",
    )
    resolution: Annotated[int, NUMBER] = Field(512, ge=64, le=2048, description="Width and height of the templates in pixels.")
    level: Annotated[Literal[0, 1, 2] | None, NUMBER] = Field(None, description="Cameras: 0, 1, 2 for 42 (default), 162, 642.")
    camera_poses_path: PathText | None = Field(
        None,
        description="N x 4 x 4 .npy of camera-to-world poses, OpenCV axes; a translation of norm 1000 is distance 2 in the scene. "
        "`upload:NAME` is a file of the upload.",
    )
    camera: CameraRequest | None = Field(
        None,
        description="Another camera: its pinhole matrix and image size, its real distance, its viewpoints, or one that follows the object.",
    )
    unit: Literal["auto", "mm", "cm", "m", "inch"] = Field(
        "auto",
        description="Unit of the CAD; xyz is written in mm. `auto`: the file's own, or mm where its format has none. The job's `cad` tells "
        "which one was used, and how large that makes the CAD.",
    )
    obj_axes: Literal["cad", "blender"] = Field(
        "cad",
        description="For .obj: `cad` keeps the file's axes in the image; `blender` turns it by 90 degrees about x, as the stock script.",
    )
    parts: list[PartName] | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="Names of the parts of an assembly that are rendered, each in its place, as the job's `cad` tells them; left out: all.",
    )
    tessellation: Literal["coarse", "normal", "fine"] = Field(
        "normal",
        description="For STEP and IGES: `normal` keeps triangles within a quarter of a pixel of their surface, `coarse` within one, `fine` "
        "within a sixteenth.",
    )
    recenter: StrictBool = Field(False, description="Frame a CAD that is far off its origin; xyz stays in the CAD's own frame.")
    priority: Literal["interactive", "batch"] | None = Field(
        None, description="`interactive` goes before `batch`. Left out: interactive, and batch for the items of a batch request."
    )
    templates_subfolder: StrictBool = Field(
        True, description="Of layout `sam6d`: write into <output_dir>/templates; false writes into output_dir itself."
    )
    layout: LayoutName = Field(
        "sam6d",
        description="How the files are arranged, for the pipeline that reads them, and which cameras it wants where the request does not "
        "say: `sam6d` (SAM-6D), `sam6d-bop` (its BOP flow), `cnos` (CNOS, NIDS-Net), `gigapose` (GigaPose, PicoPose), `foundpose`, "
        "`bop` (scene-wise). But for `sam6d`, `output_dir` is the folder of a dataset, and a job publishes its object's folder in it.",
    )
    outputs: list[Output] | None = Field(
        None,
        max_length=len(get_args(Output)),
        description="Of layout `sam6d`: what to write beside the templates, into `extra/` in their folder: `depth` (16-bit PNG; "
        "`manifest.json` tells the mm of a step), `normals` (8-bit PNG, camera frame, (n + 1) / 2 x 255), `rgba` (RGB with the mask as "
        "alpha), `poses` (JSON: object-to-camera pose in mm and intrinsics of each view); and `mesh`: `<output_dir>/model_mm.ply`, the "
        "mesh that was rendered, in mm, for ISM and PEM, which read the CAD too. Left out: `mesh` where the CAD is no .ply, .obj or .stl "
        "in mm, else nothing.",
    )
    object_id: Annotated[int | None, NUMBER] = Field(
        None,
        ge=0,
        le=999_999,
        description="Number of the object in its dataset. Left out: the digits that the CAD's name ends in (5: `obj_000005.ply`), or 1.",
    )
    dataset: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Name of the dataset, where the layout's files tell one. Left out: the name of `output_dir`.",
    )

    @field_validator("outputs")
    @classmethod
    def _each_once(cls, value: list[Output] | None) -> list[Output] | None:
        return None if value is None else [output for output in get_args(Output) if output in value]

    @model_validator(mode="after")
    def _one_camera(self) -> RenderOptions:
        camera = self.camera or CameraRequest()
        lists = {"level": self.level, "camera_poses_path": self.camera_poses_path, "camera.poses": camera.poses}
        named = [name for name, value in lists.items() if value is not None]
        if len(named) > 1:
            raise ValueError(f"give {named[0]} or {named[1]}, not both: each is a list of cameras")
        if camera.size is not None and "resolution" in self.model_fields_set:
            size = "camera.crop" if camera.crop else "camera.width"
            raise ValueError(f"give resolution or {size}, not both: each is the size of the images")
        distance = next((name for name in ("distance_mm", "distance_diameters") if getattr(camera, name) is not None), None)
        if distance is not None:
            if self.normalize and "normalize" in self.model_fields_set:
                raise ValueError(f"give normalize=true or camera.{distance}, not both: the CAD is scaled to the cameras or keeps its size")
            self.normalize = False
        return self

    @property
    def poses(self) -> CameraPoses:
        """From where the cameras look, wherever the request says it."""
        if self.camera is not None and self.camera.poses is not None:
            return self.camera.poses
        return CameraPoses(level=self.level, camera_poses_path=self.camera_poses_path)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the images."""
        return (self.camera.size if self.camera else None) or (self.resolution, self.resolution)


class RenderRequest(CadChoice, RenderOptions):
    """Render one CAD."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"cad_path": "examples/flange.stl", "output_dir": "output/flange"}],
            **CAD_AND_OUTPUT,
            # What `_one_camera` refuses.
            "allOf": [
                not_both(
                    ("level", "camera_poses_path"),
                    ("level", "camera.poses"),
                    ("camera_poses_path", "camera.poses"),
                    ("resolution", "camera.width"),
                    ("resolution", "camera.crop"),
                ),
                _not_normalized("distance_mm"),
                _not_normalized("distance_diameters"),
                # What a layout of another pipeline does not have.
                _only_of_sam6d("outputs", {"type": "array", "items": {}, "minItems": 1}),
                _only_of_sam6d("templates_subfolder", {"const": False}),
            ],
        },
    )

    output_dir: PathText | None = Field(
        None,
        validate_default=True,
        description="Folder that will hold `templates/`, or the object's folder of another `layout`. With `upload_id` it may be left "
        "out: then the server keeps the files for a while, and they are fetched over HTTP.",
    )
    callback_url: str | None = Field(
        None,
        max_length=2048,
        pattern=CALLBACK_PATTERN,
        description="`http` or `https` URL that is sent a signed `POST` when the job has ended; its host must be in the server's "
        "`RENDER_WEBHOOK_HOSTS`. See docs/events.md.",
    )

    _output_or_upload = field_validator("output_dir")(needs_output_dir)
