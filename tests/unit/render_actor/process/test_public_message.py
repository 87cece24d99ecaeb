from __future__ import annotations

import pytest

from render_actor.process.public_message import public_message


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("", "ValueError"),
        ("\n first\nsecond", "ValueError: first"),
        ("libSM.so.6: cannot open shared object file", "ValueError: libSM.so.6: cannot open shared object file"),
        ("/opt/venv/lib/bpy.so: no", "ValueError: bpy.so: no"),
        ("cannot load '/opt/my things/x.so' (../y/z)", "ValueError: cannot load 'my x.so' (z)"),
        ("x" * 1_000_000, "ValueError: " + "x" * 500),
    ],
)
def test_what_a_client_may_read_of_an_exception(message: str, shown: str) -> None:
    assert public_message(ValueError(message)) == shown
