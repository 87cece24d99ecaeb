from __future__ import annotations

from types import SimpleNamespace

import pytest
import ray
from ray.serve._private.replica import Replica, ReplicaActor

from serve_app.base.serve_stop import replica_stops


def test_a_replica_that_serve_stops_is_known_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = SimpleNamespace(_replica_impl=SimpleNamespace(_shutting_down=False))
    monkeypatch.setattr(ray._private.worker.global_worker, "actors", {"id": replica})
    assert not replica_stops()
    replica._replica_impl._shutting_down = True
    assert replica_stops()
    monkeypatch.setattr(ray._private.worker.global_worker, "actors", {"id": object()})
    assert not replica_stops()


def test_serve_has_what_is_looked_at() -> None:
    """Another version of Ray that has it no more is to be seen here."""
    assert "_replica_impl" in ReplicaActor.__init__.__code__.co_names
    assert "_shutting_down" in Replica._perform_graceful_shutdown.__code__.co_names
