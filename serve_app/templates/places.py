"""Where the files of a job's views go in its folder."""

from __future__ import annotations

from collections.abc import Mapping

from render_actor.contract.file_kinds import FileKind
from render_actor.contract.view_files import file_names
from serve_app.templates.layouts.layout import Layout

Places = Mapping[str, tuple[str, ...]]
"""By the name that ``file_names`` gives a file: its paths in the folder. The second and following ones are copies."""


def places_of(layout: Layout, kinds: tuple[FileKind, ...], views: int) -> Places:
    """The places of a layout.

    Args:
        layout: says where.
        kinds: of the files that are made of each view.
        views: how many there are.
    """
    return {
        name: layout.paths(kind, view, views)
        for view in range(views)
        for kind, name in zip(kinds, file_names(view, kinds), strict=True)
    }  # fmt: skip
