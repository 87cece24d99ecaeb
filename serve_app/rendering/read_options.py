"""What a job wants of its CAD file: which parts, and curved surfaces as fine as its cameras see them."""

from __future__ import annotations

import math

import numpy as np

from render_actor.contract.cameras import POSE_LIST_RADIUS, SCENE_CAMERA_DISTANCE
from render_actor.contract.intrinsics import stock_intrinsics
from serve_app.cad.read_options import TESSELLATED, ReadOptions
from serve_app.jobs.camera_request import CameraRequest
from serve_app.jobs.job import JobSpec
from serve_app.rendering.scene import poses_of

_MAX_PIXELS_ACROSS = 8192
"""No image has more than 2048: a camera that comes nearer sees a part of the CAD alone."""

_NORMALISED_RADIUS = 0.5
_NEAREST = 0.1
"""Scene units from a camera to the nearest surface that is worth a thought."""

_CROPPED = 4
"""A cropped view is filled by what is seen of the CAD, and a long one may be seen from its end: so many times as long as wide."""

_UNNORMALISED = 2.0
"""Focal lengths that a CAD of radius 1 covers from distance 2."""


def read_options_of(spec: JobSpec) -> ReadOptions:
    """What a job wants of its CAD.

    How large a CAD is, nobody knows before it is read. With ``camera.distance_mm`` it is taken to be up to two thirds of the distance
    across.

    Raises:
        ServiceError: ``poses_invalid``.
    """
    request = spec.request
    if spec.cad_path.suffix.lower() not in TESSELLATED:
        return ReadOptions(tuple(request.parts or ()))
    pixels = min(math.ceil(_pixels_across(spec)), _MAX_PIXELS_ACROSS)
    return ReadOptions(tuple(request.parts or ()), pixels, request.tessellation)


def _pixels_across(spec: JobSpec) -> float:
    """Pixels that the CAD's diameter covers at most."""
    request = spec.request
    camera = request.camera or CameraRequest()
    if camera.crop is not None:
        return _CROPPED * camera.crop.size
    focal = float(stock_intrinsics(request.resolution)[0, 0]) if camera.K is None else max(camera.K.fx, camera.K.fy)
    if camera.distance_mm is not None:
        return focal
    if not request.normalize:
        return _UNNORMALISED * focal
    distances = np.linalg.norm(poses_of(spec)[:, :3, 3], axis=1) * SCENE_CAMERA_DISTANCE / POSE_LIST_RADIUS
    return 2 * _NORMALISED_RADIUS * focal / max(float(distances.min()) - _NORMALISED_RADIUS, _NEAREST)
