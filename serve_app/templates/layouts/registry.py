"""All layouts by name."""

from __future__ import annotations

from collections.abc import Mapping

from serve_app.templates.layouts.layout import Layout
from serve_app.templates.layouts.sam6d import Sam6d

DEFAULT: Layout = Sam6d()

LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in (DEFAULT,)}
"""A new layout is added here and to the names that a request may give: ``serve_app.jobs.request.LayoutName``."""
