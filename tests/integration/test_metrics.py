"""What Prometheus sees of a real server: every documented metric, with the values that the jobs make."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from render_actor.contract.cameras import camera_poses
from render_actor.metrics.export import HANDED_OVER
from render_actor.worker.metrics import RENDERER_METRICS
from serve_app.base.metrics import SERVER_METRICS
from serve_app.cli.checks import free_port
from tests.http_client import http_client
from tests.integration.conftest import Server
from tests.monitoring import MONITORING, expressions, names_in
from tests.wait import wait_until

VIEWS = 4
OWN_LABELS = {"state", "code", "result", "place", "path", "device", "quality", "sink", "le", "kind", "reason"}

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Scrape:
    """What the exporter shows at a moment.

    Attributes:
        values: by name and by those labels that are ours, summed over the processes.
        handed_over: of each process, when it last handed its metrics over, in Unix seconds.
    """

    values: dict[Key, float]
    handed_over: dict[str, float]

    def __getitem__(self, name: str) -> float:
        """The value of a metric, summed over all its labels."""
        return sum(value for (found, _), value in self.values.items() if found == name)

    def of(self, name: str, **labels: str) -> float:
        """The value of one series; 0 where there is none yet."""
        return self.values.get((name, tuple(sorted(labels.items()))), 0.0)


def scraped(server: Server) -> Scrape:
    """Ask the exporter."""
    text = httpx.get(f"http://127.0.0.1:{server.metrics_port}/metrics", trust_env=False, timeout=30).text
    values: dict[Key, float] = {}
    handed_over: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples if family.name.startswith("ray_render_") else ():
            if sample.name == HANDED_OVER.scraped_name:
                handed_over[sample.labels["replica"]] = sample.value
            key = sample.name, tuple(sorted((name, value) for name, value in sample.labels.items() if name in OWN_LABELS))
            values[key] = values.get(key, 0.0) + sample.value
    return Scrape(values, handed_over)


def scrape_of_now(server: Server) -> Scrape:
    """A scrape that has all that was counted before this call, in each process that lives."""
    now = time.time()
    with server.http() as http:
        renderers = {renderer["id"] for renderer in http.get("/api/v1/status").json()["renderers"]}
    found = scraped(server)

    def all_told() -> bool:
        nonlocal found
        found = scraped(server)
        fresh = {replica for replica, moment in found.handed_over.items() if moment > now}
        return renderers < fresh  # The ingress is one more.

    wait_until(all_told, lambda: (now, renderers, found.handed_over), 60, step=0.5)
    return found


def four_views(server: Server, output: str, **options: Any) -> dict[str, Any]:
    """Render four views in a way that no other test does."""
    poses = server.folder / "metrics.npy"
    np.save(poses, camera_poses(0)[[3, 9, 17, 30]])
    job = server.render("crate.obj", output, camera_poses_path=str(poses), resolution=97, **options)
    assert job["status"] == "succeeded", job
    return job


def wait_until_idle(server: Server) -> None:
    """What a renderer still makes of a job that was cancelled before counts, too."""
    with server.http() as http:

        def states() -> set[str]:
            return {renderer["state"] for renderer in http.get("/api/v1/status").json()["renderers"]}

        wait_until(lambda: "ready" in states() and not states() & {"busy", "starting"}, states)


def test_a_scrape_has_every_documented_metric_with_what_a_job_made_of_it(server: Server) -> None:
    wait_until_idle(server)
    before = scrape_of_now(server)
    job = four_views(server, "metrics-1", quality="draft")
    assert four_views(server, "metrics-2", quality="draft")["cached"]
    with server.http() as http:
        assert [http.get(f"/jobs/no-job-{number}").status_code for number in range(3)] == [404] * 3
        sent = (server.folder / "crate.obj").read_bytes()
        assert http.post("/api/v1/uploads", files=[("file", ("crate.obj", sent))]).status_code == 201
    after = scrape_of_now(server)

    def more(name: str, **labels: str) -> float:
        return after.of(name, **labels) - before.of(name, **labels)

    files = [path for path in Path(job["templates_dir"]).iterdir() if path.name != "manifest.json"]
    size = sum(path.stat().st_size for path in files)
    manifest = json.loads((Path(job["templates_dir"]) / "manifest.json").read_text())
    seconds = sum(job["view_seconds"].values())
    kind = {"device": "CPU", "quality": "draft"}
    assert len(files) == 3 * VIEWS and not job["cached"]
    assert more("ray_render_views_total", **kind, sink="direct") == more("ray_render_view_seconds_count", **kind) == VIEWS
    assert more("ray_render_view_work_seconds_total", **kind) == pytest.approx(seconds, abs=0.01 * VIEWS)
    assert more("ray_render_samples_total", **kind) == sum(view["samples"] for view in manifest["views"])
    assert more("ray_render_file_bytes_total", sink="direct") == more("ray_render_cache_copied_bytes_total") == size
    assert more("ray_render_file_bytes_total", sink="object_store") == 0
    assert more("ray_render_jobs_accepted_total") == more("ray_render_jobs_ended_total", state="succeeded") == 2
    assert {result: more("ray_render_cache_lookups_total", result=result) for result in ("hit", "miss")} == {"hit": 1, "miss": 1}
    assert more("ray_render_refusals_total", code="job_not_found") == 3
    assert (more("ray_render_uploads_received_total"), more("ray_render_uploads_received_bytes_total")) == (1, len(sent))
    assert after.of("ray_render_uploads", state="complete") >= 1 and after["ray_render_uploads_bytes"] >= len(sent)
    assert after["ray_render_webhooks_waiting"] == 0
    assert after["ray_render_cache_bytes"] >= size and after["ray_render_cache_entries"] >= 1
    assert after["ray_render_ready"] == 1
    assert after["ray_render_jobs"] == after["ray_render_queue_oldest_seconds"] == 0
    assert after.of("ray_render_renderer_starts_total", result="ready") >= 1
    ready = after.of("ray_render_renderer_state", state="ready")
    assert 1 <= ready <= after["ray_render_renderer_state"] == len(after.handed_over) - 1
    assert 100e6 < after["ray_render_renderer_memory_bytes"] / ready < 4e9
    assert after.of("ray_render_disk_min_free_bytes", place="data", path=str(server.folder / "data")) == 2**30
    for place, path in (("data", server.folder / "data"), ("output", server.folder)):
        free = after.of("ray_render_disk_free_bytes", place=place, path=str(path))
        assert free == pytest.approx(shutil.disk_usage(path).free, rel=0.2)

    there = {name for name, _ in after.values}
    wanted = {f"{each.scraped_name}_bucket" if each.kind == "histogram" else each.scraped_name for each in METRICS}
    assert wanted <= there, wanted - there


METRICS = (*SERVER_METRICS, *RENDERER_METRICS, HANDED_OVER)


@pytest.fixture
def prometheus(server: Server, tmp_path: Path) -> Iterator[httpx.Client]:
    """A Prometheus with our configuration and our alerts, which watches the shared server; a client of it."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed (Debian: apt-get install prometheus)")
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{server.metrics_port}"]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(MONITORING / "alerts.yml", tmp_path)
    port = free_port()
    flags = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen([program, *flags], stdout=log, stderr=log) as process:
        try:
            with http_client(f"http://127.0.0.1:{port}", 30) as http:
                wait_until(lambda: _answers(http), lambda: (tmp_path / "log").read_text(), 30)
                yield http
        finally:
            process.terminate()


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/-/ready").status_code == 200
    except httpx.HTTPError:
        return False


def asked(http: httpx.Client, expression: str) -> list[dict[str, Any]]:
    """What Prometheus answers to an expression now."""
    answer = http.get("/api/v1/query", params={"query": expression}).json()
    assert answer["status"] == "success", (expression, answer)
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def test_prometheus_finds_what_dashboard_and_alerts_ask_for_and_an_alert_fires(server: Server, prometheus: httpx.Client) -> None:
    four_views(server, "metrics-3", quality="draft")
    wait_until(lambda: asked(prometheus, 'up{job="render-server"} == 1'), "the server is not scraped", 30)
    refused = 'ray_render_refusals_total{code="output_reserved"}'
    wait_until(lambda: asked(prometheus, f"count_over_time({refused}[1m]) > 2"), "there are no refusals to count from", 30)

    def firing() -> list[dict[str, str]]:
        alerts = prometheus.get("/api/v1/alerts").json()["data"]["alerts"]
        return [alert["labels"] for alert in alerts if alert["state"] == "firing"]

    assert not [labels for labels in firing() if labels.get("code") == "output_reserved"]
    body = {"cad_path": str(server.folder / "crate.obj"), "output_dir": str(server.folder / "data" / "mine")}
    with server.http() as http:
        codes = {http.post("/render/templates", json=body).json()["code"] for _ in range(60)}
    assert codes == {"output_reserved"}
    wait_until(lambda: any(labels.get("code") == "output_reserved" for labels in firing()), lambda: asked(prometheus, refused), 60)
    assert [labels["alertname"] for labels in firing() if labels.get("code") == "output_reserved"] == ["ManyRefusals"]
    assert not [labels for labels in firing() if labels["alertname"] in ("RenderServerDown", "NoRendererReady")]

    there = set(prometheus.get("/api/v1/label/__name__/values").json()["data"])
    wanted = {name for expression in expressions() for name in names_in(expression)}
    assert {name for name in wanted if not {name, f"{name}_bucket"} & there} == set()
    for expression in expressions():
        asked(prometheus, expression)
