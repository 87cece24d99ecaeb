"""The form of a line, and where it goes."""

from __future__ import annotations

import io
import json
import re
import sys
import threading
from pathlib import Path

import pytest

from serve_app.base.log_lines import is_console_line
from serve_app.base.logs import JobLog, configure_console, log_path_of, server_event
from tests.wait import wait_until


def words(line: str) -> str:
    """A line of a file without its time."""
    stamp, _, rest = line.partition(" ")
    assert stamp.startswith("timestamp=2") and stamp.endswith("Z")
    return rest


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The console's lines without their times."""
    return [re.sub(r"\] 2\S+Z ", "] ", line) for line in capsys.readouterr().err.splitlines()]


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
    assert shown(capsys) == ['[WARNING] two\\nlines job_id=job-1 views="[1, 2]" text=a\\nb percent="100 %s %d"']


@pytest.mark.parametrize(("level", "events"), [("INFO", ["job succeeded"]), ("DEBUG", ["job accepted", "view rendered", "job succeeded"])])
async def test_of_a_job_that_goes_well_the_console_shows_its_end_alone(
    tmp_path: Path, console: None, capsys: pytest.CaptureFixture[str], level: str, events: list[str]
) -> None:
    configure_console(level)
    log = JobLog(tmp_path / "job-2.log", "job-2", 'a"b=c')
    log.event("info", "job accepted")
    log.event("debug", "view rendered")
    log.end("info", "job succeeded", views=3)
    await log.close()
    last = (tmp_path / "job-2.log").read_text().splitlines()[2]
    assert words(last) == r'level=info event="job succeeded" job_id=job-2 request_id="a\"b=c" views=3'
    lines = shown(capsys)
    assert [line.partition("] ")[2].partition(" job_id")[0] for line in lines] == events
    assert lines[-1] == r'[INFO] job succeeded job_id=job-2 request_id="a\"b=c" views=3'


def test_an_event_of_no_job(console: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure_console("INFO")
    server_event("debug", "not shown")
    server_event("error", "a fault", path="/x", cause="it's 5 %")
    assert shown(capsys) == ['[ERROR] a fault path=/x cause="it\'s 5 %"']


async def test_a_console_for_programs_has_json_lines(tmp_path: Path, console: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure_console("INFO", "json", background=True)
    log = JobLog(tmp_path / "job-3.log", "job-3")
    log.end("info", "job\nsucceeded", seconds=0.5, views=[1, 2], nothing=None)
    await log.close()
    (line,) = wait_until(lambda: capsys.readouterr().err.splitlines(), "the line")
    fields = json.loads(line)
    assert list(fields)[:3] == ["timestamp", "level", "event"] and is_console_line(line)
    del fields["timestamp"]
    assert fields == {
        "level": "info",
        "event": "job\nsucceeded",
        "job_id": "job-3",
        "seconds": 0.5,
        "views": [1, 2],
        "nothing": None,
    }


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


async def test_a_log_that_cannot_be_written_is_told_once_and_the_jobs_end_all_the_same(
    tmp_path: Path, console: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_console("INFO")
    (tmp_path / "bad.log").mkdir()
    log = JobLog(tmp_path / "bad.log", "bad")
    for number in range(3):
        log.event("info", "view rendered", view=number)
        await log.close()
    log.end("info", "job succeeded")
    complaint, end = shown(capsys)
    assert complaint.startswith("[ERROR] job log cannot be written job_id=bad") and 'cause="Is a directory"' in complaint
    assert end == "[INFO] job succeeded job_id=bad"
