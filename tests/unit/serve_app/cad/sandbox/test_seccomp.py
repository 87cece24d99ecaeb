"""The filter's program, run by an interpreter of the few instructions it has; the kernel runs it in ``test_native_code``."""

from __future__ import annotations

import errno
import struct

import pytest

from serve_app.cad.sandbox.seccomp import MACHINES, filter_program
from serve_app.cad.sandbox.system_calls import CLONE, CLONE3, DENIED, PRLIMIT64, TGKILL

PID = 4711
ALLOWED, EPERM, ENOSYS = 0x7FFF0000, 0x50000 + errno.EPERM, 0x50000 + errno.ENOSYS
SIGCHLD, CLONE_THREAD = 17, 0x10000

ORDINARY = {
    "x86_64": {"read": 0, "mmap": 9, "openat": 257, "futex": 202, "exit_group": 231, "memfd_create": 319, "ftruncate": 77, "madvise": 28},
    "aarch64": {"read": 63, "mmap": 222, "openat": 56, "futex": 98, "exit_group": 94, "memfd_create": 279, "ftruncate": 46, "madvise": 233},
}
"""What any reader uses."""

machines = pytest.mark.parametrize("machine", MACHINES)


def answer(machine: str, number: int, argument: int = 0, architecture: int | None = None) -> int:
    """What the kernel would be told about a call with this first argument."""
    column, right = MACHINES[machine]
    data = struct.pack("<IIQ6Q", number, right if architecture is None else architecture, 0, argument, *[0] * 5)
    steps = list(struct.iter_unpack("=HBBI", filter_program(column, right, PID)))
    place = value = 0
    while True:
        code, if_true, if_false, operand = steps[place]
        place += 1
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, operand)
        elif code == 0x06:
            return operand
        else:
            met = {0x15: value == operand, 0x25: value > operand, 0x45: bool(value & operand)}[code]
            place += if_true if met else if_false


@machines
def test_each_call_of_the_table_fails(machine: str) -> None:
    column = MACHINES[machine][0]
    numbers = {name: number for name, columns in DENIED.items() if (number := columns[column]) is not None}
    assert {name: answer(machine, number) for name, number in numbers.items()} == dict.fromkeys(numbers, EPERM)
    assert len(set(numbers.values())) == len(numbers) > 100


@machines
def test_what_readers_use_is_left(machine: str) -> None:
    assert {name: answer(machine, number) for name, number in ORDINARY[machine].items()} == dict.fromkeys(ORDINARY[machine], ALLOWED)


@machines
def test_threads_are_left_and_processes_are_not(machine: str) -> None:
    column = MACHINES[machine][0]
    assert answer(machine, CLONE[column], CLONE_THREAD | 0x100) == ALLOWED
    assert answer(machine, CLONE[column], SIGCHLD) == EPERM
    assert answer(machine, CLONE3[column]) == ENOSYS


@machines
def test_a_process_ends_and_limits_only_itself(machine: str) -> None:
    column = MACHINES[machine][0]
    assert answer(machine, TGKILL[column], PID) == ALLOWED
    assert answer(machine, TGKILL[column], PID + 1) == EPERM
    assert [answer(machine, PRLIMIT64[column], pid) for pid in (0, PID, PID + 1)] == [ALLOWED, ALLOWED, EPERM]


@machines
def test_calls_of_another_form_or_of_later_kernels_fail(machine: str) -> None:
    read = ORDINARY[machine]["read"]
    assert answer(machine, read, architecture=0x40000003) == EPERM  # 32-bit code on x86_64.
    assert answer(machine, read + 0x40000000) == ENOSYS  # Its x32 form.
    assert answer(machine, 600) == ENOSYS
