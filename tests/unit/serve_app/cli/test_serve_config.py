"""The Serve config that a command deploys."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from serve_app.app import AppArgs
from serve_app.cli.messages import CommandError
from serve_app.cli.serve_config import Given, adjusted_config, data_folders

ROOT = Path(__file__).parents[4]


def written(folder: Path, args: dict[str, object]) -> Path:
    content = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    content["applications"][0]["args"] = args
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_config_is_changed_only_in_its_address_and_in_what_serve_logs() -> None:
    config = adjusted_config(ROOT / "serve_config.yaml", "127.0.0.1", 9000, Given(), own_ray=True)
    original = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    logging_config = {**original["logging_config"], "log_level": "INFO"}
    assert config == {**original, "http_options": {"host": "127.0.0.1", "port": 9000}, "logging_config": logging_config}


def test_a_missing_config_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--config"):
        adjusted_config(tmp_path / "none.yaml", "127.0.0.1", 9000, Given(), own_ray=True)


def test_what_the_command_was_given_goes_with_the_application(tmp_path: Path) -> None:
    path = written(tmp_path, {"settings": {"data_dir": "/d", "sink": "direct"}, "ingress_resources": {"render_data": 0.01}})
    config = adjusted_config(path, "127.0.0.1", 9000, Given({"data_dir": "/d", "samples": 4}, with_key=True), own_ray=False)
    args = AppArgs.model_validate(config["applications"][0]["args"])
    assert args.settings == {"data_dir": "/d", "sink": "direct", "samples": 4}
    assert args.api_key_required and args.ingress_resources == {"render_data": 0.01}


def test_the_data_folder_is_the_one_in_an_applications_settings_and_else_the_usual_one(tmp_path: Path) -> None:
    usual = Path("/usual")
    assert data_folders(ROOT / "serve_config.yaml", usual) == [usual]
    path = written(tmp_path, {"settings": {"data_dir": "/a"}})
    assert data_folders(path, usual) == [Path("/a")]
    content = yaml.safe_load(path.read_text())
    content["applications"] += [{"args": {}}, {"args": {"settings": {"sink": "direct"}}}, {}]
    path.write_text(yaml.safe_dump(content))
    assert data_folders(path, usual) == [Path("/a"), usual]


def test_a_ray_of_ones_own_needs_no_resource_for_the_ingress(tmp_path: Path) -> None:
    path = written(tmp_path, {"ingress_resources": {"render_data": 0.01}})
    assert adjusted_config(path, "127.0.0.1", 9000, Given(), own_ray=True)["applications"][0]["args"] == {}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"data_dir": "/other"}, r"data_dir is '/other' in the settings of .*config.yaml and '/d' in the environment; say it in one place"),
        ({"dta_dir": "/d"}, "'dta_dir' is no setting"),
        ({"api_key": "secret"}, "Ray's dashboard shows it"),
        ({"samples": 0}, "samples"),
    ],
)
def test_settings_of_a_config_that_cannot_be_used_are_one_clear_error(tmp_path: Path, settings: dict[str, object], told: str) -> None:
    with pytest.raises(CommandError, match=told) as refused:
        adjusted_config(written(tmp_path, {"settings": settings}), "127.0.0.1", 9000, Given({"data_dir": "/d"}), own_ray=True)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [", "cannot be read: .*line 1"), ("- a", "has no list of"), ("", "has no list of"), ("applications: 3", "has no list of")],
)
def test_a_config_that_is_none_says_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(CommandError, match=f"config.yaml {words}.*mend it, or pass --config") as caught:
        adjusted_config(tmp_path / "config.yaml", "127.0.0.1", 9000, Given(), own_ray=True)
    assert "\n" not in str(caught.value)
