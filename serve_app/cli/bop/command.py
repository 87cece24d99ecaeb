"""``render-server bop``: a dataset in one command."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from serve_app.cli.bop.models import models_in
from serve_app.cli.bop.order import orders_of
from serve_app.cli.bop.report import as_json, failed, print_table
from serve_app.cli.bop.watches import watch_for
from serve_app.cli.bop.work import Work
from serve_app.cli.client import Client, NoServerError, RefusedError
from serve_app.cli.exit_codes import DONE, FAILED, INTERRUPTED, NO_SERVER, WRONG_USE, UsageError
from serve_app.cli.messages import error, info, success
from serve_app.cli.options import add_option_flags, chosen_options
from serve_app.templates.layouts.registry import LAYOUTS

_TOLD_HERE = ("layout", "object_id", "dataset", "priority", "templates_subfolder")
"""Options of a request that this command decides itself."""

EXIT_CODES = (
    "exit codes: 0 every object is published; 1 some failed, and the table says why; 2 wrong use: no CADs, two of one id, an option that "
    "does not fit; 3 no server answers, or it does not let this client in; 130 interrupted. Jobs that have begun go on at the server, "
    "whatever becomes of this command: the same command again follows them, and leaves what is there."
)


def add_bop_flags(parser: argparse.ArgumentParser, default_url: str) -> None:
    """The command's arguments."""
    parser.epilog = EXIT_CODES
    parser.add_argument("models", metavar="MODELS_DIR", type=Path, help="folder of obj_<number>.ply and models_info.json, or of other CADs")
    parser.add_argument("--layout", required=True, choices=sorted(LAYOUTS), help="which pipeline the files are for")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", type=Path, help="folder of the dataset, as the server sees it")
    parser.add_argument("--dataset", help="name of the dataset, for layouts whose documents have it (default: the name of DIR)")
    parser.add_argument(
        "--distance-diameters",
        metavar="N",
        type=float,
        help="cameras are N diameters away from each object, by models_info.json or as the server measures it (default: the layout's)",
    )
    parser.add_argument("--again", action="store_true", help="render everything anew, whatever is there")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end; lines of progress go to standard error")
    parser.add_argument("--server", "--url", dest="url", metavar="URL", default=default_url, help="the server (default: %(default)s)")
    add_option_flags(parser, without=_TOLD_HERE)


def bop(arguments: argparse.Namespace) -> None:
    """Render a dataset; ends the process with one of ``EXIT_CODES``."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: argparse.Namespace) -> int:
    work: Work | None = None
    try:
        work = _work(arguments)
        with watch_for(work.outcomes, _to_stderr if arguments.json else info, bars=not arguments.json) as watch:
            work.run(watch)
    except UsageError as failure:
        error(str(failure))
        return WRONG_USE
    except (NoServerError, RefusedError) as failure:
        error(str(failure) + _goes_on(work))
        return NO_SERVER
    except KeyboardInterrupt:
        error("interrupted" + _goes_on(work))
        return INTERRUPTED
    return _reported(arguments, work)


def _work(arguments: argparse.Namespace) -> Work:
    layout = LAYOUTS[arguments.layout]
    output = arguments.output.expanduser().absolute()
    models = models_in(arguments.models.expanduser())
    if arguments.distance_diameters is not None and not 0 < arguments.distance_diameters < 1e6:
        raise UsageError(f"--distance-diameters must be above 0, got {arguments.distance_diameters:g}")
    client = Client(arguments.url)
    version = client.get("/api/v1/status")["version"]
    orders = orders_of(models, layout, output, arguments.dataset, _options(arguments), arguments.distance_diameters, version)
    group = "bop-" + hashlib.sha256(f"{layout.name}\0{output}".encode()).hexdigest()[:16]
    (_to_stderr if arguments.json else info)(f"{len(models)} objects for {layout.name} in {output}")
    return Work(client, layout, orders, group, again=arguments.again)


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    options = chosen_options(arguments)
    if "camera_poses_path" in options:
        options["camera_poses_path"] = str(Path(options["camera_poses_path"]).expanduser().absolute())
    return options


def _reported(arguments: argparse.Namespace, work: Work) -> int:
    missing = failed(work.outcomes)
    if arguments.json:
        print(json.dumps(as_json(work.outcomes), indent=1))
    else:
        print_table(work.outcomes)
    if missing:
        error(f"{len(missing)} of {len(work.outcomes)} objects have no files")
        return FAILED
    if not arguments.json:
        count = len(work.outcomes)
        success(f"{count} {'object is' if count == 1 else 'objects are'} in {arguments.output}")
    return DONE


def _goes_on(work: Work | None) -> str:
    """What becomes of the jobs; one may have been sent without an answer, so none is called the last."""
    if work is None or all(outcome.ended for outcome in work.outcomes):
        return ""
    return f"; jobs that were sent ({work.going_on} are known) go on at the server: the same command again follows them"


def _to_stderr(text: str) -> None:
    print(f"[INFO] {text}", file=sys.stderr, flush=True)
