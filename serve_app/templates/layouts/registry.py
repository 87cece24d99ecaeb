"""All layouts by name."""

from __future__ import annotations

from collections.abc import Mapping

from serve_app.templates.layouts.bop import Bop
from serve_app.templates.layouts.cnos import Cnos
from serve_app.templates.layouts.foundpose import Foundpose
from serve_app.templates.layouts.gigapose import Gigapose
from serve_app.templates.layouts.layout import Layout
from serve_app.templates.layouts.sam6d import Sam6d
from serve_app.templates.layouts.sam6d_bop import Sam6dBop

DEFAULT: Layout = Sam6d()

LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in (DEFAULT, Sam6dBop(), Cnos(), Gigapose(), Foundpose(), Bop())}
"""A new layout is added here and to the names that a request may give: ``serve_app.jobs.request.LayoutName``."""


def published_folder(layout: str, object_id: int | None, *, templates_subfolder: bool = True) -> str:
    """The folder that a request publishes, below its ``output_dir``; empty for that itself.

    Args:
        layout: its name.
        object_id: of the request, completed; None where an older server completed it.
        templates_subfolder: of the request; only the default layout has a choice.
    """
    if layout == DEFAULT.name and not templates_subfolder:
        return ""
    return LAYOUTS[layout].folder(object_id or 0)
