"""The parts of a renderer's process that need no Blender."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError

from render_actor.blender.actor import _failure_of
from render_actor.process.cpu_affinity import CoreClaim
from render_actor.process.output_capture import captured_output
from render_actor.process.process_handle import ProcessHandle
from render_actor.process.public_message import in_short
from render_actor.worker.worker import _lost


def test_two_renderers_never_share_a_core(tmp_path: Path) -> None:
    count = len(os.sched_getaffinity(0))
    claims = [CoreClaim(1, tmp_path) for _ in range(count)]
    assert sorted(core for claim in claims for core in claim.cores) == sorted(os.sched_getaffinity(0))
    late = CoreClaim(1, tmp_path)
    assert late.cores == ()
    claims[0].release()
    assert len(CoreClaim(1, tmp_path).cores) == 1


def test_a_claim_is_all_or_nothing(tmp_path: Path) -> None:
    count = len(os.sched_getaffinity(0))
    assert CoreClaim(count + 1, tmp_path).cores == ()
    assert len(CoreClaim(count, tmp_path).cores) == count


def test_output_written_by_c_and_by_children_is_caught() -> None:
    code = (
        "import os\nfrom render_actor.process.output_capture import captured_output\nprint('before')\n"
        "with captured_output() as output:\n os.write(1, b'Fra:1 progress\\nSaved: x\\nfrom C\\n'); os.system('echo child >&2')\n"
        "print(repr(output.text))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "before\n'from C\\nchild'\n"


def test_output_is_given_back_after_an_error() -> None:
    before = os.fstat(1).st_ino
    try:
        with captured_output():
            raise ValueError
    except ValueError:
        pass
    assert os.fstat(1).st_ino == before


def test_a_blender_that_will_not_start_says_why() -> None:
    code = (
        "import os, sys; sys.modules['bpy'] = None\n"
        "from render_actor.blender.actor import BlenderActor\nfrom render_actor.contract.types import RendererOptions\n"
        "print(BlenderActor('r', RendererOptions(), os.getpid()).warm_up().message)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.startswith("Failed to initialize BlenderProc: ") and "bpy" in printed


def test_failures_keep_the_words_users_know() -> None:
    assert _failure_of(MemoryError()).message.startswith("Out of memory during rendering")
    assert _failure_of(RuntimeError("System is out of memory")).code == "out_of_memory"
    assert _failure_of(RuntimeError("something else")).code == "render_failed"


@pytest.mark.parametrize("error", [MemoryError("at /srv/a b/c.py"), RuntimeError("/srv/x.blend: line 3\n/srv/y"), ValueError()])
def test_a_failure_names_nothing_of_the_machine_but_in_the_log(error: Exception) -> None:
    failure = _failure_of(error)
    assert "/" not in failure.message and type(error).__name__ in failure.cause and str(error) in failure.cause
    lost = _lost(RayTaskError("BlenderActor.render()", "Traceback: /srv/x.py", error, pid=4242, ip="10.1.2.3"))
    assert not re.search(r"/|4242|10\.1", lost.message) and "/srv/x.py" in lost.cause and lost.worth_retrying


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("", "ValueError"),
        ("\n first\nsecond", "ValueError: first"),
        ("libSM.so.6: cannot open shared object file", "ValueError: libSM.so.6: cannot open shared object file"),
        ("/opt/venv/lib/bpy.so: no", "ValueError: bpy.so: no"),
        ("cannot load '/opt/my things/x.so' (../y/z)", "ValueError: cannot load 'my x.so' (z)"),
        ("x" * 1_000_000, "ValueError: " + "x" * 500),
    ],
)
def test_what_a_client_may_read_of_an_exception(message: str, shown: str) -> None:
    assert in_short(ValueError(message)) == shown


def test_a_dead_renderer_is_worth_another_try_and_one_out_of_memory_is_not() -> None:
    assert _lost(RayActorError()).worth_retrying
    killed = _lost(OutOfMemoryError("Task was killed due to the node running low on memory: memory usage 0.95"))
    assert killed.code == "out_of_memory" and killed.message.startswith("Out of memory during rendering")


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
        assert child.wait(10) == -signal.SIGKILL
