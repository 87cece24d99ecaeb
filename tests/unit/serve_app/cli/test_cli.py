from __future__ import annotations

import argparse
import socket
from pathlib import Path

import pytest

from serve_app.base.logs import configure_console
from serve_app.cli.checks import check_data_folder, check_port, check_ray, free_port, port_is_free
from serve_app.cli.job_report import report
from serve_app.cli.messages import CommandError
from serve_app.cli.options import add_option_flags, chosen_options
from serve_app.cli.up import metrics_port
from serve_app.jobs.store import JobStore


def options(*words: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add_option_flags(parser)
    return chosen_options(parser.parse_args(words))


def test_every_option_has_a_flag_and_only_those_given_are_sent() -> None:
    assert options() == {}
    given = options("--no-normalize", "--samples", "9", "--base-color", "0.5", "--level", "1", "--unit", "m")
    assert given == {"normalize": False, "samples": 9, "base_color": 0.5, "level": 1, "unit": "m"}
    assert options("--outputs", "depth", "--outputs", "poses", "--parts", "bolt, big") == {
        "outputs": ["depth", "poses"],
        "parts": ["bolt, big"],
    }
    assert options("--camera", '{"crop": {"size": 64}}') == {"camera": {"crop": {"size": 64}}}


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


def test_a_ray_that_is_not_there_is_one_clear_line() -> None:
    port = free_port()
    with pytest.raises(CommandError, match=rf"--address 127.0.0.1:{port}: no Ray answers there .*ray start --head"):
        check_ray(f"127.0.0.1:{port}")
    with pytest.raises(CommandError, match=r"--address nowhere\.invalid:6379: no Ray answers"):
        check_ray("nowhere.invalid:6379")
    with pytest.raises(CommandError, match="no Ray answers"):
        check_ray("127.0.0.1:99999")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        check_ray(f"127.0.0.1:{listener.getsockname()[1]}")
    for other in ("auto", "local", "ray://head:10001"):
        check_ray(other)


def test_a_data_folder_that_no_server_could_use_is_one_clear_line(tmp_path: Path) -> None:
    check_data_folder(tmp_path / "new")
    store = JobStore(tmp_path / "used")
    with pytest.raises(CommandError, match=r"another server uses .*used; stop it, or set RENDER_DATA_DIR"):
        check_data_folder(tmp_path / "used")
    store.close()
    check_data_folder(tmp_path / "used")
    (tmp_path / "used" / "jobs.sqlite3").write_bytes(b"no database, but long enough to be one" * 100)
    with pytest.raises(CommandError, match=r"is damaged or cannot be used .*move jobs\.sqlite3"):
        check_data_folder(tmp_path / "used")
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"RENDER_DATA_DIR \(.*file/x\) cannot be used: Not a directory"):
        check_data_folder(tmp_path / "file" / "x")


def test_looking_at_a_data_folder_changes_nothing_in_it(tmp_path: Path) -> None:
    JobStore(tmp_path).close()
    content = (tmp_path / "jobs.sqlite3").read_bytes()
    check_data_folder(tmp_path)
    assert (tmp_path / "jobs.sqlite3").read_bytes() == content


JOB = {"job_id": "a-b", "warnings": [], "log_path": "/logs/a-b.log", "templates_dir": "/out/templates"}


def test_a_job_that_succeeded_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    report({**JOB, "status": "succeeded", "templates_generated": 42, "processing_time": 1.234, "warnings": ["it looks like metres"]})
    assert capsys.readouterr().out.splitlines() == [
        "[INFO] warning: it looks like metres",
        "[SUCCESS] 42 templates in 1.2 s: /out/templates",
    ]


@pytest.mark.parametrize(
    ("job", "words"),
    [({"status": "failed", "error_message": "the CAD is empty"}, "the CAD is empty"), ({"status": "timeout"}, "render-server jobs a-b")],
)
def test_one_that_did_not_is_an_error_that_names_its_log(job: dict[str, object], words: str) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        report({**JOB, **job})
    assert "/logs/a-b.log" in str(caught.value)


def test_metrics_go_to_another_port_where_theirs_is_taken(console: None, capsys: pytest.CaptureFixture[str]) -> None:
    configure_console("INFO")
    free = free_port()
    assert metrics_port(free, 8004) == free and metrics_port(0, 8004) == 0
    assert capsys.readouterr().err == ""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        other = metrics_port(taken, 8004)
        assert other not in (taken, 0)
        assert f"port {taken} for metrics is taken" in capsys.readouterr().err
    assert metrics_port(8004, 8004) != 8004
    assert "RENDER_METRICS_PORT" in capsys.readouterr().err
    with pytest.raises(CommandError, match="--metrics-port 70000"):
        metrics_port(70000, 8004)
