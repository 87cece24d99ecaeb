"""A folder of templates against its own ``manifest.json``, where there is one."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from render_actor.contract.view_quality import ViewQuality
from serve_app.templates.checker.finding import Finding
from serve_app.templates.views import quality_of

NAME = "manifest.json"
_TEMPLATE = re.compile(r"(?:rgb|mask)_\d+\.png|xyz_\d+\.npy")


def _listed(folder: Path) -> tuple[dict[str, str], dict[int, ViewQuality]]:
    """SHA-256 of each file by name, and what is known of the sampling of each view.

    Raises:
        OSError: there is no manifest.
        ValueError: it is not what the server writes.
    """
    try:
        views = json.loads((folder / NAME).read_bytes())["views"]
        hashes = {str(name): str(file["sha256"]) for view in views for name, file in view["files"].items()}
        qualities = {int(view.get("index", number)): quality_of(view) for number, view in enumerate(views)}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("it does not list the SHA-256 of its views' files") from error
    return hashes, {view: quality for view, quality in qualities.items() if quality is not None}


def manifest_views(folder: Path) -> int | None:
    """How many views the manifest lists; None without one that can be read."""
    try:
        return sum(name.startswith("xyz_") for name in _listed(folder)[0])
    except (OSError, ValueError):
        return None


def manifest_qualities(folder: Path) -> dict[int, ViewQuality]:
    """What the manifest says of the sampling of each view, by index; nothing without a manifest that says it."""
    try:
        return _listed(folder)[1]
    except (OSError, ValueError):
        return {}


def check_manifest(folder: Path) -> list[Finding]:
    """What differs between the manifest and the files; nothing without a manifest."""
    if not (folder / NAME).exists():
        return []
    try:
        listed, _ = _listed(folder)
    except (OSError, ValueError) as error:
        return [Finding(NAME, f"cannot be read: {error}", "nothing tells what the files were made of, or whether they were changed")]
    findings = []
    for name, told in listed.items():
        path = folder / name
        if not path.is_file():
            findings.append(Finding(name, "the manifest lists it, but it is not there", "the folder was changed after it was rendered"))
        elif (found := hashlib.sha256(path.read_bytes()).hexdigest()) != told:
            problem = f"its SHA-256 is {found[:16]}..., the manifest says {told[:16]}..."
            findings.append(Finding(name, problem, "it was changed after it was rendered"))
    unlisted = sorted(path.name for path in folder.iterdir() if path.name not in listed and _TEMPLATE.fullmatch(path.name))
    findings += [Finding(name, "the manifest does not list it", "it is of another rendering") for name in unlisted]
    return findings
