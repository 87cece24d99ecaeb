"""The Serve config that a command deploys: the file's, with the command's address and what the command was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from serve_app.base.bundled import config_path
from serve_app.base.deployed import checked_settings
from serve_app.cli.messages import CommandError


@dataclass(frozen=True)
class Given:
    """What goes from the deploying command with the application.

    Attributes:
        settings: by their names in ``Settings``; never a secret.
        with_key: whether the command has an API key, so that the ingress must have one.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    with_key: bool = False


def adjusted_config(config: Path, host: str, port: int, given: Given, *, own_ray: bool) -> dict[str, Any]:
    """A Serve config with another address to listen on, what the command was given, and all that Serve has to say.

    What matters of the latter the console shows: ``console_sieve``.

    Args:
        config: to begin with.
        host: address to listen on.
        port: port to listen on.
        given: goes into the application's args.
        own_ray: whether it is for a Ray of one node, which holds the data whatever its resources are.

    Raises:
        CommandError: there is no such config, its settings are none, or it says something else than ``given``.
    """
    content = _content(config)
    content["http_options"] = {**(content.get("http_options") or {}), "host": host, "port": port}
    content["logging_config"] = {**(content.get("logging_config") or {}), "log_level": "INFO"}
    for application in content["applications"]:
        args: dict[str, Any] = application.setdefault("args", {})
        settings = _merged(config, _settings(config, application), given.settings)
        if settings:
            args["settings"] = settings
        if given.with_key:
            args["api_key_required"] = True
        if own_ray:
            args.pop("ingress_resources", None)
    return content


def data_folders(config: Path, usual: Path) -> list[Path]:
    """Where the applications of a Serve config keep their jobs, each folder once.

    Args:
        config: may name ``data_dir`` in the settings of an application.
        usual: of those for which it does not.

    Raises:
        CommandError: there is no such config, or its settings are none.
    """
    named = [_settings(config, application).get("data_dir") for application in _content(config)["applications"]]
    return list(dict.fromkeys(Path(folder) if folder else usual for folder in named))


def _content(config: Path) -> dict[str, Any]:
    try:
        content: Any = yaml.safe_load(config_path(config).read_text())
    except FileNotFoundError as error:
        raise CommandError(f"there is no Serve config at {config}; pass --config, or leave it out for the package's own") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise CommandError(f"the Serve config {config} cannot be read: {reason}; mend it, or pass --config") from error
    if not isinstance(content, dict) or not isinstance(content.get("applications"), list):
        raise CommandError(f"the Serve config {config} has no list of `applications`; mend it, or pass --config")
    return dict(content)


def _settings(config: Path, application: dict[str, Any]) -> dict[str, Any]:
    try:
        return checked_settings((application.get("args") or {}).get("settings") or {})
    except ValueError as error:
        raise CommandError(f"the settings of {config} cannot be used: {error}") from error


def _merged(config: Path, checked: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    for name, value in checked.items():
        if name in given and given[name] != value:
            raise CommandError(
                f"{name} is {value!r} in the settings of {config} and {given[name]!r} in the environment; say it in one place"
            )
    return checked | given
