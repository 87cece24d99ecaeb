from __future__ import annotations

import os
import subprocess
import sys

from render_actor.process.output_capture import captured_output


def test_output_written_by_c_and_by_children_is_caught() -> None:
    code = (
        "import os\nfrom render_actor.process.output_capture import captured_output\nprint('before')\n"
        "with captured_output() as output:\n os.write(1, b'Fra:1 progress\\nSaved: x\\nfrom C\\n'); os.system('echo child >&2')\n"
        "print(repr(output.text))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "before\n'from C\\nchild'\n"


def test_output_is_given_back_after_an_error() -> None:
    before = os.fstat(1).st_ino
    try:
        with captured_output():
            raise ValueError
    except ValueError:
        pass
    assert os.fstat(1).st_ino == before
