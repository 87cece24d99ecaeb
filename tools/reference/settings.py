"""The page of settings: the environment's, and the arguments in a Serve config."""

from __future__ import annotations

from pydantic.fields import FieldInfo

from serve_app.app import AppArgs
from serve_app.base.settings import Settings
from tools.reference.markdown import cell, page, table
from tools.reference.values import bounds_of, default_of, kind_of

_INTRO = """
Settings come from environment variables; a value that is wrong stops the start with one line that names it. In a Serve config the
same settings may stand in `args.settings`, by their names without `RENDER_` and in small letters. How many renderers there are and
what each gets stands in the `args` of a Serve config. [Configuration](../configuration.md) says how the two work together.
"""

_DEFAULTS = {
    "RENDER_INPUT_ROOTS": "start folder, `/workspace`",
    "RENDER_OUTPUT_ROOTS": "`output` in the start folder, `/workspace`",
}


def settings() -> str:
    """``reference/settings.md``."""
    environment = [_row(_variable(name, field), field) for name, field in Settings.model_fields.items()]
    arguments = [_row(name, field) for name, field in AppArgs.model_fields.items()]
    return page(
        "Settings",
        _INTRO,
        "## Environment variables",
        table(("variable", "default", "takes", "meaning"), environment),
        "## `args` of a Serve config",
        table(("argument", "default", "takes", "meaning"), arguments),
    )


def _variable(name: str, field: FieldInfo) -> str:
    return str(field.validation_alias or f"{Settings.model_config['env_prefix']}{name}").upper()


def _row(name: str, field: FieldInfo) -> list[str]:
    takes = ", ".join(part for part in (kind_of(field.annotation), bounds_of(name.lower(), field)) if part)
    return [f"`{name}`", _DEFAULTS.get(name) or default_of(name.lower(), field) or "none", cell(takes), cell(field.description)]
