"""The camera of a request: its pinhole matrix and image, how far it stands, and from where it looks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from serve_app.jobs.fields import NUMBER, PathText
from serve_app.jobs.schema import all_or_none, not_both

MAX_VIEWS = 2048
"""Views of a job."""

_MAX_ASPECT = 100.0
"""fx and fy may differ by this factor: Blender's pixels are at most 200 times as high as wide."""

Pixels = Annotated[int, Field(ge=64, le=2048), NUMBER]


def _or_matrix(schema: dict[str, Any]) -> None:
    """Have a schema allow a 3 x 3 matrix beside the object that it describes."""
    fields, zero, one = schema["properties"], {"const": 0}, {"const": 1}
    rows = ([fields["fx"], zero, fields["cx"]], [zero, fields["fy"], fields["cy"]], [zero, zero, one])
    matrix: list[Any] = [{"type": "array", "prefixItems": row, "items": {}, "minItems": 3, "maxItems": 3} for row in rows]
    told = dict(schema)
    schema.clear()
    schema["anyOf"] = [told, {"type": "array", "prefixItems": matrix, "items": {}, "minItems": 3, "maxItems": 3}]


class Pinhole(BaseModel):
    """Focal lengths and principal point in pixels; (0, 0) is the centre of the first pixel."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_or_matrix)

    fx: Annotated[float, NUMBER] = Field(ge=1.0, le=1e6, allow_inf_nan=False, description="Focal length in x, in pixels.")
    fy: Annotated[float, NUMBER] = Field(ge=1.0, le=1e6, allow_inf_nan=False, description="Focal length in y, in pixels.")
    cx: Annotated[float, NUMBER] = Field(ge=-1e5, le=1e5, allow_inf_nan=False, description="Column of the principal point.")
    cy: Annotated[float, NUMBER] = Field(ge=-1e5, le=1e5, allow_inf_nan=False, description="Row of the principal point.")

    @model_validator(mode="before")
    @classmethod
    def _from_matrix(cls, value: Any) -> Any:
        return value if isinstance(value, dict | Pinhole) else _entries(value)

    @model_validator(mode="after")
    def _pixels_are_not_needles(self) -> Pinhole:
        if not 1 / _MAX_ASPECT <= self.fx / self.fy <= _MAX_ASPECT:
            raise ValueError(f"fx and fy differ by more than a factor of {_MAX_ASPECT:g}")
        return self


def _entries(matrix: Any) -> dict[str, Any]:
    """The four numbers of a 3 x 3 matrix."""
    if not _has_three(matrix) or not all(map(_has_three, matrix)):
        raise ValueError("K must be 3 rows of 3 numbers, or an object with fx, fy, cx and cy")
    (fx, skew, cx), (zero, fy, cy), last = matrix
    if skew != 0 or zero != 0 or list(last) != [0, 0, 1]:
        raise ValueError("K must be [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]: a pinhole camera without skew")
    return {"fx": fx, "fy": fy, "cx": cx, "cy": cy}


def _has_three(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 3


class Viewpoints(BaseModel):
    """Cameras spread evenly over the sphere, each turned about its axis; for each viewpoint all its turns follow one another."""

    model_config = ConfigDict(extra="forbid")

    fibonacci: Annotated[int, NUMBER] = Field(ge=1, le=MAX_VIEWS, description="N directions, from below (-z) to above, by Fibonacci.")
    in_plane: Annotated[int, NUMBER] = Field(
        1, ge=1, le=MAX_VIEWS, description="M turns of 360/M degrees of each camera about its viewing axis, clockwise, the first of none."
    )

    @model_validator(mode="after")
    def _not_too_many(self) -> Viewpoints:
        if self.count > MAX_VIEWS:
            raise ValueError(f"fibonacci x in_plane is {self.count} views, more than {MAX_VIEWS}")
        return self

    @property
    def count(self) -> int:
        """Number of views: view ``v * in_plane + t`` is turn ``t`` of viewpoint ``v``."""
        return self.fibonacci * self.in_plane


class CameraPoses(BaseModel):
    """From where the cameras look: one of the three; none is level 0."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=not_both(("level", "camera_poses_path"), ("level", "viewpoints"), ("camera_poses_path", "viewpoints")),
    )

    level: Annotated[Literal[0, 1, 2] | None, NUMBER] = Field(None, description="0, 1, 2 for SAM-6D's 42, 162, 642 cameras.")
    camera_poses_path: PathText | None = Field(None, description="N x 4 x 4 .npy of camera-to-world poses, as outside `camera`.")
    viewpoints: Viewpoints | None = Field(None, description="Directions on a sphere times turns in the image plane.")

    @model_validator(mode="after")
    def _one(self) -> CameraPoses:
        given = [name for name in ("level", "camera_poses_path", "viewpoints") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give {given[0]} or {given[1]}, not both: each is a list of cameras")
        return self


class Crop(BaseModel):
    """A virtual camera for each view that sees the object as large as it fits."""

    model_config = ConfigDict(extra="forbid")

    size: Pixels = Field(description="Width and height of the image in pixels.")
    pad: Annotated[float, NUMBER] = Field(
        0.2, ge=0.05, le=5.0, allow_inf_nan=False, description="Added to the object's bounding box, as a fraction: 0.2 is 20 %."
    )


class CameraRequest(BaseModel):
    """Another camera than SAM-6D's; what is left out stays SAM-6D's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"allOf": [all_or_none("K", "width", "height"), not_both(("K", "crop"), ("distance_mm", "distance_diameters"))]},
    )

    K: Pinhole | None = Field(
        None,
        description="Pinhole matrix, 3 x 3 or an object with `fx`, `fy`, `cx`, `cy`, in pixels; the centre of the first pixel is (0, 0), "
        "the middle of the image ((width - 1) / 2, (height - 1) / 2). Needs `width` and `height`.",
    )
    width: Pixels | None = Field(None, description="Of the images in pixels; with `K`.")
    height: Pixels | None = Field(None, description="Of the images in pixels; with `K`.")
    distance_mm: Annotated[float | None, NUMBER] = Field(
        None,
        ge=1e-3,
        le=1e7,
        allow_inf_nan=False,
        description="The object is as large as it is, and the cameras are so far from its origin (with `recenter`, from its middle): "
        "instead of `normalize`. In a poses file a translation of norm 1000 is this distance. The light is that of the normalised scene.",
    )
    distance_diameters: Annotated[float | None, NUMBER] = Field(
        None,
        ge=0.01,
        le=1e4,
        allow_inf_nan=False,
        description="The same in diameters of the object: the largest distance of two of its vertices. Instead of `distance_mm`.",
    )
    poses: CameraPoses | None = Field(None, description="Instead of `level` and `camera_poses_path`.")
    crop: Crop | None = Field(
        None,
        description="Each view is seen by a virtual camera in the same place, turned to the middle of the object's bounding box in the "
        "image, with the principal point in the middle and the focal length with which the box and `pad` fit. Instead of `K`.",
    )

    @model_validator(mode="after")
    def _one_image(self) -> CameraRequest:
        image = {"K": self.K, "width": self.width, "height": self.height}
        given, missing = ([name for name, value in image.items() if (value is not None) is there] for there in (True, False))
        if given and missing:
            raise ValueError(f"{' and '.join(given)} given without {' and '.join(missing)}: K, width and height go together")
        if given and self.crop is not None:
            raise ValueError("give K, width and height, or crop, not both: crop.size and the object decide the size and the focal length")
        if self.distance_mm is not None and self.distance_diameters is not None:
            raise ValueError("give distance_mm or distance_diameters, not both: each is how far the cameras are")
        return self

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the images, where this decides them."""
        if self.crop is not None:
            return self.crop.size, self.crop.size
        return None if self.width is None or self.height is None else (self.width, self.height)
