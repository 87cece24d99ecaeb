"""From a request and a CAD's bounds to the scene that is rendered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.cameras import camera_poses
from render_actor.contract.scene import DEFAULT_MAX_SAMPLES, TemplateScene, object_to_scene, poses_in_scene, sampling_for
from render_actor.contract.types import ViewHints
from serve_app.base.errors import ServiceError
from serve_app.cad.loader import LoadedCad
from serve_app.jobs.job import JobSpec
from serve_app.rendering.pose_file import read_poses

_MAX_XYZ_MM = float(np.finfo(np.float16).max)
"""The templates hold object coordinates as float16."""


def poses_of(spec: JobSpec) -> NDArray[np.float64]:
    """The cameras that a job asks for: of its own file, or the stock list of its level.

    Returns:
        (N, 4, 4) camera-to-world, OpenCV axes, translations as in the stock list (norm 1000 is distance 2 in the scene).

    Raises:
        ServiceError: ``poses_invalid``.
    """
    if spec.poses_path is None or spec.request.camera_poses_path is None:
        return camera_poses(spec.request.level or 0)
    return read_poses(spec.poses_path, spec.request.camera_poses_path)


def template_scene(
    spec: JobSpec,
    corners: NDArray[np.float64],
    poses: NDArray[np.float64],
    default_samples: int | None = None,
    max_samples: int = DEFAULT_MAX_SAMPLES,
) -> TemplateScene:
    """The scene that a job asks for.

    Args:
        spec: of the job.
        corners: (2, 3), the CAD's bounding box in its own frame and unit.
        poses: (N, 4, 4), as ``poses_of`` gives them.
        default_samples: samples a pixel where the request does not say; None leaves that to its quality.
        max_samples: so many samples a pixel at most where the quality decides.

    Raises:
        ServiceError: ``cad_invalid``; the CAD's coordinates do not fit the xyz files.
    """
    request = spec.request
    scale = 1000.0 if request.unit == "m" else 1.0
    largest = float(np.abs(corners).max()) * scale
    if largest > _MAX_XYZ_MM:
        raise ServiceError(
            "cad_invalid",
            f"coordinates reach {largest:.4g} mm, more than the xyz format holds (65504); check unit, or move the CAD to its origin",
            "unit",
        )
    axes = request.obj_axes if _is_obj(spec) else "cad"
    return TemplateScene.stock(
        resolution=request.resolution,
        object_to_scene=object_to_scene(corners, normalize=request.normalize, recenter=request.recenter, axes=axes),
        camera_poses=poses_in_scene(poses),
        xyz_scale=scale,
        base_color=request.base_color if request.colorize else None,
        sampling=sampling_for(request.quality, request.samples or default_samples, max_samples),
    )


def warnings_of(spec: JobSpec, cad: LoadedCad) -> list[str]:
    """Sentences for the client of a job: of its CAD, and of options that do nothing for it."""
    warnings = [text for text in cad.warnings if not (spec.request.unit == "m" and "looks like metres" in text)]
    if spec.request.obj_axes == "blender" and not _is_obj(spec):
        warnings.append("obj_axes=blender changes .obj files only; ignored")
    return warnings


def hints_of(spec: JobSpec) -> ViewHints:
    """What a job asks for, so that the error of a failed view does not advise what it does already."""
    return ViewHints(spec.request.normalize, spec.request.recenter, own_cameras=spec.poses_path is not None)


def _is_obj(spec: JobSpec) -> bool:
    return spec.cad_path.suffix.lower() == ".obj"
