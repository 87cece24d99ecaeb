from __future__ import annotations

import argparse
import socket
from pathlib import Path

import pytest

from serve_app.cli.checks import check_port, free_port, port_is_free
from serve_app.cli.messages import CommandError
from serve_app.cli.render_command import add_option_flags, chosen_options
from serve_app.cli.server_process import adjusted_config

ROOT = Path(__file__).parents[4]


def options(*words: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add_option_flags(parser)
    return chosen_options(parser.parse_args(words))


def test_every_option_has_a_flag_and_only_those_given_are_sent() -> None:
    assert options() == {}
    given = options("--no-normalize", "--samples", "9", "--base-color", "0.5", "--level", "1", "--unit", "m")
    assert given == {"normalize": False, "samples": 9, "base_color": 0.5, "level": 1, "unit": "m"}


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not port_is_free("127.0.0.1", port) and not port_is_free("0.0.0.0", port)
        with pytest.raises(CommandError, match=f"port {port} .* RENDER_SERVER_PORT"):
            check_port("127.0.0.1", port)
    assert port_is_free("127.0.0.1", free_port())


def test_the_config_is_changed_only_in_its_address() -> None:
    config = adjusted_config(ROOT / "serve_config.yaml", "127.0.0.1", 9000)
    assert config["http_options"] == {"host": "127.0.0.1", "port": 9000}
    assert config["applications"][0]["args"]["max_renderers"] == 2


def test_a_missing_config_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--config"):
        adjusted_config(tmp_path / "none.yaml", "127.0.0.1", 9000)
