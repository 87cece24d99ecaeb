from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.cli.bop.published import is_there
from serve_app.templates.layouts.layout import MANIFEST, Layout
from serve_app.templates.layouts.registry import LAYOUTS
from tests.unit.serve_app.templates.layouts.ball import publish


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_an_object_is_there_as_long_as_every_file_is(layout: Layout, tmp_path: Path) -> None:
    views = 42
    publish(layout, tmp_path, 5, views=views)
    folder = tmp_path / layout.folder(5)
    if layout.manifest_inside:
        (folder / MANIFEST).write_text("{}")
    assert is_there(layout, folder, 5, views)
    assert not is_there(layout, tmp_path / layout.folder(6) / "none", 6, views)
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    for path in (files[0], files[len(files) // 2], files[-1]):
        content = path.read_bytes()
        path.write_bytes(b"")
        assert not is_there(layout, folder, 5, views), path
        path.write_bytes(content)
    assert is_there(layout, folder, 5, views)
