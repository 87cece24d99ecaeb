"""``render-server render``: CADs in, templates out, on a server that runs or on one of its own."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from render_server_client import NoServerError, RefusedError
from render_server_client.wire import PATIENCE_SEC
from serve_app.cli.client import Client, local_url
from serve_app.cli.completion import names_file, names_folder
from serve_app.cli.exit_codes import DONE, FAILED, INTERRUPTED, NO_SERVER, WRONG_USE, UsageError
from serve_app.cli.messages import error, info, success
from serve_app.cli.options import add_option_flags, chosen_options
from serve_app.cli.render.embedded import EmbeddedServer
from serve_app.cli.render.orders import absolute, orders_of
from serve_app.cli.render.watches import watch_for
from serve_app.cli.render.work import Task, Work

_EPILOG = (
    "exit codes: 0 every CAD is rendered; 1 some are not, and the lines say why; 2 wrong use; 3 no server answers, or it does not let this "
    "client in; 130 interrupted: jobs that were sent go on, and the same command again follows them."
)


def add_render_flags(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.epilog = _EPILOG
    told = "CADs; without -o one CAD and the OUTPUT_DIR that gets its templates"
    names_file(parser.add_argument("words", metavar="CAD", nargs="+", help=told))
    names_folder(parser.add_argument("-o", "--output", metavar="DIR", help="a folder for each CAD is made in DIR, named for the CAD"))
    parser.add_argument(
        "--server",
        "--url",
        dest="url",
        metavar="URL",
        help="the server (default: RENDER_SERVER_URL, or what listens on port 8004 here; where nothing does, one is started for this "
        "command and stopped after it)",
    )
    parser.add_argument(
        "--upload",
        action=argparse.BooleanOptionalAction,
        help="send the server the files, or have it read the paths (default: it is found out)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end; lines of progress go to standard error")
    add_option_flags(parser)


def render(arguments: argparse.Namespace) -> None:
    """Render CADs; ends the process with an exit code, see ``_EPILOG``."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: argparse.Namespace) -> int:
    say: Callable[[str], None] = _to_stderr if arguments.json else info
    try:
        options = _options(arguments)
        orders = orders_of(arguments.words, arguments.output, options)
    except UsageError as failure:
        error(str(failure))
        return WRONG_USE
    url = arguments.url or os.environ.get("RENDER_SERVER_URL") or None
    own: EmbeddedServer | None = None
    work: Work | None = None
    try:
        if url is None and not Client(local_url()).answers():
            say(f"no server answers at {local_url()}: starting one for this command; it is stopped afterwards")
            own = EmbeddedServer(orders)
        with own or nullcontext():
            client = Client(url or local_url(), patience_sec=PATIENCE_SEC) if own is None else Client(own.url, own.api_key)
            work = Work(client, orders, options, "auto" if arguments.upload is None else arguments.upload)
            code = _run(work, arguments, say)
    except (NoServerError, RefusedError) as failure:
        error(str(failure) + _resumed_by(work, own))
        return NO_SERVER
    except KeyboardInterrupt:
        error("interrupted" + _resumed_by(work, own))
        return INTERRUPTED
    if own is not None:
        say("the server of this command has been stopped")
        if code == DONE:
            own.forget()
    _report(arguments, work, own, client.url)
    return code


def _run(work: Work, arguments: argparse.Namespace, say: Callable[[str], None]) -> int:
    with watch_for(say, bars=not arguments.json) as watch:
        work.run(_Told(watch, say, quiet=arguments.json))
    return FAILED if any(task.state == "failed" for task in work.tasks) else DONE


class _Told:
    """A watch that also says what has become of each CAD."""

    def __init__(self, watch: Any, say: Callable[[str], None], *, quiet: bool) -> None:
        self._watch, self._say, self._quiet = watch, say, quiet
        self._resumed: set[str] = set()

    def moved(self, tasks: Sequence[Task]) -> None:
        """See ``Watch``."""
        for task in tasks:
            if task.resumed and task.job is not None and task.job.id not in self._resumed:
                self._resumed.add(task.job.id)
                self._say(f"{task.order.cad.name}: goes on with job {task.job.id} of an earlier command")
        self._watch.moved(tasks)

    def ended(self, task: Task) -> None:
        """See ``Watch``."""
        self._watch.ended(task)
        name = task.order.cad.name
        for warning in task.job.warnings if task.job else ():
            self._say(f"warning: {name}: {warning}")
        if task.error is not None:
            log = f"; its log: render-server logs {task.job.id}" if task.job else ""
            error(f"{name}: {task.error}{log}")
        elif task.job is not None:
            (self._say if self._quiet else success)(f"{task.total} templates in {task.job.seconds:.1f} s: {task.folder}")


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    options = chosen_options(arguments)
    if "camera_poses_path" in options:
        options["camera_poses_path"] = str(absolute(options["camera_poses_path"]))
    return options


def _resumed_by(work: Work | None, own: EmbeddedServer | None) -> str:
    """What becomes of the jobs, and how to go on with them."""
    going = work.going_on if work else []
    if not going:
        return ""
    if own is not None:
        return "; the views that are done are kept: the same command again goes on from them"
    many, unanswered = len(going) > 1, len(work.unanswered) if work else 0
    some = f"{len(going)} jobs go on at the server" if many else "1 job goes on at the server"
    if unanswered:  # A command that is interrupted while it sends cannot know.
        some += f", {unanswered} of them if received" if many else " if it was received"
    ids = " ".join(going[:3]) + (" ..." if len(going) > 3 else "")
    it = "them" if many else "it"
    return f"; {some}: the same command again follows {it}; `render-server cancel {ids}` ends {it}"


def _report(arguments: argparse.Namespace, work: Work, own: EmbeddedServer | None, url: str) -> None:
    failed = [task for task in work.tasks if task.state == "failed"]
    if arguments.json:
        jobs = [_as_json(task) for task in work.tasks]
        print(json.dumps({"server": url, "embedded": own is not None, "failed": len(failed), "jobs": jobs}, indent=1))
    elif failed:
        error(f"{len(failed)} of {len(work.tasks)} CADs have no templates")
    elif len(work.tasks) > 1:
        success(f"{len(work.tasks)} CADs are in {arguments.output}")


def _as_json(task: Task) -> dict[str, Any]:
    failure = task.error
    told = None if failure is None else {"detail": str(failure), "code": getattr(failure, "code", "") or None}
    return {
        "cad_path": str(task.order.cad),
        "job_id": task.job.id if task.job else None,
        "state": "succeeded" if task.state == "done" else "failed",
        "folder": str(task.folder) if task.folder else None,
        "views": task.total,
        "seconds": task.job.seconds if task.job else 0.0,
        "uploaded": task.uploaded,
        "resumed": task.resumed,
        "warnings": list(task.job.warnings) if task.job else [],
        "error": told,
    }


def _to_stderr(text: str) -> None:
    print(f"[INFO] {text}", file=sys.stderr, flush=True)
