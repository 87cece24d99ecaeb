"""The form of a line, and where it goes."""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve_app.base.logs import JobLog, configure_console, log_path_of, server_event
from tests.wait import wait_until


@pytest.fixture
def console() -> Iterator[None]:
    """Gives the console's logger back as it was."""
    logger = logging.getLogger("render_server")
    before = logger.handlers, logger.propagate, logger.level
    yield
    logger.handlers, logger.propagate, level = before
    logger.setLevel(level)


def words(line: str) -> str:
    """A line without its time."""
    stamp, _, rest = line.partition(" ")
    assert stamp.startswith("timestamp=2") and stamp.endswith("Z")
    return rest


async def test_a_jobs_events(tmp_path: Path, console: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure_console("WARNING")
    path = log_path_of(tmp_path, "job-1")
    log = JobLog(path, "job-1")
    log.event("info", "CAD loaded", seconds=0.5, faces=12, ok=True, nothing=None)
    log.event("warning", "two\nlines", views=[1, 2], text="a\nb", percent="100 %s %d")
    await log.close()
    lines = path.read_text().splitlines()
    assert words(lines[0]) == 'level=info event="CAD loaded" job_id=job-1 seconds=0.5 faces=12 ok=true nothing='
    assert words(lines[1]) == 'level=warning event=two\\nlines job_id=job-1 views="[1, 2]" text=a\\nb percent="100 %s %d"'
    assert capsys.readouterr().err.splitlines() == lines[1:]


async def test_a_jobs_events_name_the_request_that_made_it(tmp_path: Path, console: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure_console("INFO")
    log = JobLog(tmp_path / "job-2.log", "job-2", 'a"b=c')
    log.event("info", "job accepted", views=3)
    await log.close()
    (line,) = (tmp_path / "job-2.log").read_text().splitlines()
    assert words(line) == r'level=info event="job accepted" job_id=job-2 request_id="a\"b=c" views=3'
    assert capsys.readouterr().err.splitlines() == [line]


def test_an_event_of_no_job(console: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure_console("INFO")
    server_event("debug", "not shown")
    server_event("error", "a fault", path="/x", cause="it's 5 %")
    (line,) = capsys.readouterr().err.splitlines()
    assert words(line) == 'level=error event="a fault" path=/x cause="it\'s 5 %"'


def test_a_console_that_is_slow_holds_nobody_up(console: None, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, written = threading.Event(), list[str]()

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            assert go_on.wait(20)
            written.append(text)
            return len(text)

    monkeypatch.setattr(sys, "stderr", Slow())
    configure_console("INFO", background=True)
    for number in range(3):
        server_event("info", "said", number=number)
    assert not written
    go_on.set()
    wait_until(lambda: "".join(written).count("\n") == 3, "the lines")
    assert [line[-1] for line in "".join(written).splitlines()] == ["0", "1", "2"]


async def test_a_log_that_cannot_be_written_is_on_the_console_alone(
    tmp_path: Path, console: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_console("INFO")
    (tmp_path / "bad.log").mkdir()
    log = JobLog(tmp_path / "bad.log", "bad")
    for number in range(3):
        log.event("info", "view rendered", view=number)
        await log.close()
    said = capsys.readouterr().err.splitlines()
    complaints = [line for line in said if "job log cannot be written" in line]
    assert len(complaints) == 1 and "job_id=bad" in complaints[0] and 'cause="Is a directory"' in complaints[0]
    assert [f"view={number}" in line for number, line in enumerate(line for line in said if "view rendered" in line)] == [True] * 3
