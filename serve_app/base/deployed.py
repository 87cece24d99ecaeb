"""What an application was given when it was deployed, and whether the node that its ingress runs on stands by it.

Ray starts the ingress wherever it fits, and there it runs with that node's environment and that node's disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings

from serve_app.base.api_key import UnusableKeyError, key_of
from serve_app.base.settings import Settings

SECRETS = frozenset({"api_key", "webhook_secret"})
"""Settings that must not stand in a Serve config: Ray's dashboard shows it, and its logs name it."""

_OF_THE_COMMAND = frozenset({"server_host", "server_port", "metrics_port", "dashboard"})
"""Settings that `render-server up` itself acts on."""

_PATHS = ("data_dir", "log_dir", "input_roots", "output_roots", "api_key_file", "webhook_secret_file")


class MisplacedError(RuntimeError):
    """The ingress was started where it cannot do what the deployment was told. The message says what to do, and shows no key."""


@dataclass(frozen=True)
class Deployed:
    """What travels with the application to its ingress.

    Attributes:
        settings: by their names in ``Settings``, as JSON has them; never a secret.
        placed: whether the Serve config says where the ingress runs.
        api_key_required: whether it must have a key.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    placed: bool = False
    api_key_required: bool = False

    def in_force(self) -> Settings:
        """These settings, and for all others those of this process's environment."""
        return Settings(**self.settings)

    def check_node(self, settings: Settings, *, nodes: int, named: str) -> None:
        """Refuse a node that does not stand by what the deployment was given.

        Args:
            settings: those in force here.
            nodes: of the Ray cluster, those that are alive.
            named: this node, for the message.

        Raises:
            MisplacedError: it does not; the message has every reason.
        """
        wrong = [*_contradictions(self.settings, settings), *self._of_the_place(settings, nodes)]
        try:
            if key_of(settings) is None and self.api_key_required:
                wrong.append(
                    "the deployment was given an API key and there is none here; set RENDER_API_KEY_FILE, in this node's environment of "
                    "`ray start`, or api_key_file in the deployment's settings, to a file of this node that holds it"
                )
        except UnusableKeyError as error:
            wrong.append(str(error))
        if wrong:
            raise MisplacedError(f"the ingress does not start on {named}: " + "; ".join(wrong))

    def _of_the_place(self, settings: Settings, nodes: int) -> list[str]:
        if not self.placed:
            if nodes <= 1:
                return []
            return [
                f"this Ray cluster has {nodes} nodes, and the Serve config does not say which of them holds the data; write "
                "`ingress_resources: {render_data: 0.01}` into its args and start that node with `--resources '{\"render_data\": 1}'`"
            ]
        relative = [
            f"{_variable(name)} ({path}) is a relative path, which each node takes for another folder; make it an absolute one"
            for name in _PATHS
            for path in _paths(getattr(settings, name))
            if not path.expanduser().is_absolute()
        ]
        if not relative and not settings.data_dir.expanduser().is_dir():
            return [
                f"{_variable('data_dir')} is {str(settings.data_dir)!r}, and there is no such folder here; if this node is to hold the "
                "jobs and templates, make it, otherwise give the resource `render_data` to the node that has it and to no other"
            ]
        return relative


def checked_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings from a Serve config.

    Args:
        given: by their names in ``Settings``.

    Returns:
        The same, as JSON has them.

    Raises:
        ValueError: a name or a value is none, or is one that must not stand there.
    """
    for name in given:
        if name in SECRETS:
            raise ValueError(
                f"{name} must not stand in a Serve config: Ray's dashboard shows it; put it into a file, and name that in {name}_file"
            )
        if name not in Settings.model_fields:
            raise ValueError(f"{name!r} is no setting; docs/reference/settings.md has all of them (without RENDER_, in small letters)")
    return _dumped(Settings(**given), set(given))


def settings_of_environment() -> dict[str, Any]:
    """What this process's environment says for an application that is deployed from it, without its secrets."""
    settings = Settings()
    return _dumped(settings, settings.model_fields_set - SECRETS - _OF_THE_COMMAND)


def _contradictions(given: Mapping[str, Any], settings: Settings) -> list[str]:
    """Settings that this process's environment has, too, with other values."""
    here = Settings()
    names = [name for name in given if name in here.model_fields_set and getattr(here, name) != getattr(settings, name)]
    values_here, values = _dumped(here, set(names)), _dumped(settings, set(names))
    return [
        f"{_variable(name)} is {values_here[name]!r} in this node's environment, and the application was deployed with {values[name]!r}; "
        "unset it there, or give both the same value"
        for name in names
    ]


def _dumped(settings: BaseSettings, names: set[str]) -> dict[str, Any]:
    return settings.model_dump(mode="json", include=names)


def _paths(value: Path | list[Path] | None) -> list[Path]:
    return value if isinstance(value, list) else [value] if value else []


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"RENDER_{name.upper()}"
