"""Whether an object's files are still where a job has published them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from render_actor.contract.file_kinds import KINDS
from serve_app.templates.layouts.layout import MANIFEST, Layout, ObjectView, RenderedObject


def is_there(layout: Layout, folder: Path, object_id: int, views: int, added: tuple[str, ...] = ()) -> bool:
    """Whether every file that a layout has is there and not empty; their content is not looked at.

    Args:
        layout: of the folder.
        folder: that was published.
        object_id: of the object.
        views: how many the job had.
        added: the request's outputs.
    """
    kinds = [kind for kind in KINDS if kind in layout.kinds or kind in added]
    names = [path for kind in kinds for view in range(views) for path in layout.paths(kind, view, views)]
    told = _of_one_view(object_id)
    names += [*layout.documents(told), *([MANIFEST] if layout.manifest_inside else [])]
    above = folder
    for _ in layout.folder(object_id).split("/"):
        above = above.parent
    return all(_has_content(path) for path in (*(folder / name for name in names), *(above / name for name in layout.beside(told))))


def _of_one_view(object_id: int) -> RenderedObject:
    """By which a layout tells the names of its documents."""
    view = ObjectView(0, np.eye(4), np.eye(3), 1, 1, 1, (0, 0, 1, 1))
    return RenderedObject(object_id, "", "", frozenset(), 1.0, np.zeros((2, 3)), (view,))


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
