"""Each finding tells what is wrong and what to do; on this very machine where it can be."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.settings import Settings
from serve_app.cli.doctor import command
from serve_app.cli.doctor.finding import Finding
from serve_app.cli.doctor.machine import gpu, memory, python, sandbox, shared_memory, system_libraries
from serve_app.cli.doctor.places import folders, job_store, key, ports, ray_token
from serve_app.jobs.store import JobStore


def settings(tmp_path: Path, **given: Any) -> Settings:
    own = {"data_dir": tmp_path / "data", "log_dir": tmp_path / "logs", "output_roots": [tmp_path / "out"]}
    return Settings(**{**own, "min_free_bytes": 1, "server_host": "127.0.0.1", **given})


def levels(findings: Iterator[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_this_machine_can_run_the_tests() -> None:
    for look in (python, system_libraries, memory, sandbox):
        assert "error" not in levels(look())


def test_folders_that_are_there_or_can_be_made_are_right(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    found = list(folders(settings(tmp_path)))
    assert [finding.level for finding in found] == ["ok"] * 3
    assert "is not there yet, and" in found[0].text and list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_folders_that_cannot_be_written_are_told_with_their_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = list(folders(settings(tmp_path, data_dir=tmp_path / "file" / "data", output_roots=[tmp_path / "file"])))
    assert [(finding.name, finding.level) for finding in found] == [
        *(("RENDER_DATA_DIR", "error"), ("RENDER_LOG_DIR", "ok"), ("RENDER_OUTPUT_ROOTS", "warning"), ("RENDER_OUTPUT_ROOTS", "error"))
    ]
    assert "set RENDER_DATA_DIR to" in str(found[0])


def test_a_disk_without_room_is_an_error(tmp_path: Path) -> None:
    found = list(folders(settings(tmp_path, min_free_bytes=2**60)))
    assert {finding.level for finding in found} == {"error"} and "lower RENDER_MIN_FREE_BYTES" in found[0].remedy
    assert levels(shared_memory(settings(tmp_path, min_free_bytes=2**60))) == ["error"]


def test_a_taken_port_is_an_error_with_another_one(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        (first, *_) = ports(settings(tmp_path, server_port=port, metrics_port=0))
        assert first.level == "error" and f"RENDER_SERVER_PORT={port + 1}" in first.remedy
    assert levels(ports(settings(tmp_path, server_port=port, metrics_port=0))) == ["ok"]


def test_a_store_in_use_is_no_fault_and_a_damaged_one_is(tmp_path: Path) -> None:
    assert levels(job_store(settings(tmp_path))) == []
    store = JobStore(tmp_path / "data")
    assert levels(job_store(settings(tmp_path))) == ["warning"]
    store.close()
    (tmp_path / "data" / "jobs.sqlite3").write_bytes(b"no database, but long enough to be one" * 100)
    assert levels(job_store(settings(tmp_path))) == ["error"]


def test_no_key_matters_only_where_others_reach_the_server(tmp_path: Path) -> None:
    assert levels(key(settings(tmp_path))) == ["ok"]
    (open_to_all,) = key(settings(tmp_path, server_host="0.0.0.0"))
    assert open_to_all.level == "warning" and "RENDER_API_KEY" in open_to_all.remedy
    (told,) = key(settings(tmp_path, server_host="0.0.0.0", api_key="a secret key"))
    assert told.level == "ok" and "secret" not in told.text
    assert levels(key(settings(tmp_path, api_key_file=tmp_path / "none"))) == ["error"]


@pytest.mark.parametrize(
    ("script", "device", "expected"),
    [
        ("echo 'NVIDIA H200, 570.1, 143771 MiB'", "auto", ("ok", "NVIDIA H200, driver 570.1, 143771 MiB")),
        ("echo 'NVIDIA H200, 570.1, 143771 MiB'; exit 0", "OPTIX", ("ok", "NVIDIA H200")),
        ('echo "couldn\'t communicate with the NVIDIA driver"; exit 9', "auto", ("warning", "couldn't communicate")),
        ("echo broken; exit 9", "OPTIX", ("error", "RENDER_DEVICE is OPTIX")),
    ],
)
def test_gpus_are_told_with_their_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, device: str, expected: tuple[str, str]
) -> None:
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = list(gpu(settings(tmp_path, device=device)))
    assert found[-1].level == expected[0] and expected[1] in found[-1].text


def test_a_token_that_cannot_be_made_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "new" / "token"))
    assert levels(ray_token(settings(tmp_path))) == ["ok"] and not (tmp_path / "new").exists()
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/proc/1/none/token")
    assert levels(ray_token(settings(tmp_path))) == ["error"]


class Asked:
    json = True


def test_one_error_makes_the_exit_code_and_json_is_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = [Finding("a", "ok", "good"), Finding("b", "warning", "so so", "do")]
    monkeypatch.setattr(command, "findings", lambda: iter(found))
    command.doctor(Asked())  # type: ignore[arg-type]
    assert json.loads(capsys.readouterr().out)[1] == {"name": "b", "level": "warning", "text": "so so", "remedy": "do"}
    found.append(Finding("c", "error", "bad"))
    with pytest.raises(SystemExit) as ended:
        command.doctor(Asked())  # type: ignore[arg-type]
    assert ended.value.code == 1


def test_a_wrong_setting_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_SERVER_PORT", "nine")
    assert next(finding for finding in command.findings() if finding.name == "settings").level == "error"
