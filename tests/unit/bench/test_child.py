from __future__ import annotations

from pathlib import Path

import pytest

from bench.child import EndedError, answers


def asked(folder: Path, ends: int) -> list[dict[str, str]]:
    times = folder / "times"
    times.write_text(str(ends))
    return answers("tests.unit.bench.ends_early", times, folder / "output", 0, 64, ["a", "b", "c"])


@pytest.mark.parametrize("ends", [0, 1])
def test_a_process_that_crashes_once_is_asked_again_from_the_start(ends: int, tmp_path: Path) -> None:
    assert asked(tmp_path, ends) == [{"line": line} for line in "abc"]


def test_one_that_crashes_again_is_an_error_with_its_exit_code(tmp_path: Path) -> None:
    with pytest.raises(EndedError, match="exit code -6"):
        asked(tmp_path, 2)
