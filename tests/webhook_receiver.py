"""A receiver of webhooks, for tests of real servers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Received:
    """Takes what comes.

    Attributes:
        requests: path, headers and body of what came, in order.
        statuses: that it answers with, one after the other; the last one stays.
    """

    def __init__(self) -> None:
        self.requests: queue.Queue[tuple[str, dict[str, str], bytes]] = queue.Queue()
        self.statuses = [204]

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Listen, for the length of the ``with``, at the URL."""
        received = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # The name that the base class asks for.
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = received.statuses.pop(0) if len(received.statuses) > 1 else received.statuses[0]
                self.send_response(status)
                self.end_headers()
                received.requests.put((self.path, {name.lower(): value for name, value in self.headers.items()}, body))

            def log_message(self, *words: Any) -> None:
                """The test's output is its own."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
            thread = threading.Thread(target=http.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{http.server_port}/hook?token=of-the-receiver"
            finally:
                http.shutdown()
                thread.join()
