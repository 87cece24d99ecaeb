"""Whether a path lies in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.base.inside import is_inside

FOLDERS = (Path("/"), Path("/srv"), Path("/srv/cads"), Path("/srv/cads2"), Path("/srv/cads/a b"))


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("path", FOLDERS)
def test_it_says_what_pathlib_says(path: Path, folder: Path) -> None:
    assert is_inside(path, folder) == path.is_relative_to(folder)
