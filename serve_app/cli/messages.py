"""What the command line prints: ``[INFO]``, ``[SUCCESS]``, ``[WARNING]`` and ``[ERROR]`` lines."""

from __future__ import annotations

import sys


class CommandError(Exception):
    """Ends a command with one ``[ERROR]`` line and exit code 1."""


def info(text: str) -> None:
    """Print an ``[INFO]`` line."""
    print(f"[INFO] {text}", flush=True)


def success(text: str) -> None:
    """Print a ``[SUCCESS]`` line."""
    print(f"[SUCCESS] {text}", flush=True)


def warning(text: str) -> None:
    """Print a ``[WARNING]`` line to standard error."""
    print(f"[WARNING] {text}", file=sys.stderr, flush=True)


def error(text: str) -> None:
    """Print an ``[ERROR]`` line to standard error."""
    print(f"[ERROR] {text}", file=sys.stderr, flush=True)
