"""`docker compose` hands a container only the variables that `compose.yaml` names."""

from __future__ import annotations

from pathlib import Path

import yaml

from serve_app.base.settings import Settings

ROOT = Path(__file__).parents[2]
OF_THE_IMAGE = {"RENDER_SERVER_HOST", "RENDER_SERVER_PORT", "RENDER_DATA_DIR", "RENDER_LOG_DIR"}
"""What a value must be given for: Compose removes a variable of the image that is named without one and not set outside."""


def test_every_setting_is_passed_on_and_none_is_made_up() -> None:
    prefix = Settings.model_config["env_prefix"]
    settings = {str(field.validation_alias or f"{prefix}{name}".upper()) for name, field in Settings.model_fields.items()}
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["render-server"]
    assert set(service["environment"]) == settings
    for name, value in service["environment"].items():
        if name in OF_THE_IMAGE:
            assert value.startswith(f"${{{name}:-") and value.endswith("}")
        else:
            assert value is None, f"the default of {name} stands in settings.py alone"
    image = (ROOT / "Dockerfile").read_text()
    for name in ("RENDER_DATA_DIR", "RENDER_LOG_DIR"):
        assert f"{name}={service['environment'][name].partition(':-')[2].removesuffix('}')}" in image
    assert not [name for name in settings - OF_THE_IMAGE if f" {name}=" in image]
