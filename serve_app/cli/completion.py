"""Tells shells what an argument is, where it is no word of ours; see ``shtab``."""

from __future__ import annotations

import argparse

import shtab


def names_file(action: argparse.Action) -> None:
    """Have a shell complete this argument with files."""
    action.complete = shtab.FILE  # type: ignore[attr-defined]


def names_folder(action: argparse.Action) -> None:
    """Have a shell complete this argument with folders."""
    action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
