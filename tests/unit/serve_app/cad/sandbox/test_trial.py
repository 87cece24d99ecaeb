"""What is told where a kernel or a container lacks a part of the confinement: here a filter refuses the calls for it, as theirs do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from serve_app.cad.sandbox.trial import missing_protection

ROOT = Path(__file__).parents[5]
LANDLOCK, SECCOMP = 444, "SECCOMP[column]"

REFUSING = """
import ctypes, os, struct, sys
from serve_app.cad.sandbox.kernel import set_no_new_privileges, system_call
from serve_app.cad.sandbox.seccomp import MACHINES
from serve_app.cad.sandbox.system_calls import SECCOMP
from serve_app.cad.sandbox.trial import missing_protection
column = MACHINES[os.uname().machine][0]
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, {number}), (0x06, 0, 0, 0x50000 + {error}), (0x06, 0, 0, 0x7FFF0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
set_no_new_privileges()
system_call(SECCOMP[column], 1, 0, struct.pack("@HP", len(steps), ctypes.addressof(program)))
print(*missing_protection(), sep="\\n")
"""


def told_where_a_call_fails(number: int | str, error: int) -> list[str]:
    code = REFUSING.format(number=number, error=error)
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@pytest.fixture(autouse=True)
def seccomp() -> None:
    if any("seccomp" in gap for gap in missing_protection()):
        pytest.skip("no filter can be set here")


@pytest.mark.parametrize(
    ("number", "error", "words"),
    [
        (LANDLOCK, 38, ("no Landlock", "the kernel has none", "Linux 5.13")),
        (LANDLOCK, 95, ("no Landlock", "switched off", "lsm=")),
        (LANDLOCK, 1, ("no Landlock", "seccomp profile", "landlock_create_ruleset")),
        (SECCOMP, 1, ("no seccomp filter", "could start programs", "seccomp profile")),
        (SECCOMP, 22, ("no seccomp filter", "could start programs", "CONFIG_SECCOMP_FILTER")),
    ],
)
def test_what_is_missing_is_told_with_consequence_and_remedy(number: int | str, error: int, words: tuple[str, ...]) -> None:
    others = [gap.split(":")[0] for gap in missing_protection()]
    told = [gap for gap in told_where_a_call_fails(number, error) if gap.split(":")[0] not in others]
    if told:
        assert len(told) == 1 and all(word in told[0] for word in words), told
    else:
        assert any(words[0] in gap for gap in others)  # It is missing here anyway.


def test_a_process_that_cannot_be_confined_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    (told,) = missing_protection()
    assert "cannot be confined" in told and "no CAD can be read" in told
