"""A webhook outlives its server."""

from __future__ import annotations

import json

from tests.faults.fault_server import FaultServer
from tests.webhook_receiver import Received


def test_a_webhook_that_waits_is_sent_by_the_server_after_a_kill(server: FaultServer) -> None:
    received = Received()
    received.statuses = [503] * 20
    with received.listening() as url:
        body = server.body("crate.obj", "told", samples=4096, callback_url=url)
        with server.http() as http:  # It is the end of a job that is told, whichever that is.
            assert http.put("/jobs/told-after-a-kill", json=body).status_code == 200
            assert http.delete("/jobs/told-after-a-kill").status_code == 200
        first = received.requests.get(timeout=60)
        server.kill_everything()
        while not received.requests.empty():  # On a slow machine it has been sent again meanwhile.
            received.requests.get()
        received.statuses = [204]
        server.start(ready=False)
        second = received.requests.get(timeout=60)
    assert second[1]["webhook-id"] == first[1]["webhook-id"] and second[2] == first[2]
    told = json.loads(second[2])["data"]
    assert (told["job_id"], told["status"]) == ("told-after-a-kill", "canceled")
    assert int(second[1]["webhook-timestamp"]) > int(first[1]["webhook-timestamp"])
