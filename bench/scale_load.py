"""The load of ``bench/scale.py``: jobs that fill a queue, requests beside the rendering, and the removal of what was published."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.http_load import Answer, Ask, Connection, ask_all

VIEWS = 42
SHADES = 100_000

Latencies = dict[str, list[float]]
"""Milliseconds of each request, by what was asked."""

_RATES = {"submit": 10.0, "status": 20.0, "health": 20.0}
"""Requests a second."""


def job(cad: Path, output: Path, number: int) -> Ask:
    """Submits a job whose rendering no other one shares: its grey is its own."""
    body = {"cad_path": str(cad), "output_dir": str(output / f"{number}"), "colorize": True, "base_color": (number + 1) / SHADES}
    return Ask("POST", "/render/templates", body)


async def fill(url: str, asks: list[Ask], clients: int) -> float:
    """Submit jobs; returns how many seconds that took."""
    began = time.monotonic()
    answers = await ask_all(url, asks, clients)
    refused = [answer for answer in answers if answer.status != 200]
    if refused:
        raise RuntimeError(f"{len(refused)} of {len(asks)} jobs were not accepted: {refused[0].status} {refused[0].body}")
    return time.monotonic() - began


async def views_done(url: str) -> int:
    """Views rendered so far, of jobs that have ended and that run."""
    done = await _get(url, "/jobs?status=succeeded&limit=1")
    running = await _get(url, "/jobs?status=running&limit=1000")
    failed = await _get(url, "/jobs?status=failed&limit=1")
    if failed["total"]:
        raise RuntimeError(f"jobs failed: {failed['jobs'][0]['error']}")
    return VIEWS * int(done["total"]) + sum(job["rendered_count"] for job in running["jobs"])


async def a_running_job(url: str) -> str:
    """Id of a job that runs."""
    return str((await _get(url, "/jobs?status=running&limit=1"))["jobs"][0]["job_id"])


async def _get(url: str, path: str) -> Any:
    answer = (await ask_all(url, [Ask("GET", path)], 1))[0]
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.body}")
    return answer.body


async def ask_beside(url: str, submits: Iterator[Ask], seconds: float) -> Latencies:
    """Submit, look at a job and ask for the health at steady rates; one that is late delays no other."""
    status = Ask("GET", f"/jobs/{await a_running_job(url)}")
    asks: dict[str, Iterator[Ask]] = {
        "submit": submits,
        "status": iter(lambda: status, None),
        "health": iter(lambda: Ask("GET", "/health"), None),
    }
    kinds = list(asks)
    answered = await asyncio.gather(*(_at_rate(url, asks[kind], _RATES[kind], seconds) for kind in kinds))
    wrong = [answer for answers in answered for answer in answers if answer.status != 200]
    if wrong:
        raise RuntimeError(f"{len(wrong)} requests were refused: {wrong[0].status} {wrong[0].body}")
    return {kind: [1000 * answer.seconds for answer in answers] for kind, answers in zip(kinds, answered, strict=True)}


async def _at_rate(url: str, asks: Iterator[Ask], rate: float, seconds: float) -> list[Answer]:
    idle: list[Connection] = []

    async def one(ask: Ask, due: float) -> Answer:
        connection = idle.pop() if idle else Connection(url)
        answer = await connection.ask(ask, due)
        idle.append(connection)
        return answer

    began, tasks = time.monotonic(), []
    for index in range(int(rate * seconds)):
        due = began + index / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(one(next(asks), due)))
    answers = await asyncio.gather(*tasks)
    for connection in idle:
        connection.close()
    return answers


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent are not above."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


@contextmanager
def swept(output: Path) -> Iterator[None]:
    """Remove published folders while this lasts, by a process of its own: ten a second fill a memory disk within minutes."""
    sweeper = multiprocessing.get_context("spawn").Process(target=_sweep, args=(output,), daemon=True)
    sweeper.start()
    try:
        yield
    finally:
        sweeper.kill()
        sweeper.join()


def _sweep(output: Path) -> None:
    while True:
        with suppress(OSError):
            for folder in list(output.iterdir()):
                if (folder / "templates").is_dir():
                    shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.2)
