from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import settings as hypothesis_settings

from serve_app.base.settings import Settings

# The same cases each time, so that a change is judged by what it changes; HYPOTHESIS_PROFILE=new looks for others.
hypothesis_settings.register_profile("same", derandomize=True)
hypothesis_settings.register_profile("new", derandomize=False)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose only root is the test's own folder."""
    return Settings(input_roots=[tmp_path], output_roots=[tmp_path], data_dir=tmp_path / "data", log_dir=tmp_path / "logs")


@pytest.fixture(scope="session")
def wedge() -> trimesh.Trimesh:
    """A small solid without any symmetry, in mm, off its origin."""
    vertices = np.array([[-30, -20, -10], [40, -20, -10], [40, 25, -10], [-30, 25, -10], [-30, -20, 15], [10, -15, 30], [-25, 20, 22]])
    mesh: trimesh.Trimesh = trimesh.convex.convex_hull(vertices.astype(float))
    return mesh


@pytest.fixture
def console() -> Iterator[None]:
    """Gives the console's logger back as it was."""
    logger = logging.getLogger("render_server")
    before = logger.handlers, logger.propagate, logger.level
    yield
    logger.handlers, logger.propagate, level = before
    logger.setLevel(level)
