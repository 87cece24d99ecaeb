"""What is left on the console of Serve's controller."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator

import pytest

from serve_app.base.serve_logs import keep_console_short


@pytest.fixture
def handlers() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """The console and the log file of Serve's logger, as Serve sets them up."""
    loggers = [logging.getLogger(name) for name in ("ray.serve", "render_server")]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    console, file = io.StringIO(), io.StringIO()
    to_file = logging.handlers.MemoryHandler(1, target=logging.StreamHandler(file))
    loggers[0].handlers = [logging.StreamHandler(console), to_file]
    loggers[0].setLevel("INFO")
    yield console, file
    for logger, (found, propagate, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = found, propagate
        logger.setLevel(level)


@pytest.mark.parametrize(("level", "shown"), [("INFO", "warned failed"), ("ERROR", "failed"), ("DEBUG", "done harmless warned failed")])
def test_the_console_has_first_lines_of_warnings_and_errors_and_the_file_all(
    handlers: tuple[io.StringIO, io.StringIO], monkeypatch: pytest.MonkeyPatch, level: str, shown: str
) -> None:
    monkeypatch.setenv("RENDER_LOG_LEVEL", level)
    monkeypatch.setattr(sys, "stderr", said := io.StringIO())
    keep_console_short()
    logger = logging.getLogger("ray.serve")
    logger.info("done")
    logger.warning("Cannot deregister autoscaling state for deployment X" if level != "DEBUG" else "harmless")
    logger.warning("warned")
    logger.error("failed\nTraceback (most recent call last):\n  ...")
    console, file = (stream.getvalue() for stream in handlers)
    assert " ".join(line for line in console.splitlines() if not line.startswith(("Traceback", "  "))) == shown
    assert ("Traceback" in console) == (level == "DEBUG") and "Traceback" in file and "done" in file
    assert ("Ray's and Serve's own output goes to" in said.getvalue()) == (level == "INFO")


def test_a_wrong_setting_is_told_before_serve_does(handlers: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_MAX_SAMPLES", "5")
    monkeypatch.setattr(sys, "stderr", said := io.StringIO())
    keep_console_short()
    (line,) = said.getvalue().splitlines()
    assert line.startswith("[ERROR]") and "the server cannot start: setting RENDER_MAX_SAMPLES: Input should be" in line and "'5'" in line
