"""What the command prepares before it starts a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.cli.messages import CommandError
from serve_app.cli.server_process import ServerProcess, adjusted_config

ROOT = Path(__file__).parents[4]


def test_a_token_that_cannot_be_kept_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="set RAY_AUTH_TOKEN_PATH"):
        ServerProcess(ROOT / "serve_config.yaml", "127.0.0.1", 1, environment={"RAY_AUTH_TOKEN_PATH": str(tmp_path / "file" / "token")})


def test_the_config_is_changed_only_in_its_address_and_in_what_serve_logs() -> None:
    config = adjusted_config(ROOT / "serve_config.yaml", "127.0.0.1", 9000)
    assert config["http_options"] == {"host": "127.0.0.1", "port": 9000}
    assert config["applications"][0]["args"]["max_renderers"] == 2
    assert config["logging_config"] == {"enable_access_log": False, "log_level": "INFO"}


def test_a_missing_config_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--config"):
        adjusted_config(tmp_path / "none.yaml", "127.0.0.1", 9000)


@pytest.mark.parametrize(("text", "words"), [("a: [", "cannot be read: .*line 1"), ("- a", "is no mapping"), ("", "is no mapping")])
def test_a_config_that_is_none_says_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(CommandError, match=f"config.yaml {words}.*mend it, or pass --config") as caught:
        adjusted_config(tmp_path / "config.yaml", "127.0.0.1", 9000)
    assert "\n" not in str(caught.value)
