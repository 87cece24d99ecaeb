"""What an application was given, and the nodes that do not stand by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.deployed import Deployed, MisplacedError, checked_settings, settings_of_environment


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RENDER_API_KEY", "RENDER_API_KEY_FILE", "RENDER_DATA_DIR", "RENDER_LOG_DIR", "RENDER_OUTPUT_ROOTS", "RENDER_INPUT_ROOTS"):
        monkeypatch.delenv(name, raising=False)


def given(folder: Path, **more: Any) -> dict[str, Any]:
    return {"data_dir": str(folder), "log_dir": str(folder / "logs"), **more}


def refusal(deployed: Deployed, nodes: int = 2) -> str:
    with pytest.raises(MisplacedError, match=r"^the ingress does not start on node 10.0.0.2: ") as refused:
        check(deployed, nodes)
    return str(refused.value)


def check(deployed: Deployed, nodes: int = 2) -> None:
    deployed.check_node(deployed.in_force(), nodes=nodes, named="node 10.0.0.2")


def test_settings_travel_as_json_has_them_and_no_secret_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_OUTPUT_ROOTS", "/a:/b")
    monkeypatch.setenv("BLENDER_PROC_SAMPLES", "4")
    monkeypatch.setenv("RENDER_API_KEY", "secret")
    monkeypatch.setenv("RENDER_SERVER_PORT", "9000")
    travels = settings_of_environment()
    assert travels == {"output_roots": ["/a", "/b"], "samples": 4}
    monkeypatch.delenv("RENDER_OUTPUT_ROOTS")
    monkeypatch.delenv("BLENDER_PROC_SAMPLES")
    settings = Deployed(checked_settings(json.loads(json.dumps(travels)))).in_force()
    assert settings.output_roots == [Path("/a"), Path("/b")] and settings.samples == 4


def test_a_good_node_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "key"
    key.write_text("secret\n")
    monkeypatch.setenv("RENDER_DATA_DIR", str(tmp_path))  # The same as the deployment's.
    check(Deployed(given(tmp_path, api_key_file=str(key)), placed=True, api_key_required=True))


def test_a_single_machine_needs_nothing_said(tmp_path: Path) -> None:
    check(Deployed(), nodes=1)
    check(Deployed(given(tmp_path / "made later")), nodes=1)


def test_several_nodes_need_it_said_where_the_ingress_runs() -> None:
    assert "has 2 nodes, and the Serve config does not say which of them" in refusal(Deployed())


def test_a_node_without_the_data_is_refused(tmp_path: Path) -> None:
    deployed = Deployed(given(tmp_path / "absent"), placed=True)
    for nodes in (1, 2):  # The others of a cluster that starts again come later.
        told = refusal(deployed, nodes)
        assert f"RENDER_DATA_DIR is '{tmp_path / 'absent'}', and there is no such folder here" in told and "render_data" in told


def test_a_relative_path_is_refused_where_nodes_would_take_it_for_different_folders(tmp_path: Path) -> None:
    assert "RENDER_LOG_DIR (logs) is a relative path" in refusal(Deployed({"data_dir": str(tmp_path)}, placed=True))


def test_a_node_whose_environment_says_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_OUTPUT_ROOTS", "/elsewhere")
    monkeypatch.setenv("BLENDER_PROC_SAMPLES", "8")
    told = refusal(Deployed(given(tmp_path, output_roots=["/a"], samples=4), placed=True))
    assert "RENDER_OUTPUT_ROOTS is ['/elsewhere'] in this node's environment, and the application was deployed with ['/a']" in told
    assert "BLENDER_PROC_SAMPLES is 8" in told and "unset it there, or give both the same value" in told


def test_a_node_without_the_key_is_refused_and_the_key_is_never_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "was given an API key and there is none here" in refusal(Deployed(given(tmp_path), placed=True, api_key_required=True))
    absent = Deployed(given(tmp_path, api_key_file=str(tmp_path / "none")), placed=True, api_key_required=True)
    assert "RENDER_API_KEY_FILE" in refusal(absent) and "cannot be read" in refusal(absent)
    monkeypatch.setenv("RENDER_API_KEY", "secret")
    assert "both set" in refusal(absent) and "secret" not in refusal(absent)
