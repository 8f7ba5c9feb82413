from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from nox_sessions import TWO, AbortedError, Nox, Session, write

from pystatic_tasks.fronts.sessions.registration import register

# Steps that only write down that they were run, and what push leaves.
NOTING = """
import json
import sys
from dataclasses import replace
import nox
import pystatic_tasks
from pystatic_tasks.steps.table import STEPS

def noting(step):
    def run(config, context):
        print("ran", step, config.name, file=sys.stderr)
        print("hint", step, context.command("push"), file=sys.stderr)
        if (step, config.name) == ("image", "worker"):
            raise pystatic_tasks.PystaticError("worker is broken.", "Mend it.")
        config.dist.mkdir(parents=True, exist_ok=True)
        references = [f"registry.example/{config.name}@sha256:1"]
        content = {"digest": "sha256:1", "references": references}
        (config.dist / f"{step}.json").write_text(json.dumps(content))
    return run

for name in [name for name, step in STEPS.items() if not step.is_for_project]:
    STEPS[name] = replace(STEPS[name], run=noting(name), needs_environment=False)
"""
TO_PUSH = ["freeze web", "staticx web", "image web", "push web"]


TAGGED = '[tool.pystatic-tasks]\nimage.tags = ["registry.example/shop:1"]\n'


def project(folder: Path, *lines: str, image: str = "web", tagged: str = TAGGED) -> Path:
    """A project of two images, and YAML that names one."""
    write(folder, tagged + TWO, noxfile="\n".join([NOTING, *lines]))
    (folder / "k8s.yaml").write_text(f"image: pystatic://{image} # ours\n", encoding="utf-8")
    return folder


def noted(result: subprocess.CompletedProcess[str], what: str = "ran") -> list[str]:
    return [line.partition(" ")[2] for line in result.stderr.splitlines() if line.startswith(f"{what} ")]


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "skip=['image']",
        "skip=['staticx', 'push'], prefix='x-'",
        "skip=[step for step in STEPS if step != 'resolve']",
    ],
)
def test_resolve_runs_what_its_images_need_and_prints_nothing_else(
    tmp_path: Path, run_nox: Nox, arguments: str
) -> None:
    folder = project(tmp_path, f"pystatic_tasks.register({arguments})")
    session = "x-resolve" if "prefix" in arguments else "resolve"
    result = run_nox(folder, "-s", session, "--", "-f", "k8s.yaml", "--no-cache")
    assert (result.returncode, result.stdout) == (0, "image: registry.example/web@sha256:1 # ours\n"), result.stderr
    assert noted(result) == TO_PUSH
    assert f"nox > Session {session} was successful" in result.stderr


def test_no_step_before_resolve_tells_what_is_done_next(tmp_path: Path, run_nox: Nox) -> None:
    folder = project(tmp_path, "pystatic_tasks.register()")
    result = run_nox(folder, "-s", "resolve", "--", "-f", "k8s.yaml")
    assert noted(result, "hint") == ["freeze ", "staticx ", "image ", "push nox -s push-web"]


def test_what_ran_before_resolve_is_not_run_again(tmp_path: Path, run_nox: Nox) -> None:
    folder = project(tmp_path, "pystatic_tasks.register()")
    result = run_nox(folder, "-s", "smoke-web", "resolve", "--", "-f", "k8s.yaml")
    assert (result.returncode, result.stdout) == (0, "image: registry.example/web@sha256:1 # ours\n"), result.stderr
    assert noted(result) == [*("freeze web", "staticx web", "image web", "smoke web", "push web")]


def test_what_is_asked_for_beside_resolve_is_printed_as_ever(tmp_path: Path, run_nox: Nox) -> None:
    folder = project(tmp_path, "pystatic_tasks.register()")
    result = run_nox(folder, "-s", "resolve", "push-web", "--", "-f", "k8s.yaml")
    reference = "registry.example/web@sha256:1"
    assert (result.returncode, result.stdout) == (0, f"image: {reference} # ours\n{reference}\n"), result.stderr


NO_TAG = "aborted: No tag of web names a registry: web:latest.\nName one: "


@pytest.mark.parametrize("skipped", [[], ["push"], ["freeze", "staticx", "image", "push"]])
def test_an_image_that_cannot_be_pushed_is_not_built(tmp_path: Path, run_nox: Nox, skipped: list[str]) -> None:
    folder = project(tmp_path, f"pystatic_tasks.register(skip={skipped})", tagged="")
    result = run_nox(folder, "-s", "resolve", "--", "-f", "k8s.yaml")
    assert (result.returncode, result.stdout, noted(result)) == (1, "", [])
    typed = "nox -s resolve -- -f k8s.yaml --tag registry.example/web:1.4"
    assert f"nox > Session resolve {NO_TAG}{typed}, or image.tags in pyproject.toml.\n" in result.stderr


def test_no_image_is_built_if_one_cannot_be_pushed(tmp_path: Path, run_nox: Nox) -> None:
    tagged = '[tool.pystatic-tasks.images.worker]\nimage.tags = ["registry.example/worker:1"]\nscript = "worker.py"\n'
    folder = project(tmp_path, "pystatic_tasks.register()", tagged="")
    (folder / "pyproject.toml").write_text(
        f'{tagged}[tool.pystatic-tasks.images.web]\napp = "shop:app"\n', encoding="utf-8"
    )
    (folder / "k8s.yaml").write_text("- pystatic://worker\n- pystatic://web\n", encoding="utf-8")
    result = run_nox(folder, "-s", "resolve", "--", "-f", "k8s.yaml")
    assert (noted(result), NO_TAG in result.stderr) == ([], True)


def test_what_cannot_be_pushed_is_not_built_for_it(tmp_path: Path, run_nox: Nox) -> None:
    folder = project(tmp_path, "pystatic_tasks.register()", tagged="")
    result = run_nox(folder, "-s", "push-web")
    assert (result.returncode, noted(result)) == (1, [])
    typed = "nox -s push-web -- --tag registry.example/web:1.4"
    assert f"nox > Session freeze-web {NO_TAG}{typed}, or image.tags in pyproject.toml.\n" in result.stderr
    result = run_nox(folder, "-s", "push-web", "--", "--tag", "registry.example/web:1.4")
    assert (result.returncode, noted(result)) == (0, TO_PUSH)


def test_what_another_image_lacks_ends_only_what_is_for_it(tmp_path: Path, run_nox: Nox) -> None:
    folder = project(tmp_path, "pystatic_tasks.register()", tagged="")
    result = run_nox(folder, "-s", "staticx-worker", "push-web")
    assert noted(result) == ["freeze worker", "staticx worker"]


REPAIR = """
from pystatic_tasks.errors import Repair, SmokeError

def smoke(config, context):
    noting("smoke")(config, context)
    if not config.freeze.hidden_imports:
        raise SmokeError("It broke.", repairs=[Repair(table="freeze", key="hidden-imports", value=("x",))])

STEPS["smoke"] = replace(STEPS["smoke"], run=smoke)
pystatic_tasks.register()
"""


def test_what_is_built_again_after_a_repair_prints_nothing(tmp_path: Path, run_nox: Nox) -> None:
    result = run_nox(project(tmp_path, REPAIR), "-s", "smoke-web", "--", "--fix", "--json")
    assert result.returncode == 0, result.stderr
    assert result.stdout == '{"digest": "sha256:1", "references": ["registry.example/web@sha256:1"]}\n'
    assert noted(result) == ["freeze web", "staticx web", "image web", "smoke web"] * 2


def test_an_image_that_cannot_be_built_ends_resolve(tmp_path: Path, run_nox: Nox) -> None:
    folder = project(tmp_path, "pystatic_tasks.register()", image="worker")
    result = run_nox(folder, "-s", "resolve", "--", "-f", "k8s.yaml")
    assert (result.returncode, result.stdout) == (1, "")
    assert noted(result) == ["freeze worker", "staticx worker", "image worker"]
    assert "nox > Session image-worker aborted: worker is broken.\nMend it.\n" in result.stderr
    assert (
        "nox > Session resolve aborted: worker is needed, but image-worker failed.\nSee its output above"
    ) in result.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--no-dependencies", "-s", "resolve"), "pystatic_tasks.register()"),
        (
            ("-s", "deploy"),
            "nox.session(venv_backend='none', name='deploy')(lambda s: pystatic_tasks.run_step(s, 'resolve'))",
        ),
    ],
)
def test_where_nothing_is_to_run_before_what_was_pushed_is_taken(
    tmp_path: Path, run_nox: Nox, arguments: tuple[str, ...], line: str
) -> None:
    folder = project(tmp_path, line)
    result = run_nox(folder, *arguments, "--", "-f", "k8s.yaml")
    assert (result.returncode, result.stdout, noted(result)) == (1, "", [])
    assert "aborted: web was not pushed.\nPush it: nox -s push.\n" in result.stderr
    (folder / "dist/pystatic/web").mkdir(parents=True)
    left = '{"digest": "sha256:2", "references": ["registry.example/web@sha256:2"]}'
    (folder / "dist/pystatic/web/push.json").write_text(left, encoding="utf-8")
    result = run_nox(folder, *arguments, "--", "-f", "k8s.yaml")
    assert (result.returncode, result.stdout) == (0, "image: registry.example/web@sha256:2 # ours\n"), result.stderr


def test_resolve_has_no_manifest_to_print(tmp_path: Path) -> None:
    sessions = register(root=write(tmp_path))
    with pytest.raises(AbortedError) as caught:
        sessions["resolve"](Session("--json", "-f", "k8s.yaml").nox)
    assert str(caught.value) == "resolve has no manifest for --json to print.\nOmit --json"
