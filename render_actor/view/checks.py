"""Tells whether a view shows the whole object; consumers cannot use one that does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.types import Failure


def view_failure(mask: NDArray[np.bool_], view: int) -> Failure | None:
    """What is wrong with a view, judged by its mask.

    Args:
        mask: (H, W) bool, true on the object.
        view: index of the camera, for the message.

    Returns:
        None when the object is seen and does not touch the image's border.
    """
    if not mask.any():
        return Failure(
            "view_blank",
            f"view {view} shows nothing: the object lies outside the picture, is too small in it, or is a flat plate seen exactly edge-on; "
            "pass recenter=true if the CAD is far off its origin, or check camera_poses_path",
            "recenter",
            view,
        )
    touched = [name for name, edge in _edges(mask).items() if edge.any()]
    if not touched:
        return None
    if all(edge.all() for edge in _edges(mask).values()):
        return Failure(
            "camera_inside_object",
            f"view {view} is taken from inside the object, or so near that it fills the picture; pass normalize=true so that the CAD is "
            "scaled to the cameras",
            "normalize",
            view,
        )
    return Failure(
        "view_clipped",
        f"view {view} cuts the object off at the {', '.join(touched)} of the picture; pass normalize=true, and recenter=true if the "
        "CAD is off its origin",
        "recenter",
        view,
    )


def _edges(mask: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    return {"top": mask[0], "bottom": mask[-1], "left": mask[:, 0], "right": mask[:, -1]}
