"""A wire to the server that can be cut: connections through a port that is taken away and given back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

_CHUNK = 65536


class CutWire:
    """Forwards connections to a server until it is cut, and again when it is mended, at the same address.

    Attributes:
        url: where it listens.
    """

    def __init__(self, url: str) -> None:
        target = urlsplit(url)
        assert target.hostname and target.port
        self._target = (target.hostname, target.port)
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._begin()

    def cut(self) -> None:
        """Nobody listens any more, and what was connected is not."""
        self._close(self._listener)
        for connection in list(self._open):
            self._close(connection)

    def mend(self) -> None:
        """Listen again."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._begin()

    def _begin(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                sink.sendall(data)
        for end in (source, sink):
            self._close(end)
            self._open.discard(end)

    def _close(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()


@contextmanager
def cut_wire(url: str) -> Iterator[CutWire]:
    """A wire to a server."""
    wire = CutWire(url)
    try:
        yield wire
    finally:
        wire.cut()
