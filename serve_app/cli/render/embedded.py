"""A server for the time that one command needs it, where none answers."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from serve_app.cli.checks import check_data_folder, check_system_libraries, free_port
from serve_app.cli.client import Client
from serve_app.cli.demo import wait_for_renderer
from serve_app.cli.messages import CommandError
from serve_app.cli.render.orders import Order
from serve_app.cli.server_process import ServerProcess, stop_in_order

CONFIG = "serve_config.yaml"
_HOST = "127.0.0.1"


def state_folder(orders: Sequence[Order]) -> Path:
    """Where the jobs of such a command are kept until all have succeeded: the same for the same outputs, so that it can be called again."""
    told = "\0".join(sorted(str(order.output) for order in orders))
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return home / "render-server" / f"embedded-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


class EmbeddedServer:
    """A server of this command's own: on loopback, at a free port, with a key that nobody else knows. A context manager.

    Args:
        orders: what it is for: it may read their CADs' folders and write their outputs, and nothing else.

    Attributes:
        url: of the server.
        api_key: of the server.

    Raises:
        CommandError: it cannot start here; the message says why.
    """

    def __init__(self, orders: Sequence[Order]) -> None:
        self.folder = state_folder(orders)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_data_folder(self.folder / "data")
        self.api_key = secrets.token_urlsafe(24)
        # A root itself is never replaced, so it is the folder above.
        inputs, outputs = {order.cad.parent for order in orders}, {order.output.parent for order in orders}
        for path in (*inputs, *outputs):
            if os.pathsep in str(path):
                raise CommandError(f"{path} has a {os.pathsep!r} in its name, which a server's list of folders cannot hold; rename it")
        self._environment = {
            "RENDER_API_KEY": self.api_key,
            "RENDER_API_KEY_FILE": "",
            "RENDER_DATA_DIR": str(self.folder / "data"),
            "RENDER_LOG_DIR": str(self.folder / "logs"),
            "RENDER_INPUT_ROOTS": os.pathsep.join(sorted(map(str, inputs))),
            "RENDER_OUTPUT_ROOTS": os.pathsep.join(sorted(map(str, outputs))),
        }
        self._opened = ExitStack()
        self._server: ServerProcess | None = None

    def __enter__(self) -> EmbeddedServer:
        check_system_libraries()
        stop_in_order()
        with ExitStack() as opened:
            console = opened.enter_context((self.folder / "console.log").open("wb"))
            server = opened.enter_context(ServerProcess(Path(CONFIG), _HOST, free_port(), console, environment=self._environment))
            self.url = server.url
            wait_for_renderer(server, Client(server.url, self.api_key), self.folder / "console.log")
            self._server, self._opened = server, opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.close()

    def forget(self) -> None:
        """Remove what it has kept: nothing is left to go on with. Only after it has been stopped."""
        shutil.rmtree(self.folder, ignore_errors=True)
