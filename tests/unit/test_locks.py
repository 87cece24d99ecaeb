"""Both locks hold the same pins; the one of the image has what the server needs, and nothing of the tests."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """By package: its version with markers, and its hashes."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for line in text.splitlines():
        package, _, rest = line.partition("==")
        version, *hashes = re.split(r"\s+--hash=", rest)
        found[canonicalize_name(package)] = (version.strip(), frozenset(hash_.strip() for hash_ in hashes))
    return found


ALL, PRODUCTION = pins("requirements.lock"), pins("requirements.production.lock")


def needed(wanted: list[str]) -> set[str]:
    """Packages that these requirements bring here, as the installed ones declare it."""
    found: set[str] = set()
    waiting = [(Requirement(text), "") for text in wanted]
    seen = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for asked in ("", *requirement.extras):
            if (name, asked) in seen:
                continue
            seen.add((name, asked))
            try:
                waiting += [(Requirement(text), asked) for text in requires(name) or []]
            except PackageNotFoundError:  # The test below says that it lacks.
                continue
        found.add(name)
    return found


def test_every_pin_of_the_image_is_one_that_the_tests_run_with() -> None:
    assert PRODUCTION and {name: ALL.get(name) for name in PRODUCTION} == PRODUCTION
    assert all(hashes for _, hashes in PRODUCTION.values())


def test_the_image_has_what_the_server_needs_and_no_more() -> None:
    assert set(PRODUCTION) == needed(PROJECT["dependencies"])


def test_the_tests_have_what_they_need() -> None:
    assert needed(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]) <= set(ALL)
    assert {"pytest", "mypy", "playwright"} <= set(ALL) - set(PRODUCTION)


def test_no_lock_names_where_packages_come_from() -> None:
    for name in ("requirements.lock", "requirements.production.lock"):
        assert "://" not in (ROOT / name).read_text() and "--index" not in (ROOT / name).read_text()


def test_the_image_installs_the_lock_without_the_tests() -> None:
    installed = re.findall(r"--require-hashes -r (\S+)", (ROOT / "Dockerfile").read_text())
    assert installed == ["requirements.production.lock"]
    assert "!requirements.production.lock" in (ROOT / ".dockerignore").read_text().split()
