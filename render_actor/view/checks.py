"""Tells whether a view shows the whole object; consumers cannot use one that does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import Failure, FailureCode, ViewHints

_NORMALIZE = ("normalize", "pass normalize=true: the CAD is then scaled to the cameras")
_RECENTER = ("recenter", "pass recenter=true if the CAD is far off its origin")
_WIDER = ("camera.K", "pass a camera.K with a smaller focal length, or one that has the object in the image")
_FARTHER = ("camera_poses_path", "pass a camera_poses_path whose cameras stand farther away")


def view_failure(mask: NDArray[np.bool_], view: int, hints: ViewHints) -> Failure | None:
    """What is wrong with a view, judged by its mask.

    Args:
        mask: (H, W) bool, true on the object.
        view: index of the camera, for the message.
        hints: what the request asks for already; the message advises something else.

    Returns:
        None when the object is seen and does not touch the image's border.
    """
    if not mask.any():
        return _blank(view, hints)
    edges = {"top": mask[0], "bottom": mask[-1], "left": mask[:, 0], "right": mask[:, -1]}
    touched = [name for name, edge in edges.items() if edge.any()]
    if not touched:
        return None
    distance = hints.own_distance
    nearer = [*([(distance, f"pass a larger {distance}")] if distance else []), *([_WIDER] if hints.own_intrinsics else [])]
    if all(edge.all() for edge in edges.values()):
        fault = "is taken from inside the object, or so near to it that the object fills the image"
        return _failure(
            "camera_inside_object", f"view {view} {fault}", _remedies(hints, "its cameras must stand outside the object", nearer)
        )
    fault = f"cuts the object off at the {', '.join(touched)} of the image"
    return _failure(
        "view_clipped", f"view {view} {fault}", _remedies(hints, "its cameras may stand too near, or look past the object", nearer)
    )


def _blank(view: int, hints: ViewHints) -> Failure:
    distance = hints.own_distance
    own = [
        *([(distance, f"check {distance} and unit: the object may be too small to be seen")] if distance else []),
        *([("camera.K", "check camera.K: its image may lie beside the object")] if hints.own_intrinsics else []),
    ]
    remedies = _remedies(hints, "its cameras may look past the object or stand too far away", own)
    if remedies:
        fault = "the object lies outside the image, is smaller than a pixel, or is a flat plate seen exactly edge-on"
        return _failure("view_blank", f"view {view} is blank: {fault}", remedies)
    # A normalised and recentred object is in the middle of every image of our own cameras: only its thickness can be missing.
    fault = "the object is seen exactly edge-on: the CAD is a flat plate, or thinner than a pixel"
    remedy = "give the CAD a thickness, raise resolution, or pass a camera_poses_path without this view"
    return _failure("view_blank", f"view {view} is blank: {fault}", [("cad_path", remedy)])


def _remedies(hints: ViewHints, cameras: str, own: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Request fields and what to do with them, the most likely remedy first; none that the request follows already.

    Args:
        hints: what the request asks for.
        cameras: what may be wrong with its own list of cameras.
        own: of its own distance and intrinsics.
    """
    return [
        *own,
        *([("camera_poses_path", f"check the list in camera_poses_path: {cameras}")] if hints.own_cameras else []),
        *([_NORMALIZE] if not hints.normalize and not hints.own_distance else []),
        *([_RECENTER] if not hints.recenter else []),
    ]


def _failure(code: FailureCode, fault: str, remedies: list[tuple[str, str]]) -> Failure:
    remedies = remedies or [_FARTHER]
    return Failure(code, f"{fault}; {', or '.join(remedy for _, remedy in remedies)}", field=remedies[0][0])
