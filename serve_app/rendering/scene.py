"""From a request and a CAD's bounds to the scene that is rendered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.cameras import SCENE_CAMERA_DISTANCE, camera_poses
from render_actor.contract.intrinsics import stock_intrinsics
from render_actor.contract.scene import DEFAULT_MAX_SAMPLES, TemplateScene, object_to_scene, poses_in_scene, sampling_for
from render_actor.contract.types import ViewHints
from render_actor.contract.viewpoints import viewpoint_poses
from serve_app.base.errors import ServiceError
from serve_app.cad.loader import LoadedCad
from serve_app.cad.read_options import TESSELLATED
from serve_app.cad.report import cad_warnings
from serve_app.cad.size import unit_used
from serve_app.cad.units import Unit
from serve_app.jobs.camera_request import CameraRequest
from serve_app.jobs.job import JobSpec
from serve_app.jobs.request import RenderRequest
from serve_app.rendering.crop import cropped
from serve_app.rendering.pose_file import read_poses

_MAX_XYZ_MM = float(np.finfo(np.float16).max)
"""The templates hold object coordinates as float16."""


def poses_of(spec: JobSpec) -> NDArray[np.float64]:
    """The cameras that a job asks for: of its own file, its viewpoints, or the stock list of its level.

    Returns:
        (N, 4, 4) camera-to-world, OpenCV axes, translations as in the stock list (norm 1000 is distance 2 in the scene).

    Raises:
        ServiceError: ``poses_invalid``.
    """
    asked = spec.request.poses
    if spec.poses_path is not None and asked.camera_poses_path is not None:
        return read_poses(spec.poses_path, asked.camera_poses_path)
    if asked.viewpoints is not None:
        return viewpoint_poses(asked.viewpoints.fibonacci, asked.viewpoints.in_plane)
    return camera_poses(asked.level or 0)


def template_scene(
    spec: JobSpec,
    corners: NDArray[np.float64],
    poses: NDArray[np.float64],
    default_samples: int | None = None,
    max_samples: int = DEFAULT_MAX_SAMPLES,
    unit_of_file: Unit | None = None,
    vertices: NDArray[np.float64] | None = None,
    diameter: float = 0.0,
) -> TemplateScene:
    """The scene that a job asks for.

    Args:
        spec: of the job.
        corners: (2, 3), the CAD's bounding box in its own frame and unit.
        poses: (N, 4, 4), as ``poses_of`` gives them.
        default_samples: samples a pixel where the request does not say; None leaves that to its quality.
        max_samples: so many samples a pixel at most where the quality decides.
        unit_of_file: of the CAD's coordinates; None where its format has no units.
        vertices: (V, 3) of the CAD in its own frame; needed where the request has a ``camera.crop``.
        diameter: of the CAD, in its own unit; needed where the request has ``camera.distance_diameters``.

    Raises:
        ServiceError: ``cad_invalid``: the CAD's coordinates do not fit the xyz files; ``camera_inside_object``: no crop is possible.
    """
    request = spec.request
    scale = unit_used(unit_of_file, request.unit).mm
    largest = float(np.abs(corners).max()) * scale
    if largest > _MAX_XYZ_MM:
        raise ServiceError(
            "cad_invalid",
            f"coordinates reach {largest:.4g} mm, more than the xyz format holds (65504); check unit, or move the CAD to its origin",
            "unit",
        )
    axes = request.obj_axes if _is_obj(spec) else "cad"
    camera = request.camera or CameraRequest()
    # The cameras stay at distance 2, whatever that is in mm: so the light is the same.
    in_scene = 1.0 if camera.distance_mm is None else SCENE_CAMERA_DISTANCE / camera.distance_mm * scale
    if camera.distance_diameters is not None:
        in_scene = SCENE_CAMERA_DISTANCE / (camera.distance_diameters * diameter)
    width, height = request.size
    scene = TemplateScene(
        width=width,
        height=height,
        intrinsics=np.tile(_intrinsics(request), (len(poses), 1, 1)),
        object_to_scene=object_to_scene(corners, normalize=request.normalize, recenter=request.recenter, axes=axes, scale=in_scene),
        camera_poses=poses_in_scene(poses),
        xyz_scale=scale,
        base_color=request.base_color if request.colorize else None,
        sampling=sampling_for(request.quality, request.samples or default_samples, max_samples),
    )
    if camera.crop is None:
        return scene
    assert vertices is not None
    return cropped(scene, vertices, camera.crop.size, camera.crop.pad)


def _intrinsics(request: RenderRequest) -> NDArray[np.float64]:
    """(3, 3) that the request gives, or the stock matrix."""
    asked = request.camera.K if request.camera is not None else None
    if asked is None:
        return stock_intrinsics(request.resolution)
    return np.array([[asked.fx, 0.0, asked.cx], [0.0, asked.fy, asked.cy], [0.0, 0.0, 1.0]])


def warnings_of(spec: JobSpec, cad: LoadedCad) -> list[str]:
    """Sentences for the client of a job: of its CAD, and of options that do nothing for it."""
    warnings = cad_warnings(cad, spec.request.unit)
    if spec.request.obj_axes == "blender" and not _is_obj(spec):
        warnings.append("obj_axes=blender changes .obj files only; ignored")
    if spec.request.tessellation != "normal" and spec.cad_path.suffix.lower() not in TESSELLATED:
        warnings.append(f"tessellation={spec.request.tessellation} changes STEP and IGES files only; ignored")
    return warnings


def hints_of(spec: JobSpec) -> ViewHints:
    """What a job asks for, so that the error of a failed view does not advise what it does already."""
    request = spec.request
    camera = request.camera or CameraRequest()
    distance = next((name for name in ("distance_mm", "distance_diameters") if getattr(camera, name) is not None), None)
    return ViewHints(
        normalize=request.normalize,
        recenter=request.recenter or camera.crop is not None,  # A crop finds an object that is off its origin.
        own_cameras=spec.poses_path is not None,
        own_distance=f"camera.{distance}" if distance else "",
        own_intrinsics=camera.K is not None,
    )


def _is_obj(spec: JobSpec) -> bool:
    return spec.cad_path.suffix.lower() == ".obj"
