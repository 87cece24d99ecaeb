"""What the command prepares before it starts a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.cli.messages import CommandError
from serve_app.cli.server_process import ServerProcess

ROOT = Path(__file__).parents[4]


def test_a_token_that_cannot_be_kept_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="set RAY_AUTH_TOKEN_PATH"):
        ServerProcess(ROOT / "serve_config.yaml", "127.0.0.1", 1, environment={"RAY_AUTH_TOKEN_PATH": str(tmp_path / "file" / "token")})
