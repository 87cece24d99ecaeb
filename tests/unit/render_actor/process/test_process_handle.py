from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from render_actor.process.process_handle import ProcessHandle


def test_a_process_is_killed_by_its_handle_and_never_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the time of the kill its number may be another process's."""
    with subprocess.Popen(["sleep", "60"]) as child:
        handle = ProcessHandle(child.pid)
        os.kill(child.pid, signal.SIGSTOP)
        assert not handle.wait_for_end(0)
        monkeypatch.setattr(os, "kill", lambda pid, number: pytest.fail(f"{pid} was killed by its number"))
        handle.kill()
        assert handle.wait_for_end(10)
        assert child.wait() == -signal.SIGKILL
    handle.kill()
    late = ProcessHandle(child.pid)
    late.kill()
    assert handle.wait_for_end(0) and late.wait_for_end(None)


def test_a_process_ends_with_its_owner() -> None:
    code = (
        "import sys, time\nfrom render_actor.process.process_handle import end_with\nend_with(int(sys.argv[1]))\nprint(flush=True)\n"
        "time.sleep(60)"
    )
    with (
        subprocess.Popen(["sleep", "60"]) as owner,
        subprocess.Popen([sys.executable, "-c", code, str(owner.pid)], stdout=subprocess.PIPE) as child,
    ):
        assert child.stdout is not None and child.stdout.readline()
        owner.kill()
        assert child.wait(60) == -signal.SIGKILL
