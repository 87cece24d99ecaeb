"""Clusters for the tests here: the test itself stands on the head's machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import HEAD, Cluster
from tests.cluster.network import standing_in

FULL = bool(os.environ.get("RENDER_CLUSTER_FULL"))
"""``make test-cluster`` sets it; ``make test`` runs the short form."""

full_only = pytest.mark.skipif(not FULL, reason="of the full form only: make test-cluster")

MakeCluster = Callable[..., contextlib.AbstractContextManager[Cluster]]


@contextlib.contextmanager
def running_cluster(folder: Path, **options: Any) -> Iterator[Cluster]:
    """A cluster that is not started yet; it is gone afterwards."""
    cluster = Cluster(folder, **options)
    try:
        with standing_in(cluster.machine(HEAD).namespace):
            yield cluster
    finally:
        cluster.close()
