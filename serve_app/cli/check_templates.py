"""``render-server check-templates``: does a folder of templates keep what SAM-6D's consumers rely on?"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.view_quality import ViewQuality
from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.geometry import bounds
from serve_app.cad.parse import parse_cad
from serve_app.cad.size import AskedUnit, unit_used
from serve_app.cad.units import MM_PER_UNIT
from serve_app.cli.completion import names_folder
from serve_app.cli.messages import CommandError, error, info, success, warning
from serve_app.templates.checker.contract import check_contract, template_folder
from serve_app.templates.checker.fidelity import Bounds, Fidelity, compare, compared_views
from serve_app.templates.checker.finding import Finding
from serve_app.templates.checker.manifest import manifest_qualities

_WRONG_USE = 2
_MAX_SHOWN = 20


def add_check_flags(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    allowed = Bounds()
    names_folder(parser.add_argument("directory", metavar="DIR", type=Path, help="a templates folder, or the output_dir that holds it"))
    parser.add_argument("--views", type=_positive, help="how many views there must be (default: as the manifest says, or as are there)")
    parser.add_argument("--cad", type=Path, help="the CAD: xyz must lie inside its bounds")
    parser.add_argument(
        "--unit", choices=("auto", *MM_PER_UNIT), default="auto", help="unit of the CAD, as a request says it (default: %(default)s)"
    )
    parser.add_argument("--reference", type=Path, metavar="DIR", help="templates of the same views, to compare masks and xyz with")
    parser.add_argument("--converged", type=Path, metavar="DIR", help="converged rgb_<i>.png of the same views, to compare images with")
    parser.add_argument("--min-iou", type=float, default=allowed.min_iou, help="of each mask with the reference (default: %(default)s)")
    parser.add_argument("--max-xyz-error", type=float, default=allowed.max_xyz_error, help="99th percentile in mm (default: %(default)s)")
    parser.add_argument("--min-psnr", type=float, default=allowed.min_psnr, help="of the median view, in dB (default: %(default)s)")


def check_templates(arguments: argparse.Namespace) -> None:
    """Print what is wrong; exit code 1 where something is, and 2 where the command cannot be carried out."""
    try:
        folder, findings = _checked(arguments)
    except (OSError, ServiceError, ValueError, KeyError) as failure:
        error(str(failure))
        sys.exit(_WRONG_USE)
    for finding in findings[:_MAX_SHOWN]:
        error(str(finding))
    if findings:
        raise CommandError(f"{folder}: {len(findings)} finding(s)" + (f", {_MAX_SHOWN} shown" if len(findings) > _MAX_SHOWN else ""))
    success(f"{folder} keeps the contract")


def _checked(arguments: argparse.Namespace) -> tuple[Path, list[Finding]]:
    """The folder, and what is wrong with it; templates that break the contract are not compared with others."""
    folder = template_folder(arguments.directory)
    box = _cad_bounds(arguments.cad, arguments.unit) if arguments.cad else None
    reference, converged = _compared(arguments.reference), _compared(arguments.converged)
    findings = check_contract(folder, arguments.views, box)
    _report_qualities(manifest_qualities(folder))
    if findings or (reference is None and converged is None):
        return folder, findings
    fidelity = compare(folder, reference, converged)
    _report(fidelity)
    return folder, fidelity.beyond(Bounds(arguments.min_iou, arguments.max_xyz_error, arguments.min_psnr))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _cad_bounds(cad: Path, unit: AskedUnit) -> NDArray[Any]:
    """(2, 3) lowest and highest corner in mm."""
    limits = CadLimits.from_settings(Settings())
    parsed = parse_cad(cad.read_bytes(), cad.suffix, cad.resolve().parent, limits)
    return np.array(bounds(parsed.mesh.vertices)) * unit_used(parsed.unit, unit).mm


def _compared(directory: Path | None) -> Path | None:
    """The folder to compare with.

    Raises:
        OSError: it is no folder.
        ValueError: it holds no view.
    """
    if directory is None:
        return None
    folder = template_folder(directory)
    if not compared_views(folder):
        raise ValueError(f"{folder} holds no rgb_<i>.png to compare with")
    return folder


def _report_qualities(views: Mapping[int, ViewQuality]) -> None:
    """What the manifest tells of sampling; a bound that was missed is no fault of the folder: the job's warnings named it."""
    if not views:
        return
    samples = [quality.samples for quality in views.values()]
    info(f"samples a pixel: median {statistics.median(samples):g}, most {max(samples)}")
    errors = [quality.estimated_error for quality in views.values() if quality.estimated_error is not None]
    if errors:
        info(f"estimated error: median {statistics.median(errors):.2f}, highest {max(errors):.2f} of 255")
    missed = [
        f"{view} ({quality.estimated_error:g}, bound {quality.error_bound:g})" for view, quality in views.items() if quality.bound_missed
    ]
    if missed:
        more = f" and {len(missed) - _MAX_SHOWN} more" if len(missed) > _MAX_SHOWN else ""
        warning(f"the error is above what the quality promises in views {', '.join(missed[:_MAX_SHOWN])}{more}")


def _report(fidelity: Fidelity) -> None:
    if fidelity.iou:
        info(f"mask IoU: median {statistics.median(fidelity.iou.values()):.4f}, lowest {min(fidelity.iou.values()):.4f}")
    if fidelity.xyz_error:
        info(f"xyz error (99th percentile): highest {max(fidelity.xyz_error.values()):.3f} mm")
    if fidelity.psnr:
        info(f"PSNR: median {statistics.median(fidelity.psnr.values()):.2f}, lowest {min(fidelity.psnr.values()):.2f} dB")
