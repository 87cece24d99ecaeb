"""What is told where a kernel or a container lacks a part of the confinement: here a filter refuses the calls for it, as theirs do."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from serve_app.cad.sandbox.trial import missing_protection
from tests.refused_call import LANDLOCK_CREATE_RULESET, SECCOMP_HERE

ROOT = Path(__file__).parents[5]
MISSING = missing_protection()
pytestmark = pytest.mark.skipif(any(gap.startswith("no ") for gap in MISSING), reason=f"some of it is missing here anyway: {MISSING}")

CALLS = [
    (LANDLOCK_CREATE_RULESET, errno.ENOSYS, ("no Landlock", "the kernel has none", "Linux 5.13")),
    (LANDLOCK_CREATE_RULESET, errno.EOPNOTSUPP, ("no Landlock", "switched off", "lsm=")),
    (LANDLOCK_CREATE_RULESET, errno.EPERM, ("no Landlock", "seccomp profile", "landlock_create_ruleset")),
    (SECCOMP_HERE, errno.EPERM, ("no seccomp filter", "could start programs", "seccomp profile")),
    (SECCOMP_HERE, errno.EINVAL, ("no seccomp filter", "could start programs", "CONFIG_SECCOMP_FILTER")),
]


def where_it_is_refused(number: int, error: int, code: str) -> subprocess.CompletedProcess[str]:
    """Python code in a process that a call fails in."""
    program = f"from tests.refused_call import refuse_call\nrefuse_call({number}, {error})\n{code}"
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("number", "error", "words"), CALLS)
def test_what_is_missing_is_told_with_consequence_and_remedy(number: int, error: int, words: tuple[str, ...]) -> None:
    told = where_it_is_refused(
        number, error, "from serve_app.cad.sandbox.trial import missing_protection\nprint(*missing_protection(), sep='\\n')"
    )
    assert told.returncode == 0, told.stderr
    (gap,) = [gap for gap in told.stdout.splitlines() if gap.startswith("no ")]
    assert all(word in gap for word in words), gap


def test_check_warns_of_it_and_passes() -> None:
    code = "import sys\nfrom serve_app.cli.main import main\nsys.argv = ['render-server', 'check']\nmain()"
    checked = where_it_is_refused(LANDLOCK_CREATE_RULESET, errno.EPERM, code)
    assert checked.returncode == 0, checked.stderr
    assert checked.stderr.startswith("[WARNING] no Landlock") and "kernel confines" not in checked.stdout
    well = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "no Landlock" not in well.stderr and ("kernel confines" in well.stdout) == (not MISSING)


def test_a_process_that_cannot_be_confined_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    (told,) = missing_protection()
    assert "cannot be confined" in told and "no CAD can be read" in told
