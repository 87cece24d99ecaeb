"""The whole contract of a folder of templates: its names, each view, its manifest."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from render_actor.contract.view_files import file_names
from serve_app.templates.checker.finding import Finding
from serve_app.templates.checker.manifest import check_manifest, manifest_views
from serve_app.templates.checker.view import check_view

_TEMPLATE = re.compile(r"(?:(?:rgb|mask)_(0|[1-9]\d{0,5})\.png|xyz_(0|[1-9]\d{0,5})\.npy)")
_RESEMBLES_TEMPLATE = re.compile(r"(?:rgb|mask|xyz)_", re.IGNORECASE)


def template_folder(directory: Path) -> Path:
    """The folder that holds the files: ``directory`` itself, or its subfolder ``templates`` where there is one.

    Raises:
        NotADirectoryError: ``directory`` is not a folder.
    """
    if not directory.is_dir():
        raise NotADirectoryError(f"{directory} is not a folder")
    subfolder = directory / "templates"
    return subfolder if subfolder.is_dir() else directory


def check_contract(folder: Path, views: int | None = None, bounds: NDArray[Any] | None = None) -> list[Finding]:
    """Check every file of a folder.

    Args:
        folder: holds ``rgb_<i>.png``, ``mask_<i>.png`` and ``xyz_<i>.npy``.
        views: how many views there must be; None for as many as the manifest lists or, without one, as there are.
        bounds: (2, 3) lowest and highest corner of the CAD in mm; None to leave xyz unchecked against it.

    Returns:
        What is wrong; empty when the contract holds.
    """
    names = set(os.listdir(folder))
    indices = {int(found[1] or found[2]) for found in map(_TEMPLATE.fullmatch, names) if found}
    count = views or manifest_views(folder) or len(indices)
    if count == 0:
        return [Finding(folder.name, "it holds no rgb_<i>.png, mask_<i>.png and xyz_<i>.npy", "ISM finds 0 templates")]
    findings = _check_names(names, count)
    sizes: dict[tuple[int, ...], str] = {}
    for index in range(count):
        if names.issuperset(file_names(index)):
            findings += check_view(folder, index, bounds, sizes)
    if len(sizes) > 1:
        seen = ", ".join(f"{name} is {' x '.join(map(str, size))}" for size, name in sizes.items())
        findings.append(Finding(folder.name, f"the files differ in size: {seen}", "ISM stacks all views into one tensor and stops"))
    return findings + check_manifest(folder)


def _check_names(names: set[str], count: int) -> list[Finding]:
    """Every file of the views 0 to ``count`` - 1 is there, and nothing beside them that a consumer takes for a template."""
    expected = {name for index in range(count) for name in file_names(index)}
    findings = [
        Finding(name, f"missing; there must be {count} views", "ISM opens every index from 0 on and stops at this one")
        for name in sorted(expected - names, key=_by_index)
    ]
    for name in sorted(names - expected, key=_by_index):
        if _TEMPLATE.fullmatch(name):
            findings.append(Finding(name, f"its index is not below {count}, the number of views", "ISM numbers the views without a gap"))
        elif name.lower().endswith(".npy"):
            findings.append(Finding(name, "ends in .npy, but is no template", "ISM counts *.npy as templates: one too many"))
        elif _RESEMBLES_TEMPLATE.match(name):
            findings.append(Finding(name, "is named like a template, but is none", "a consumer that lists the folder takes it for one"))
    return findings


def _by_index(name: str) -> tuple[int, str]:
    number = re.search(r"\d+", name)
    return int(number[0]) if number else -1, name
