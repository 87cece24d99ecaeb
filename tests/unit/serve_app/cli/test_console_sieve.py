"""What of a server's output a person sees. The lines are ones that Ray 2.60 and Serve have printed."""

from __future__ import annotations

import io
import logging
import re

import pytest

from serve_app.base.logs import configure_console
from serve_app.cli.console_sieve import ConsoleSieve

pytestmark = pytest.mark.usefixtures("console")

OURS = "[INFO] 2026-11-28T15:06:19Z job succeeded job_id=a views=42"
OURS_JSON = '{"timestamp": "2026-11-28T15:06:19Z", "level": "error", "event": "job failed"}'
SERVE_INFO = "INFO 2026-11-28 15:06:11,876 controller 17366 -- Imported and built app 'render-server' successfully."
SERVE_WARNING = "WARNING 2026-11-28 15:06:45,000 controller 17366 -- 1 replicas have taken more than 30s to be scheduled."
SERVE_ERROR = "ERROR 2026-11-28 15:06:45,000 controller 17366 -- Failed to start replica"
TRACEBACK = ["Traceback (most recent call last):", '  File "x.py", line 1, in f', "    g()", "ray.exceptions.RayError: it broke"]


class Server:
    def __init__(self, level: str = "INFO") -> None:
        self.console, self.log = io.StringIO(), io.StringIO()
        configure_console(level, stream=self.console)
        self.sieve = ConsoleSieve(self.console, self.log, level)
        self.sieve.show_errors()

    def says(self, *lines: str, pid: int | str = 7, actor: str = "ServeController") -> None:
        named = {"actor_name": actor} if isinstance(pid, int) else {}
        self.sieve.take({"pid": pid, "lines": list(lines), "is_err": True, "ip": "127.0.0.1", **named})

    @property
    def shown(self) -> list[str]:
        """The console's lines; others' without their times."""
        return [re.sub(r"\] 2\S+Z (?!job)", "] ", line) for line in self.console.getvalue().splitlines()]


def test_the_services_own_lines_go_to_the_console_as_they_are_and_all_others_to_the_log() -> None:
    server = Server()
    server.says(OURS, SERVE_INFO, OURS_JSON)
    assert server.console.getvalue().splitlines() == [OURS, OURS_JSON]
    assert server.log.getvalue() == f"(ServeController 7) {SERVE_INFO}\n"


@pytest.mark.parametrize(
    ("line", "told"), [(OURS, False), (OURS_JSON, True), ("[ERROR] 2026-01-01T00:00:00Z no", True), (SERVE_ERROR, False)]
)
def test_an_error_that_the_service_tells_while_it_starts_is_known(line: str, told: bool) -> None:
    server = Server()
    server.says(line)
    assert not server.sieve.told_error
    server.sieve = ConsoleSieve(server.console, server.log, "INFO")
    server.says(line)
    assert server.sieve.told_error is told


def test_a_log_and_a_console_that_cannot_be_written_stop_nobody() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    server = Server()
    ConsoleSieve(server.console, Full(), "INFO").take({"pid": 1, "lines": [SERVE_INFO, SERVE_WARNING]})
    assert len(server.shown) == 1
    ConsoleSieve(Full(), server.log, "INFO").take({"pid": 1, "lines": [OURS, SERVE_INFO]})
    assert SERVE_INFO in server.log.getvalue()


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (SERVE_WARNING, "[WARNING] controller 17366 -- 1 replicas have taken"),
        (SERVE_ERROR, "[ERROR] controller 17366 -- Failed to start replica"),
        ("2026-11-28 15:06:07,850\tWARNING worker.py:2029 -- object store in /tmp", "[WARNING] worker.py:2029 -- object store in /tmp"),
        ("[2026-11-28 14:51:51,834 E 20843 20843] core_worker.cc:4: no memory", "[ERROR] core_worker.cc:4: no memory"),
        ("W1128 14:51:25.059763   21735 channel.cc:71] slow", "[WARNING] channel.cc:71] slow"),
        ("Fatal Python error: Segmentation fault", "[ERROR] Fatal Python error: Segmentation fault"),
    ],
)
def test_warnings_and_errors_of_others_are_shown_with_who_says_them(line: str, shown: str) -> None:
    server = Server()
    server.says(line)
    (said,) = server.shown
    assert said.startswith(shown) and said.endswith('process="ServeController 7"') and line in server.log.getvalue()


@pytest.mark.parametrize(
    "line",
    [
        SERVE_INFO,
        "2026-11-28 14:51:14,820\tSUCC scripts.py:546 -- Submitted deploy config successfully.",
        "I1128 14:51:25.059763   21735 fork_posix.cc:71] Other threads are currently calling into gRPC, skipping fork() handlers",
        "WARNING 2026-11-28 14:51:16,998 controller 21373 -- Cannot deregister autoscaling state for deployment",
        "a line of no form",
    ],
)
def test_the_rest_is_in_the_log_alone(line: str) -> None:
    server = Server()
    server.says(line)
    assert server.shown == [] and line in server.log.getvalue()


def test_of_a_traceback_its_last_line_is_shown_whatever_others_say_in_between() -> None:
    server = Server()
    for number, line in enumerate(TRACEBACK):
        server.says(line)
        server.says(f"note {number}", pid=8)
    assert server.shown == ['[ERROR] ray.exceptions.RayError: it broke process="ServeController 7"']


def test_the_end_of_a_worker_that_ray_ends_is_no_error() -> None:
    server = Server()
    server.says(
        "Exception ignored in: <function WeakSet.__init__.<locals>._remove at 0x7fb02689c5e0>",
        "Traceback (most recent call last):",
        '  File "worker.py", line 1063, in sigterm_handler',
        "    raise_sys_exit_with_custom_error_message(",
        "SystemExit: 1",
        actor="BlenderActor",
    )
    assert server.shown == [] and "(BlenderActor 7) SystemExit: 1\n" in server.log.getvalue()
    server.says(*TRACEBACK, actor="BlenderActor")
    assert server.shown == ['[ERROR] ray.exceptions.RayError: it broke process="BlenderActor 7"']


def test_raylets_words_are_warnings_but_for_the_usual_end_of_a_worker() -> None:
    server = Server()
    server.says("A worker died or was killed while executing a task by an unexpected system error. To", "2 Workers killed", pid="raylet")
    assert server.shown == ["[WARNING] 2 Workers killed process=raylet"]


def test_of_rays_cluster_autoscaler_only_its_warnings_count_and_its_table_goes_nowhere() -> None:
    server = Server()
    server.says("Node status", ":event_summary:Warning: {'CPU': 4.0} cannot be scheduled", ":event_summary:Resized", pid="autoscaler")
    assert server.shown == ["[WARNING] Warning: {'CPU': 4.0} cannot be scheduled process=autoscaler"]
    assert "Node status" not in server.log.getvalue() and "Resized" in server.log.getvalue()


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", 3), ("INFO", 2), ("WARNING", 2), ("ERROR", 1)])
def test_the_level_holds_for_others_too(level: str, shown: int) -> None:
    server = Server(level)
    server.says(SERVE_INFO, SERVE_WARNING, SERVE_ERROR)
    assert len(server.shown) == shown


def test_errors_wait_until_the_server_is_up_and_warnings_do_not() -> None:
    server = Server()
    server.sieve = ConsoleSieve(server.console, server.log, "INFO")
    server.says(SERVE_ERROR, SERVE_WARNING)
    assert [line[:9] for line in server.shown] == ["[WARNING]"]
    server.sieve.show_errors()
    server.says(SERVE_ERROR)
    assert [line[:9] for line in server.shown] == ["[WARNING]", "[ERROR] c", "[ERROR] c"]


def test_while_it_stops_only_the_services_own_lines_are_shown() -> None:
    server = Server()
    server.sieve.ending()
    server.says(SERVE_ERROR, OURS)
    assert server.shown == [OURS]


def test_what_is_logged_in_the_servers_first_process_is_shown_too() -> None:
    server = Server()
    for level, text in ((logging.INFO, "Started"), (logging.WARNING, "The object store is in %s!\nMore of it")):
        server.sieve.take_record(
            logging.LogRecord("ray._private.services", level, "x.py", 1, text, ("/tmp",) if "%s" in text else (), None)
        )
    assert server.shown == ["[WARNING] The object store is in /tmp! process=ray._private.services"]
