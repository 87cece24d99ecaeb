from __future__ import annotations

import errno
import os

import pytest

from render_actor.contract.fence import first_fence
from render_actor.contract.sink import attempt_names, write_failure
from render_actor.contract.view_files import file_names


def test_no_two_attempts_share_a_name_and_none_has_the_name_of_a_template() -> None:
    attempts = [(view, fence) for view in (0, 1, 11, 111) for fence in (1, 17, first_fence(1), first_fence(17) + 1)]
    names = [name for attempt in attempts for name in attempt_names(*attempt)]
    assert len(set(names)) == len(names)
    assert not set(names) & {name for view in range(200) for name in file_names(view)}


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "storage_full"),
        (errno.EDQUOT, "storage_full"),
        (errno.EROFS, "output_not_writable"),
        (errno.ENOENT, "output_not_writable"),
    ],
)
def test_what_the_disk_says_is_told_of_the_folder_that_the_client_named(number: int, code: str) -> None:
    told, sentence = write_failure(OSError(number, os.strerror(number), "/srv/secret"), "out/mine")
    assert told == code and "'out/mine'" in sentence and "/srv" not in sentence
