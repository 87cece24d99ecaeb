"""The audit of the fault tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.fault_server import check_templates


def test_the_audit_itself_can_fail(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"job_id": "a", "views": [{"index": 0, "files": {"rgb_0.png": {"sha256": "0"}}}]}')
    (folder / "rgb_0.png").write_bytes(b"x")
    with pytest.raises(AssertionError, match=r"rgb_0.png: its SHA-256 is .* the manifest says 0"):
        check_templates(folder, "a", 1)
