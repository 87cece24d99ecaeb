from __future__ import annotations

import subprocess
import sys

import pytest

from serve_app.cli import main as main_module
from serve_app.cli.checks import free_port
from serve_app.cli.parser import make_parser


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_every_command_is_completed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = make_parser().parse_args(["completion", shell])
    arguments.run(arguments)
    script = capsys.readouterr().out
    assert all(name in script for name in ("render", "check-templates", "doctor", "top", "resolution"))
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["render", "none.stl", "out"], 2, "none.stl cannot be read"),
        (["render", "a.stl"], 2, "-o DIR"),
        (["jobs", "--server", "http://127.0.0.1:{port}"], 3, "no server answers"),
        (["status", "--server", "http://127.0.0.1:{port}"], 3, "no server answers"),
        (["smoke", "--url", "http://127.0.0.1:{port}"], 1, "no server answers"),
        (["sheet", "/nowhere"], 1, "is no folder"),
        (["sheet", "/tmp", "--size", "1"], 1, "--size 8 to 2048"),
    ],
)
def test_a_failure_is_one_line_and_an_exit_code(
    words: list[str], code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["render-server", *(word.format(port=free_port()) for word in words)])
    monkeypatch.delenv("RENDER_SERVER_URL", raising=False)
    with pytest.raises(SystemExit) as ended:
        main_module.main()
    lines = capsys.readouterr().err.splitlines()
    assert ended.value.code == code and len(lines) == 1 and lines[0].startswith("[ERROR] ") and told in lines[0]


def test_the_address_of_a_server_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_SERVER_URL", "https://render.example")
    assert make_parser().parse_args(["jobs"]).url == "https://render.example"
    monkeypatch.delenv("RENDER_SERVER_URL")
    monkeypatch.setenv("RENDER_SERVER_PORT", "9000")
    assert make_parser().parse_args(["jobs"]).url == "http://127.0.0.1:9000"
