from __future__ import annotations

from pathlib import Path

import pytest

from render_actor.process.cpu_quota import cpu_quota


@pytest.mark.parametrize(("told", "cores"), [("400000 100000\n", 4.0), ("50000 100000\n", 0.5), ("max 100000\n", None)])
def test_version_two_tells_the_quota_in_one_file(told: str, cores: float | None, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(told)
    assert cpu_quota(tmp_path) == cores


@pytest.mark.parametrize(("told", "cores"), [("200000\n", 2.0), ("-1\n", None)])
def test_version_one_tells_it_in_two(told: str, cores: float | None, tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(told)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert cpu_quota(tmp_path) == cores


def test_a_machine_that_tells_nothing_has_no_limit(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None
