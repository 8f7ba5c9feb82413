"""Writes the pages about images, `report.html` and `index.html`, from the results of the steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.report.contents import Contents, differ
from pystatic_tasks.report.page import Listed, listed_image, make_page
from pystatic_tasks.report.reasons import Evidence
from pystatic_tasks.report.records import Proof, Records, Seen, Trial
from pystatic_tasks.report.render import index_html, page_html
from pystatic_tasks.report.start import Start, nested
from pystatic_tasks.steps.import_times import read_imports
from pystatic_tasks.steps.manifest import read_manifest, read_record, report_path, require_result
from pystatic_tasks.steps.results import Built, Check, Frozen, Imports, Smoked
from pystatic_tasks.system.files import write_whole

PAGE = "report.html"
INDEX = "index.html"
CONTENTS = "contents.json"
BEFORE = "contents-before.json"
# The maximum depth of folders; no image has as many.
MOST_LEVELS = 300


def write_pages(config: ImageConfig) -> Path:
    """Write the page of an image, and the page of all images beside it if there are several.

    Returns:
        The page of the image.

    Raises:
        PystaticError: the image step was not run.
    """
    page = config.dist / PAGE
    write_whole(page, page_html(make_page(read_records(config))))
    images = list(listed_images(config.dist.parent))
    if len(images) > 1:
        write_whole(config.dist.parent / INDEX, index_html(images))
    return page


def discard_page(config: ImageConfig) -> None:
    """Remove the page of an image before a result in it is replaced, so that no page is older than the results."""
    (config.dist / PAGE).unlink(missing_ok=True)


def read_records(config: ImageConfig) -> Records:
    """The results of the steps for an image; without those of freeze, it is unknown why anything is there.

    Raises:
        PystaticError: the image step was not run, or was run by an older version.
    """
    built, frozen = require_result(config, Built), read_manifest(config, Frozen)
    contents = read_contents(config.dist / CONTENTS)
    if contents is None:
        raise PystaticError(
            f"The contents of {config.name} are not recorded in {config.dist / CONTENTS}.",
            "Run the image session again: an older version of pystatic-tasks made the image.",
        )
    smoked = read_smoked(config, built)
    return Records(
        config=config,
        built=built,
        components=built.components,
        contents=contents,
        before=read_contents(config.dist / BEFORE),
        parts=frozen.result.contents if frozen else (),
        evidence=evidence(frozen.result) if frozen else Evidence(),
        not_observed=frozen.result.not_observed if frozen else "the results of freeze are missing",
        proof=proof(smoked) if smoked else None,
        start=start(smoked, read_imports(config)) if smoked else None,
    )


def evidence(frozen: Frozen) -> Evidence:
    return Evidence(
        imported_by=frozen.imported_by, linked_by=frozen.linked_by, uses=frozen.uses, optional=frozen.optional
    )


def read_contents(path: Path) -> Contents | None:
    """The contents of an image in a file; None if it does not exist or is not ours."""
    found = read_record(path, Contents)
    paths = [file.path for each in found.components for file in each.files] if found else []
    return found if all(each.count("/") <= MOST_LEVELS for each in paths) else None


def read_smoked(config: ImageConfig, built: Built) -> Smoked | None:
    """The results of smoke for exactly this image."""
    smoked = read_record(report_path(config, Smoked.step), Smoked)
    return smoked if smoked and smoked.digest == built.digest else None


def proof(smoked: Smoked) -> Proof:
    def seen(checks: tuple[Check, ...]) -> tuple[Seen, ...]:
        return tuple(Seen(name=each.name, passed=each.passed, seen=each.seen) for each in checks)

    runs = (Trial(title=f"Run as user {run.user}", checks=seen(run.checks)) for run in smoked.runs)
    return Proof(
        engine=f"{smoked.engine} ({smoked.engine_version})",
        trials=(Trial(title="The image at rest", checks=seen(smoked.checks)), *runs),
        unchecked=smoked.unchecked,
    )


def start(smoked: Smoked, imports: Imports | None) -> Start | None:
    """The time to the first answer, as smoke measured it, and the imports in it."""
    times = [run.startup_ms for run in smoked.runs if run.startup_ms is not None]
    if not times:
        return None
    if imports is None or imports.digest != smoked.digest:
        return Start(engine=smoked.engine, first_answer_ms=times[0])
    return Start(
        engine=smoked.engine,
        first_answer_ms=times[0],
        measured_ms=imports.first_answer_ms,
        imports=nested((each.name, each.self_us, each.cumulative_us, each.depth) for each in imports.imports),
        parts=tuple((each.name, each.us / 1000) for each in imports.phases),
    )


def keep_before(config: ImageConfig, contents: Contents) -> None:
    """Keep what is on record of the image that was there, unless the new one holds the same."""
    before = read_contents(config.dist / CONTENTS)
    if before and differ(before, contents):
        write_whole(config.dist / BEFORE, as_json(before))


def as_json(contents: Contents) -> str:
    return json.dumps(to_json(contents), separators=(",", ":")) + "\n"


def listed_images(folder: Path) -> Iterator[Listed]:
    """The recorded images whose results lie in a folder, by name."""
    for path in sorted(folder.glob(f"*/{CONTENTS}")):
        contents = read_contents(path)
        if contents:
            before = read_contents(path.with_name(BEFORE))
            yield listed_image(contents, before, has_page=path.with_name(PAGE).exists())
