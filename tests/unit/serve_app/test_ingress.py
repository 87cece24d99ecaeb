"""What the ingress keeps Serve from saying."""

from __future__ import annotations

import inspect
import logging

import pytest
from ray.serve._private.request_router import request_router

from serve_app.ingress import is_no_wait_for_a_renderer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Failed to route request after 50 attempts over 24.60s. Retrying. Request ID: 5c8f.", False),
        ("Replica is unavailable", True),
        ("%s failed", True),
    ],
)
def test_that_a_batch_waits_for_a_renderer_is_no_warning(text: str, said: bool) -> None:
    record = logging.LogRecord("ray.serve", logging.WARNING, "x.py", 1, text, (), None)
    assert is_no_wait_for_a_renderer(record) is said


def test_serve_still_says_it_so() -> None:
    assert '"Failed to route request after "' in inspect.getsource(request_router)
