"""Entry point of ``render-server``."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version

from pydantic import ValidationError

from serve_app.base.api_key import UnusableKeyError, key_of, source_of_key
from serve_app.base.settings import Settings, wrong_setting
from serve_app.cli.bop.command import add_bop_flags, bop
from serve_app.cli.check_templates import add_check_flags, check_templates
from serve_app.cli.checks import check_confinement, check_python, check_system_libraries
from serve_app.cli.demo import demo
from serve_app.cli.init import init
from serve_app.cli.messages import CommandError, error, info, success
from serve_app.cli.render_command import add_option_flags, jobs, render
from serve_app.cli.smoke import smoke
from serve_app.cli.up import drain, up
from serve_app.jobs.states import JOB_STATES


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="render-server", description="CAD to SAM-6D templates, from warm Blenders on Ray Serve.")
    parser.add_argument("--version", action="version", version=version("render-server"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    default_url = f"http://127.0.0.1:{os.environ.get('RENDER_SERVER_PORT', '8004')}"

    command = commands.add_parser("up", help="start a server in the foreground")
    command.add_argument("--config", default="serve_config.yaml", help="Serve config (default: %(default)s)")
    command.add_argument("--host", help="address to listen on (default: RENDER_SERVER_HOST or 0.0.0.0)")
    command.add_argument("--port", type=int, help="port to listen on (default: RENDER_SERVER_PORT or 8004)")
    command.add_argument("--metrics-port", type=int, help="port of Ray's metrics, 0 for any (default: RENDER_METRICS_PORT or 8080)")
    command.add_argument("--address", help="deploy to this running Ray cluster instead of starting a Ray here")
    command.set_defaults(run=up)

    command = commands.add_parser("drain", help="have the server of this RENDER_DATA_DIR finish its running views, before it is stopped")
    command.set_defaults(run=drain)

    command = commands.add_parser("render", help="render one CAD on a running server")
    command.add_argument("cad_path", metavar="CAD")
    command.add_argument("output_dir", metavar="OUTPUT_DIR")
    command.add_argument("--url", default=default_url, help="the server (default: %(default)s)")
    add_option_flags(command)
    command.set_defaults(run=render)

    command = commands.add_parser("bop", help="render the CADs of a dataset for a pipeline, on a running server")
    add_bop_flags(command, default_url)
    command.set_defaults(run=bop)

    command = commands.add_parser("jobs", help="list the jobs of a running server, or show one")
    command.add_argument("job_id", nargs="?")
    command.add_argument("--log", action="store_true", help="show the job's log")
    command.add_argument("--status", help=f"only jobs in this state: {', '.join(JOB_STATES)}")
    command.add_argument("--limit", type=int, default=20)
    command.add_argument("--url", default=default_url, help="the server (default: %(default)s)")
    command.set_defaults(run=jobs)

    command = commands.add_parser("smoke", help="check a running server: status, one render, its files")
    command.add_argument("--url", default=default_url, help="the server (default: %(default)s)")
    command.add_argument("--cad", default="examples/flange.stl", help="CAD to render (default: %(default)s)")
    command.add_argument("--output", default="output/smoke", help="output_dir (default: %(default)s)")
    command.add_argument("--resolution", type=int, default=128, help="pixels (default: %(default)s)")
    command.add_argument("--timeout", type=float, default=120, help="seconds to wait for a renderer (default: %(default)s)")
    command.set_defaults(run=smoke)

    command = commands.add_parser("check-templates", help="check a folder of templates against what SAM-6D relies on")
    add_check_flags(command)
    command.set_defaults(run=check_templates)

    command = commands.add_parser("demo", help="start a server, render one CAD over HTTP, show where the templates are, stop")
    command.add_argument("--config", default="serve_config.yaml", help="Serve config (default: %(default)s)")
    command.add_argument("--cad", default="examples/knot.ply", help="CAD to render (default: %(default)s)")
    command.add_argument("--output", default="output/demo", help="output_dir (default: %(default)s)")
    command.set_defaults(run=demo)

    command = commands.add_parser("init", help="copy the Serve configs and examples that come with the package into a folder")
    command.add_argument("folder", nargs="?", default=".", metavar="DIR", help="what is there stays as it is (default: %(default)s)")
    command.set_defaults(run=init)

    command = commands.add_parser("check", help="check that this machine can run a server")
    command.set_defaults(run=_check)
    return parser


def _check(arguments: argparse.Namespace) -> None:
    check_python()
    check_system_libraries()
    settings = Settings()
    key_of(settings)
    info(f"API key: {source_of_key(settings)}")
    check_confinement()
    success("Python and the system libraries are right")


def main() -> None:
    """Run a command; exit code 1 and one ``[ERROR]`` line when it fails."""
    arguments = _parser().parse_args()
    try:
        arguments.run(arguments)
    except (CommandError, UnusableKeyError) as failure:
        error(str(failure))
        sys.exit(1)
    except ValidationError as failure:
        error(wrong_setting(failure))
        sys.exit(1)
    except KeyboardInterrupt:
        error("interrupted")
        sys.exit(130)


if __name__ == "__main__":
    main()
