from __future__ import annotations

import os
import runpy
from pathlib import Path

import pytest
from ray._common.utils import import_attr

from serve_app.base.ray_token import ensure_token, keep_token_private, token_file
from serve_app.base.serve_logs import keep_console_short

ROOT = Path(__file__).parents[4]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_where_ray_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert token_file({}) == tmp_path / ".ray" / "auth_token"
    assert token_file({"RAY_AUTH_TOKEN_PATH": "/a/b"}) == Path("/a/b")
    assert token_file({"RAY_AUTH_TOKEN_PATH": "/a/b", "RAY_AUTH_TOKEN": "x"}) is None


def test_a_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "token"
    ensure_token(path)
    token = path.read_text()
    assert len(token) == 64 and mode(path) == 0o600
    ensure_token(path)
    assert path.read_text() == token


def test_a_token_that_others_may_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("made by Ray")
    path.chmod(0o644)
    keep_token_private(path)
    assert mode(path) == 0o600 and path.read_text() == "made by Ray"
    keep_token_private(tmp_path / "none")


def test_the_set_up_turns_tokens_on_and_statistics_off_and_names_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("RAY_AUTH_MODE", "RAY_USAGE_STATS_ENABLED")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    line = runpy.run_path(str(ROOT / "tools" / "ray_defaults.py"))["LINE"]
    with monkeypatch.context():
        exec(line)
        assert [os.environ.pop(name) for name in names] == ["token", "0"]
        assert import_attr(os.environ["RAY_SERVE_CONTROLLER_CALLBACK_IMPORT_PATH"]) is keep_console_short
    assert "RAY_AUTH_MODE=token" in (ROOT / "Dockerfile").read_text()
