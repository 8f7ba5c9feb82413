"""`python -m bench`: build, measure in turn, print."""

from __future__ import annotations

import argparse
import functools
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.build import IMAGES, REPOSITORY, WORKERS, Built, build
from bench.containers import DEBIANS_PYTHON, containers
from bench.measure import Figures, in_turn, memory, ratio, requests_per_second, start
from bench.rebuild import rebuilds
from bench.server import BenchError, Variant, check_port
from pystatic_tasks.oci.compression import COMPRESS
from pystatic_tasks.oci.reading.images import read_saved

MEMORY_WORKERS = (1, 4, 8)
MEMORY_ROUNDS = BUILD_ROUNDS = 3


def main() -> int:
    options = parse()
    try:
        check_port(options.port)
        if os.geteuid() != 0:
            raise BenchError(
                "The tree is measured in its own root, which only root may enter (chroot): run it as root."
            )
        if shutil.which("wrk") is None:
            raise BenchError('There is no program "wrk" on the PATH: apt-get install wrk.')
        options.folder.mkdir(parents=True, exist_ok=True)
        built = build(options.folder, options.python, options.importing)
        for line in report(built, options):
            print(line, flush=True)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--python", default=str(DEBIANS_PYTHON), help="interpreter to build and compare with")
    parser.add_argument("--importing", nargs="+", metavar="MODULE", default=[], help="what the app imports besides")
    parser.add_argument("--port", type=int, default=8765, help="port of 127.0.0.1 to serve on")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of starts; a third as many of load")
    parser.add_argument("--seconds", type=int, default=5, help="seconds of load in each round")
    parser.add_argument("--no-containers", action="store_true", help="leave out what needs Docker")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "build/bench", help="where to build")
    return parser.parse_args()


def report(built: Built, options: argparse.Namespace) -> Iterator[str]:
    version = subprocess.run([built.python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    load = ", ".join(f"{figure:.2f}" for figure in os.getloadavg())
    yield f"{version} ({built.python}), {os.cpu_count()} CPUs, Linux {platform.release()}, load average {load}"
    yield f"{WORKERS} sync workers unless said otherwise; ratios are medians over the rounds, plain Python = 1"
    yield ""
    yield from sizes(built)
    processes, log, port = built.processes(), built.folder / "server.log", options.port
    yield from table(
        "start to the first right answer, processes (ms)",
        in_turn(processes, options.rounds, lambda each: start(each, port, log)),
    )
    rounds = max(1, options.rounds // 3)
    yield from table(
        f"requests per second (wrk, {options.seconds} s)",
        in_turn(processes, rounds, lambda each: requests_per_second(each, port, log, options.seconds)),
    )
    for workers in MEMORY_WORKERS:
        measure = functools.partial(memory, port=port, log=log, workers=workers)
        title = f"PSS of all processes, {workers} worker{'s' if workers > 1 else ''} (MiB)"
        yield from table(title, in_turn(processes, min(rounds, MEMORY_ROUNDS), measure))
    for image in IMAGES:
        yield from table(f"nox -s image, {image} (s)", rebuilds(built, image, min(rounds, BUILD_ROUNDS)))
    if options.no_containers:
        return
    title = "start to the first right answer, docker run (ms)"
    try:
        boxes: Sequence[Variant] = containers(built, port)
    except BenchError as error:
        yield f"{title}: left out. {error}"
        return
    yield from table(title, in_turn(boxes, options.rounds, lambda each: start(each, port, log)))


def table(title: str, figures: Figures) -> Iterator[str]:
    """Median, least and largest of each variant, and the ratio to the first."""
    reference = next(iter(figures))
    yield f"| {title} | median | least | largest | ratio |"
    yield "|---|---|---|---|---|"
    for name, values in figures.items():
        shown = " | ".join(f"{value:.1f}" for value in (statistics.median(values), min(values), max(values)))
        yield f"| {name} | {shown} | {ratio(figures, name, reference):.3f} |"
    yield ""


def sizes(built: Built) -> Iterator[str]:
    yield "| image (bytes) | on disk | on the wire, gzip | on the wire, zstd | layers, gzip |"
    yield "|---|---|---|---|---|"
    for image in IMAGES:
        manifest = built.manifest(image)
        layers = ", ".join(f"{layer['kind']} {layer['compressed_bytes']:,}" for layer in manifest["layers"])
        zstd_bytes = zstd_size(built.archive(image))
        yield (
            f"| {image} | {manifest['size_bytes']:,} | {manifest['compressed_bytes']:,} | {zstd_bytes:,} | {layers} |"
        )
    yield ""


def zstd_size(archive: Path) -> int:
    """Size in bytes of the layers of an `image.tar`, had they been compressed by zstd."""
    return sum(len(COMPRESS["zstd"](b"".join(layer.tar()))) for layer in read_saved(archive).layers)


if __name__ == "__main__":
    sys.exit(main())
