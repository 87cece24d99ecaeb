"""The scene of SAM-6D's templates as a plain value; ``render_actor.blender.scene`` makes Blender agree with it.

Frames: CAD (the file's own), scene (Blender's world: the object about 1 across at the origin, the cameras at
distance 2), camera (OpenCV axes: x right, y down, z forward).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.cameras import POSE_LIST_RADIUS, SCENE_CAMERA_DISTANCE
from render_actor.contract.error_bound import ErrorBound, most_samples
from render_actor.contract.intrinsics import stock_intrinsics

LIGHT_ENERGY = 1000.0
"""Watts of the point light."""

LIGHT_RADIUS = 0.25
"""Radius of the point light in scene units; BlenderProc gives every light this one, and it softens the shadows."""

LIGHT_DISTANCE_FACTOR = 2.5
"""The light stands at this multiple of the camera's position and moves with it."""

WORLD_GREY = 0.05
"""Linear grey of the world background."""

VIEW_TRANSFORM = "Filmic"


Quality = Literal["standard", "draft", "reference"]
"""``standard`` and ``draft`` promise an error to the converged image, the root mean square over the object's pixels: at most 1.0 and 2.0
of 255 in the median view, 1.25 and 2.6 in every view, or no more than the stock procedure's own in that view where that is larger.
``reference`` is sampled and denoised as by the stock procedure."""

Denoiser = Literal["none", "cycles", "compositor"]
"""``cycles`` denoises the rendered pixels inside the render; ``compositor`` is the stock procedure's, at four times the cost."""


@dataclass(frozen=True)
class Sampling:
    """How Cycles samples and denoises.

    Attributes:
        samples: of each pixel; where an error is promised, the first ones, which tell how many more are needed.
        denoiser: how Open Image Denoise is run over the result.
        guides: whether Cycles' denoiser is given the albedo, which keeps textures sharp. Normals as well are no better by
            measurement, and worse with the denoiser's fast quality, which is used.
        dither: whether the image is dithered, as the stock procedure's is; it hides steps in gradients. The pattern is the
            stock one, pixel for pixel.
        bound: the promised error, or None to take exactly ``samples``.
        max_samples: a pixel may take so many to keep the promised error.
    """

    samples: int
    denoiser: Denoiser = "cycles"
    guides: bool = True
    dither: bool = True
    bound: ErrorBound | None = None
    max_samples: int | None = None

    def most_samples(self, pixels: int) -> int:
        """Samples a pixel that a view of so many rendered pixels may take."""
        return self.samples if self.bound is None else most_samples(pixels, self.max_samples or DEFAULT_MAX_SAMPLES)


DEFAULT_MAX_SAMPLES = 256
"""Samples a pixel that a quality with an error bound may take where nobody says."""

# The first samples are few: what is easy to render is done with them, and they tell what else needs.
_QUALITIES: dict[Quality, Sampling] = {
    "standard": Sampling(samples=8, bound=ErrorBound(median=1.0, every_view=1.25)),
    "draft": Sampling(samples=4, guides=False, bound=ErrorBound(median=2.0, every_view=2.6)),
    "reference": Sampling(samples=50, denoiser="compositor"),
}


def sampling_for(quality: Quality, samples: int | None = None, max_samples: int = DEFAULT_MAX_SAMPLES) -> Sampling:
    """The sampling of a quality.

    Args:
        quality: ``standard`` and ``draft`` are bounds of the error to the converged image; ``reference`` samples and
            denoises as the stock procedure does.
        samples: exactly this many samples in every pixel; then nothing is promised.
        max_samples: so many samples a pixel at most where the quality promises an error.
    """
    sampling = _QUALITIES[quality]
    if samples is not None:
        return replace(sampling, samples=samples, bound=None)
    return sampling if sampling.bound is None else replace(sampling, max_samples=max_samples)


def quality_name(sampling: Sampling) -> str:
    """What a sampling is called where views of a kind are told together: its quality, or ``exact`` where the request gave ``samples``."""
    unbounded = replace(sampling, max_samples=None)
    return next((name for name, stock in _QUALITIES.items() if unbounded == stock), "exact")


@dataclass(frozen=True)
class TemplateScene:
    """Everything that decides how templates look, except the mesh.

    Attributes:
        width: of every image in pixels.
        height: of every image in pixels.
        intrinsics: (N, 3, 3) pinhole matrix of each view, without skew; pixel centres have integer coordinates.
        object_to_scene: (4, 4) similarity from the CAD frame to the scene frame.
        camera_poses: (N, 4, 4) camera to scene, OpenCV axes, scene units.
        xyz_scale: factor from CAD units to the xyz file's mm.
        base_color: linear grey that replaces the CAD's own look, or None to keep that.
        sampling: how Cycles samples.
    """

    width: int
    height: int
    intrinsics: NDArray[np.float64]
    object_to_scene: NDArray[np.float64]
    camera_poses: NDArray[np.float64]
    xyz_scale: float
    base_color: float | None
    sampling: Sampling

    def __post_init__(self) -> None:
        if self.intrinsics.shape != (len(self.camera_poses), 3, 3):
            raise ValueError(f"intrinsics have the shape {self.intrinsics.shape} for {len(self.camera_poses)} views")

    @classmethod
    def stock(
        cls,
        resolution: int,
        object_to_scene: NDArray[np.float64],
        camera_poses: NDArray[np.float64],
        xyz_scale: float,
        base_color: float | None,
        sampling: Sampling,
    ) -> TemplateScene:
        """A scene whose views are square and have the intrinsics of SAM-6D's templates; ``resolution`` is their width and height."""
        intrinsics = np.tile(stock_intrinsics(resolution), (len(camera_poses), 1, 1))
        return cls(resolution, resolution, intrinsics, object_to_scene, camera_poses, xyz_scale, base_color, sampling)

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        return self.width * self.height

    def focal_lengths(self, view: int) -> NDArray[np.float64]:
        """(2,) in x and y, in pixels."""
        return np.asarray(self.intrinsics[view, [0, 1], [0, 1]])

    def principal_point(self, view: int) -> NDArray[np.float64]:
        """(2,) column and row, in pixels; (0, 0) is the centre of the first pixel."""
        return np.asarray(self.intrinsics[view, :2, 2])

    def scaled(self, factor: float) -> TemplateScene:
        """The same views in images of another size, to about a pixel."""
        size = np.array([self.width, self.height])
        width, height = (max(1, round(side * factor)) for side in (self.width, self.height))
        ratio = np.array([width, height]) / size
        intrinsics = np.array(self.intrinsics)
        intrinsics[:, [0, 1], [0, 1]] *= ratio
        intrinsics[:, :2, 2] = (intrinsics[:, :2, 2] + 0.5) * ratio - 0.5
        return replace(self, width=width, height=height, intrinsics=intrinsics)

    def light_position(self, view: int) -> NDArray[np.float64]:
        """(3,) position of the point light in the scene."""
        return np.asarray(self.camera_poses[view, :3, 3] * LIGHT_DISTANCE_FACTOR)

    def camera_in_cad(self, view: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Camera axes as the columns of (3, 3), and the camera centre (3,), both in the CAD frame and unit."""
        scene_to_cad = np.linalg.inv(self.object_to_scene)
        axes = scene_to_cad[:3, :3] @ self.camera_poses[view, :3, :3]
        axes /= np.linalg.norm(axes, axis=0, keepdims=True)
        centre = scene_to_cad[:3, :3] @ self.camera_poses[view, :3, 3] + scene_to_cad[:3, 3]
        return axes, centre

    def model_to_camera_mm(self) -> NDArray[np.float64]:
        """(N, 4, 4) from the CAD's frame in mm, which xyz is in, to each camera's in mm, OpenCV axes."""
        matrices = np.tile(np.eye(4), (len(self.camera_poses), 1, 1))
        for view, matrix in enumerate(matrices):
            axes, centre = self.camera_in_cad(view)
            matrix[:3, :3], matrix[:3, 3] = axes.T, -axes.T @ centre * self.xyz_scale
        return matrices

    def directions_in_cad(self, view: int, columns: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
        """(P, 3) directions from the camera through places of the image, in the CAD's axes, of any length.

        Args:
            view: camera index.
            columns: (P,) in pixels.
            rows: (P,) in pixels.
        """
        axes, _ = self.camera_in_cad(view)
        (fx, fy), (cx, cy) = self.focal_lengths(view), self.principal_point(view)
        x, y = (columns - cx) / fx, (rows - cy) / fy
        return np.asarray(np.stack([x, y, np.ones_like(x)], axis=-1) @ axes.T)

    def extent(self, view: int, points: NDArray[Any], middle: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Rectangle around the projection of CAD points on the plane at depth 1.

        Args:
            view: camera index.
            points: (3, P) in the CAD's axes, relative to ``middle``. 32 bits are enough, and a million take 10 ms.
            middle: (3,) CAD frame.

        Returns:
            (2, 2) lowest x and y, and highest; None when a point lies behind the camera.
        """
        axes, centre = self.camera_in_cad(view)
        local = axes.T.astype(points.dtype) @ points
        local -= ((centre - middle) @ axes)[:, None].astype(points.dtype)
        depth = local[2]
        if depth.min() <= 1e-6 * max(local.max(), -local.min()):
            return None
        local[:2] /= depth
        return np.array([local[:2].min(axis=1), local[:2].max(axis=1)], dtype=np.float64)

    def image_bounds(self, view: int, points: NDArray[Any], middle: NDArray[np.float64], margin: int) -> tuple[int, int, int, int]:
        """Pixel rectangle around the projection of CAD points.

        Args:
            view: camera index.
            points: as for ``extent``.
            middle: (3,) CAD frame.
            margin: pixels added on each side.

        Returns:
            (left, top, right, bottom), right and bottom exclusive, inside the image; the whole image when a point lies
            behind the camera.
        """
        extent = self.extent(view, points, middle)
        if extent is None:
            return 0, 0, self.width, self.height
        pixels = extent * self.focal_lengths(view) + (self.principal_point(view) + 0.5)  # From the first pixel's corner.
        size = np.array([self.width, self.height])
        low = np.clip(np.floor(pixels[0]) - margin, 0, size - 1).astype(int)
        high = np.clip(np.ceil(pixels[1]) + margin, low + 1, size).astype(int)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def bounding_radius(corners: NDArray[np.float64]) -> float:
    """SAM-6D's size of an object: the larger norm of the two corners of its bounding box.

    The stock script takes the box of 1024 random surface points; the vertices' own box gives equal requests equal templates.

    Args:
        corners: (2, 3) minimum and maximum corner, CAD frame.

    Returns:
        The radius in the corners' unit.
    """
    return float(np.linalg.norm(corners, axis=1).max())


def object_to_scene(
    corners: NDArray[np.float64], *, normalize: bool, recenter: bool, axes: Literal["cad", "blender"], scale: float = 1.0
) -> NDArray[np.float64]:
    """The similarity that puts a CAD into the scene.

    Args:
        corners: (2, 3) minimum and maximum corner of the CAD's bounding box.
        normalize: scale by 1 / (2 radius) about the origin; otherwise by ``scale``.
        recenter: put the middle of the bounding box at the scene's origin first.
        axes: ``cad`` keeps the CAD's axes; ``blender`` turns the image by 90 degrees about x as Blender's OBJ import does.
        scale: scene units of a CAD unit, where ``normalize`` does not decide them.

    Returns:
        (4, 4) float64 similarity, CAD frame to scene frame.
    """
    shift = -corners.mean(axis=0) if recenter else np.zeros(3)
    scale = 1.0 / (2.0 * bounding_radius(corners + shift)) if normalize else scale
    turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]) if axes == "blender" else np.eye(3)
    matrix = np.eye(4)
    matrix[:3, :3] = turn * scale
    matrix[:3, 3] = matrix[:3, :3] @ shift
    return matrix


def poses_in_scene(pose_list: NDArray[np.float64]) -> NDArray[np.float64]:
    """Camera poses of a list (translations of norm 1000) in scene units (distance 2).

    Args:
        pose_list: (N, 4, 4) camera to world, OpenCV axes.

    Returns:
        (N, 4, 4) float64, a copy.
    """
    poses = np.array(pose_list, dtype=np.float64)
    poses[:, :3, 3] *= SCENE_CAMERA_DISTANCE / POSE_LIST_RADIUS
    return poses
