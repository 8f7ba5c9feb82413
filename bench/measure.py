"""Start, requests per second and memory of variants, one after the other in each round."""

from __future__ import annotations

import re
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.server import HOST, BenchError, Variant, ask, serving
from pystatic_tasks.engines.local import descendants

WARM_UP_REQUESTS = 200
CONNECTIONS = 8
# Each thread has a state of its own, whose globals the last function reads.
WRK_SCRIPT = """\
wrong = 0
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args) sign = args[1] end
function response(status, headers, body)
  if status ~= 200 or not body:find(sign, 1, true) then wrong = wrong + 1 end
end
function done(summary)
  local errors = summary.errors
  local all = errors.connect + errors.read + errors.write + errors.timeout
  for _, thread in ipairs(threads) do all = all + thread:get("wrong") end
  io.write("wrong answers: " .. all .. "\\n")
end
"""
Figures = Mapping[str, Sequence[float]]


def in_turn(variants: Sequence[Variant], rounds: int, measure: Callable[[Variant], float]) -> Figures:
    """Measure each variant once in each round; every other round backwards."""
    figures: dict[str, list[float]] = {variant.name: [] for variant in variants}
    for number in range(rounds):
        for variant in variants if number % 2 == 0 else reversed(variants):
            figures[variant.name].append(measure(variant))
    return figures


def ratio(figures: Figures, name: str, reference: str) -> float:
    """The median, over the rounds, of the figure as a multiple of the reference's in the same round."""
    return statistics.median(mine / theirs for mine, theirs in zip(figures[name], figures[reference], strict=True))


def start(variant: Variant, port: int, log: Path) -> float:
    """Milliseconds to the first right answer."""
    with serving(variant, port, log) as (_, seconds):
        return seconds * 1000


def requests_per_second(variant: Variant, port: int, log: Path, seconds: int) -> float:
    """By wrk, which looks at every answer."""
    script = log.with_name("check.lua")
    script.write_text(WRK_SCRIPT, encoding="utf-8")
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    with serving(variant, port, log):
        warm_up(variant, port)
        url = f"http://{HOST}:{port}{variant.question.path}"
        words = [*command, "--script", str(script), url, "--", variant.question.sign]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    wrong = re.search(r"wrong answers: (\d+)", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if not wrong or not rate or int(wrong[1]):
        raise BenchError(f"{variant.name} gave wrong answers, or none, under load; wrk said:\n{said}")
    return float(rate[1])


def memory(variant: Variant, port: int, log: Path, workers: int) -> float:
    """Proportional set size of all processes after some requests, in MiB."""
    with serving(variant, port, log, "--workers", str(workers)) as (pid, _):
        warm_up(variant, port)
        return sum(map(pss_kib, [pid, *descendants(pid)])) / 1024


def warm_up(variant: Variant, port: int) -> None:
    for _ in range(WARM_UP_REQUESTS):
        ask(variant, port)


def pss_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
