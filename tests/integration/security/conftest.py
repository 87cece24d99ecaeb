"""A server that wants a key, for the tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from serve_app.cli.client import Client
from serve_app.cli.demo import wait_for_renderer
from tests.integration.conftest import ROOT, Server, start_server

API_KEY = "a key, for tests: 1 2 3"


@pytest.fixture(scope="package")
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that wants the key of a file and takes small bodies only; its folder has a CAD and a list of one camera."""
    folder = tmp_path_factory.mktemp("locked_server")
    shutil.copy(ROOT / "examples" / "flange.stl", folder)
    np.save(folder / "one_pose.npy", camera_poses(0)[[8]])
    (folder / "secret_key").write_text(API_KEY + "\n")
    (folder / "api_key").symlink_to("secret_key")
    settings = {"RENDER_API_KEY_FILE": str(folder / "api_key"), "RENDER_API_KEY": "", "RENDER_DASHBOARD": "1"}
    settings |= {"RENDER_MAX_BODY_BYTES": "65536", "RAY_AUTH_TOKEN_PATH": str(folder / "ray_token")}
    with start_server(folder, settings) as process:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RENDER_API_KEY", API_KEY)
            client = Client(process.url)
        wait_for_renderer(process, client, folder / "server.log")
        yield Server(process.url, folder, process.process.pid)
