"""The page of the console command, from its own help."""

from __future__ import annotations

import argparse
import os
from unittest import mock

from serve_app.cli.parser import make_parser
from tools.reference.markdown import page

_INTRO = """
What `render-server COMMAND --help` prints. [The command line](../command-line.md) says how to work with it.
"""


def command_line() -> str:
    """``reference/command-line.md``."""
    # The width of the terminal and the port of the environment must not stand in the page.
    with mock.patch.dict(os.environ, {"COLUMNS": "120"}):
        os.environ.pop("RENDER_SERVER_PORT", None)
        os.environ.pop("RENDER_SERVER_URL", None)
        return page("Commands", _INTRO, *_commands(make_parser()))


def _commands(parser: argparse.ArgumentParser) -> list[str]:
    parts = []
    for name, command in subcommands(parser).items():
        parts.append(f"## `{name}`\n\n```text\n{command.format_help().strip()}\n```\n")
    return parts


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """By name, those of a parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}
