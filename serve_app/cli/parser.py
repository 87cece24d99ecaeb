"""The commands of ``render-server`` and their arguments."""

from __future__ import annotations

import argparse
from importlib.metadata import version

import shtab

from serve_app.cli.bop.command import add_bop_flags, bop
from serve_app.cli.check_templates import add_check_flags, check_templates
from serve_app.cli.checks import check
from serve_app.cli.client import server_url
from serve_app.cli.contact_sheet import add_sheet_flags, sheet
from serve_app.cli.demo import demo
from serve_app.cli.doctor.command import doctor
from serve_app.cli.init import init
from serve_app.cli.job_commands import add_jobs_flags, cancel, jobs, logs, status
from serve_app.cli.render.command import add_render_flags, render
from serve_app.cli.smoke import smoke
from serve_app.cli.top import add_top_flags, top
from serve_app.cli.up import drain, up


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets ``run``."""
    parser = argparse.ArgumentParser(prog="render-server", description="CAD to SAM-6D templates, from warm Blenders on Ray Serve.")
    parser.add_argument("--version", action="version", version=version("render-server"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    url = server_url()

    command = commands.add_parser("up", help="start a server in the foreground")
    command.add_argument("--config", default="serve_config.yaml", help="Serve config (default: %(default)s)")
    command.add_argument("--host", help="address to listen on (default: RENDER_SERVER_HOST or 0.0.0.0)")
    command.add_argument("--port", type=int, help="port to listen on (default: RENDER_SERVER_PORT or 8004)")
    command.add_argument("--metrics-port", type=int, help="port of Ray's metrics, 0 for any (default: RENDER_METRICS_PORT or 8080)")
    command.add_argument("--address", help="deploy to this running Ray cluster instead of starting a Ray here")
    command.set_defaults(run=up)

    command = commands.add_parser("drain", help="have the server of this RENDER_DATA_DIR finish its running views, before it is stopped")
    command.set_defaults(run=drain)

    command = commands.add_parser("render", help="render CADs on a running server, or on one that is started for it")
    add_render_flags(command)
    command.set_defaults(run=render)

    command = commands.add_parser("bop", help="render the CADs of a dataset for a pipeline, on a running server")
    add_bop_flags(command, url)
    command.set_defaults(run=bop)

    command = commands.add_parser("jobs", help="list the jobs of a running server, or show one")
    add_jobs_flags(command)
    _add_server(command, url)
    command.set_defaults(run=jobs)

    command = commands.add_parser("status", help="how a running server is, or some of its jobs")
    command.add_argument("job_ids", nargs="*", metavar="JOB")
    command.add_argument("--json", action="store_true", help="print the server's own answer")
    _add_server(command, url)
    command.set_defaults(run=status)

    command = commands.add_parser("logs", help="show a job's log")
    command.add_argument("job_id", metavar="JOB")
    command.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")
    _add_server(command, url)
    command.set_defaults(run=logs)

    command = commands.add_parser("cancel", help="cancel jobs")
    command.add_argument("job_ids", nargs="+", metavar="JOB")
    _add_server(command, url)
    command.set_defaults(run=cancel)

    command = commands.add_parser("top", help="what a running server does, live: queue, renderers, rates")
    add_top_flags(command)
    _add_server(command, url)
    command.set_defaults(run=top)

    command = commands.add_parser("smoke", help="check a running server: status, one render, its files")
    _add_server(command, url)
    command.add_argument("--cad", default="examples/flange.stl", help="CAD to render (default: %(default)s)")
    command.add_argument("--output", default="output/smoke", help="output_dir (default: %(default)s)")
    command.add_argument("--resolution", type=int, default=128, help="pixels (default: %(default)s)")
    command.add_argument("--timeout", type=float, default=120, help="seconds to wait for a renderer (default: %(default)s)")
    command.set_defaults(run=smoke)

    command = commands.add_parser("check-templates", help="check a folder of templates against what SAM-6D relies on")
    add_check_flags(command)
    command.set_defaults(run=check_templates)

    command = commands.add_parser("sheet", help="make one picture of a folder of templates")
    add_sheet_flags(command)
    command.set_defaults(run=sheet)

    command = commands.add_parser("demo", help="start a server, render one CAD over HTTP, show where the templates are, stop")
    command.add_argument("--config", default="serve_config.yaml", help="Serve config (default: %(default)s)")
    command.add_argument("--cad", default="examples/knot.ply", help="CAD to render (default: %(default)s)")
    command.add_argument("--output", default="output/demo", help="output_dir (default: %(default)s)")
    command.set_defaults(run=demo)

    command = commands.add_parser("init", help="copy the Serve configs and examples that come with the package into a folder")
    command.add_argument("folder", nargs="?", default=".", metavar="DIR", help="what is there stays as it is (default: %(default)s)")
    command.set_defaults(run=init)

    command = commands.add_parser("check", help="check that this machine can run a server")
    command.set_defaults(run=check)

    command = commands.add_parser("doctor", help="look at all that a server needs on this machine, each with its remedy")
    command.add_argument("--json", action="store_true", help="print what was found as JSON")
    command.set_defaults(run=doctor)

    command = commands.add_parser("completion", help="print what makes a shell complete this command")
    command.add_argument("shell", choices=shtab.SUPPORTED_SHELLS)
    command.set_defaults(run=_completion)
    return parser


def _add_server(command: argparse.ArgumentParser, url: str) -> None:
    command.add_argument("--server", "--url", dest="url", metavar="URL", default=url, help="the server (default: %(default)s)")


def _completion(arguments: argparse.Namespace) -> None:
    """Print a completion script."""
    print(shtab.complete(make_parser(), arguments.shell))
