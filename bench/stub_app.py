"""The Serve application with stub renderers: ``import_path: bench.stub_app:build`` in a Serve config. It renders nothing."""

# No postponed annotations here: Ray reads the type of `build`'s argument to make it from a config's args.
import dataclasses

from pydantic import Field
from ray import serve

from bench.stub_renderer import StubOptions, StubWorker
from render_actor.contract.device import RenderDevice
from serve_app.app import AppArgs, application


class StubArgs(AppArgs):
    """The ``args`` of the application in a Serve config."""

    stub_seconds_a_view: float = Field(0.0, ge=0, description="Seconds that a stub sleeps for a view.")

    def renderer_options(self, device: RenderDevice) -> StubOptions:
        """As ``AppArgs.renderer_options``."""
        options = dataclasses.asdict(super().renderer_options(device))
        return StubOptions(**options, seconds_a_view=self.stub_seconds_a_view)


def build(args: StubArgs) -> serve.Application:
    """Bind the deployments.

    Args:
        args: from the Serve config.
    """
    return application(args, StubWorker)
