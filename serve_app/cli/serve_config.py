"""The Serve config that a command deploys: the file's, with the command's address and what the command was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

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
    """A Serve config with another address to listen on, and what the command was given.

    Args:
        config: to begin with.
        host: address to listen on.
        port: port to listen on.
        given: goes into the application's args.
        own_ray: whether it is for a Ray of one node, which holds the data whatever its resources are.

    Raises:
        CommandError: there is no such config, its settings are none, or it says something else than ``given``.
    """
    try:
        content: dict[str, Any] = yaml.safe_load(config.read_text())
    except FileNotFoundError as error:
        raise CommandError(f"there is no Serve config at {config}; run this in the project's folder, or pass --config") from error
    content["http_options"] = {**content.get("http_options", {}), "host": host, "port": port}
    for application in content["applications"]:
        args: dict[str, Any] = application.setdefault("args", {})
        settings = _merged(config, args.get("settings") or {}, given.settings)
        if settings:
            args["settings"] = settings
        if given.with_key:
            args["api_key_required"] = True
        if own_ray:
            args.pop("ingress_resources", None)
    return content


def _merged(config: Path, settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    try:
        checked = checked_settings(settings)
    except ValueError as error:
        raise CommandError(f"the settings of {config} cannot be used: {error}") from error
    for name, value in checked.items():
        if name in given and given[name] != value:
            raise CommandError(
                f"{name} is {value!r} in the settings of {config} and {given[name]!r} in the environment; say it in one place"
            )
    return checked | given
