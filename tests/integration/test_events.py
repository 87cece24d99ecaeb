"""Events of a real server's jobs as clients hear them, and the webhook of a job's end, at a real receiver."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from contextlib import ExitStack
from typing import Any

import httpx
import httpx_sse
import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import WEBHOOK_SECRET, Server
from tests.wait import wait_until
from tests.webhook_receiver import Received

VIEWS = 3


@pytest.fixture(scope="module")
def body(server: Server) -> dict[str, Any]:
    np.save(server.folder / "event_poses.npy", camera_poses(0)[[3, 9, 17]])
    few = {"camera_poses_path": str(server.folder / "event_poses.npy"), "resolution": 64, "samples": 1}
    return {"cad_path": str(server.folder / "flange.stl"), **few}


def heard(server: Server, path: str, last_event_id: str | None = None, until: str | None = None) -> list[tuple[str, dict[str, Any], str]]:
    """The events of a stream to its end, or to the end of a job."""
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    found = []
    with server.http() as http, httpx_sse.connect_sse(http, "GET", path, headers=headers) as source:
        for event in source.iter_sse():
            if event.data:
                found.append((event.event, event.json(), event.id))
                if event.event == "finished" and event.json()["job_id"] == until:
                    break
    return found


def test_a_job_is_followed_from_the_queue_to_its_end_by_one_and_by_all(server: Server, body: dict[str, Any]) -> None:
    everything: list[tuple[str, dict[str, Any], str]] = []
    listening = threading.Event()

    def listen() -> None:
        with server.http() as http, httpx_sse.connect_sse(http, "GET", "/api/v1/events", params={"for_sec": 120}) as source:
            for event in source.iter_sse():
                listening.set()  # With the first line, `retry`.
                if event.data:
                    everything.append((event.event, event.json(), event.id))
                    if event.event == "finished" and event.json()["job_id"] == "followed":
                        return

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(30)
    with server.http() as http:
        accepted = http.put("/api/v1/jobs/followed", json={**body, "output_dir": str(server.folder / "events/followed")})
        assert accepted.status_code == 200, accepted.text
    of_job = heard(server, "/api/v1/jobs/followed/events")
    thread.join(60)
    assert not thread.is_alive()

    mine = [event for event in everything if event[1]["job_id"] == "followed"]
    names = [name for name, _, _ in mine]
    assert names[:2] == ["queued", "started"] and names[-1] == "finished" and names.count("view") == VIEWS, mine
    assert mine[0][1]["position"] >= 1 and mine[-1][1] == {"job_id": "followed", "status": "succeeded"}
    views = [data for name, data, _ in mine if name == "view"]
    assert sorted(view["view"] for view in views) == list(range(VIEWS)) and [view["rendered_count"] for view in views] == [1, 2, 3]
    assert all(view["total_poses"] == VIEWS and view["seconds"] >= 0 for view in views)
    # Who came later was told how the job stood, and then the same.
    late = [data for name, data, _ in of_job if name == "view"]
    assert {view["view"]: view["seconds"] for view in late} == {view["view"]: view["seconds"] for view in views}
    assert [view["rendered_count"] for view in late] == [1, 2, 3] and of_job[-1][:2] == mine[-1][:2]

    ids = [event_id for _, _, event_id in mine]
    again = heard(server, "/api/v1/jobs/followed/events", ids[1])
    assert [event[:2] for event in again] == [event[:2] for event in mine[2:]] and [event[2] for event in again] == ids[2:]
    assert heard(server, "/api/v1/events", ids[1], until="followed")[-1] == mine[-1]
    with server.http() as http:
        assert http.get("/api/v1/jobs/followed/events", headers={"Last-Event-ID": ids[-1]}).status_code == 204
    anew = heard(server, "/jobs/followed/events", "00000000-1")
    assert [name for name, _, _ in anew if name != "warning"] == ["reset", "started", *["view"] * VIEWS, "finished"]


def test_a_client_that_goes_gives_its_place_free(server: Server) -> None:
    def open_streams() -> float:
        text = httpx.get(f"http://127.0.0.1:{server.metrics_port}/metrics", trust_env=False, timeout=30).text
        values = [float(line.split()[-1]) for line in text.splitlines() if line.startswith("ray_render_event_streams")]
        return sum(values)

    # The metric is written every few seconds: until then it may still count a stream of an earlier test.
    wait_until(lambda: open_streams() == 0, open_streams)
    with ExitStack() as stack:
        # Kept: one that is forgotten closes its connection.
        streams = [stack.enter_context(stack.enter_context(server.http()).stream("GET", "/api/v1/events")).iter_raw() for _ in range(5)]
        assert all(next(stream).startswith(b"retry") for stream in streams)
        wait_until(lambda: open_streams() == 5, open_streams)
    wait_until(lambda: open_streams() == 0, open_streams)


def test_the_end_of_a_job_is_told_to_its_callback_signed_and_again_until_it_is_taken(server: Server, body: dict[str, Any]) -> None:
    received = Received()
    received.statuses = [503, 204]
    with received.listening() as url:
        job = server.render("flange.stl", "events/told", callback_url=url, **{name: body[name] for name in body if name != "cad_path"})
        first, second = received.requests.get(timeout=60), received.requests.get(timeout=60)
        wait_until(lambda: "webhook delivered" in server.log(job["job_id"]), lambda: server.log(job["job_id"]))
    assert "callback_url" not in json.dumps(job)
    path, headers, sent = second
    assert path == "/hook?token=of-the-receiver" and first[1]["webhook-id"] == headers["webhook-id"] and first[2] == sent
    told = json.loads(sent)
    assert told["type"] == "job.finished" and told["data"]["job_id"] == job["job_id"] and told["data"]["status"] == "succeeded"
    assert (told["data"]["rendered_count"], told["data"]["cad_path"], told["data"]["error"]) == (VIEWS, job["cad_path"], None)
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), sent))
    expected = base64.b64encode(hmac.digest(WEBHOOK_SECRET.encode(), signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}" and abs(time.time() - int(headers["webhook-timestamp"])) < 300
    assert "token" not in server.log(job["job_id"]) and WEBHOOK_SECRET not in server.log(job["job_id"])


def test_a_callback_elsewhere_is_refused_with_its_remedy(server: Server, body: dict[str, Any]) -> None:
    for url in ("http://169.254.169.254/latest/meta-data", "http://localhost:1/", "https://hooks.example.com/x"):
        with server.http() as http:
            refused = http.post("/api/v1/jobs", json={**body, "output_dir": str(server.folder / "events/refused"), "callback_url": url})
        assert refused.status_code == 403 and refused.json()["code"] == "callback_refused"
        assert "RENDER_WEBHOOK_HOSTS" in refused.json()["detail"] and refused.json()["field"] == "callback_url"
    assert not (server.folder / "events/refused").exists()
