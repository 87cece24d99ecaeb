"""Two cells: two applications on one cluster, each with an ingress, data and renderers of its own. The renderers are stubs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from bench.stub_renderer import DEVICE
from bench.stub_server import stub_application
from serve_app.cli.checks import free_port
from serve_app.cli.server_process import ServerProcess
from serve_app.templates.checker.contract import check_contract
from tests.cluster.conftest import full_only
from tests.http_client import http_client
from tests.integration.conftest import ROOT
from tests.wait import wait_until

VIEWS = 42


def application(folder: Path, cell: str) -> dict[str, object]:
    own = folder / cell
    own.mkdir()
    settings = {
        "data_dir": str(own / "data"),
        "log_dir": str(own / "logs"),
        "input_roots": str(folder),
        "output_roots": str(folder / "output"),
    }
    stub = stub_application(0.01, min_renderers=1, max_renderers=1, settings=settings)
    return {"name": f"cell-{cell}", "route_prefix": f"/{cell}", **stub}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server with the cells ``a`` and ``b``, both ready, and its folder."""
    folder = tmp_path_factory.mktemp("cells")
    shutil.copy(ROOT / "examples" / "knot.ply", folder)
    config = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    config["applications"] = [application(folder, cell) for cell in ("a", "b")]
    (folder / "serve_config.yaml").write_text(yaml.safe_dump(config))
    with (
        (folder / "server.log").open("wb") as output,
        ServerProcess(folder / "serve_config.yaml", "127.0.0.1", free_port(), output) as server,
    ):

        def ready() -> bool:
            assert not server.ended, (folder / "server.log").read_text()
            try:
                return all(httpx.get(f"{server.url}/{cell}/ready", timeout=5).status_code == 200 for cell in ("a", "b"))
            except httpx.TransportError:
                return False

        wait_until(ready, lambda: (folder / "server.log").read_text()[-2000:])
        yield server.url, folder


@full_only
def test_cells_share_a_cluster_and_nothing_else(cells: tuple[str, Path]) -> None:
    url, folder = cells
    jobs = {}
    with http_client(url, 120) as http:
        for cell in ("a", "b"):
            body = {"cad_path": str(folder / "knot.ply"), "output_dir": str(folder / "output" / cell)}
            response = http.post(f"/{cell}/render/templates", params={"wait": "true"}, json=body)
            assert response.status_code == 200, response.text
            jobs[cell] = response.json()
            assert jobs[cell]["status"] == "succeeded" and jobs[cell]["rendered_count"] == VIEWS, jobs[cell]
            # The other has not rendered it before: what one has in its cache is not the other's.
            assert not jobs[cell]["cached"] and not check_contract(folder / "output" / cell / "templates", VIEWS)
            assert (folder / cell / "logs" / f"{jobs[cell]['job_id']}.log").exists()
            (renderer,) = http.get(f"/{cell}/api/v1/status").json()["renderers"]
            assert renderer["device"] == DEVICE
        for cell, other in (("a", "b"), ("b", "a")):
            assert http.get(f"/{cell}/jobs/{jobs[cell]['job_id']}").status_code == 200
            assert http.get(f"/{cell}/jobs/{jobs[other]['job_id']}").status_code == 404
