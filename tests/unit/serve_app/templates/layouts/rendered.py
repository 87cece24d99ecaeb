"""An object of some views, made up, for the documents of layouts."""

from __future__ import annotations

import numpy as np

from serve_app.templates.layouts.layout import ObjectView, Output, RenderedObject


def rendered_object(views: int = 2, outputs: frozenset[Output] = frozenset(), object_id: int = 5) -> RenderedObject:
    """Object ``object_id`` of dataset ``lm``, 640 x 480, seen from 400, 401, ... mm along z."""
    intrinsics = np.array([[572.4114, 0.0, 325.2611], [0.0, 573.57043, 242.04899], [0.0, 0.0, 1.0]])
    made = []
    for index in range(views):
        pose = np.eye(4)
        pose[:3, 3] = 1.0, 2.0, 400.0 + index
        made.append(ObjectView(index, pose, intrinsics, 640, 480, 100 + index, (300, 200, 340, 230 + index)))
    corners = np.array([[-30.0, -20.0, -10.0], [30.0, 20.0, 10.0]])
    return RenderedObject(object_id, "lm", f"/data/lm/{object_id}", outputs, 0.1, corners, tuple(made))
