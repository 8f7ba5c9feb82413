from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.executor import Executor
from invoke.parser.parser import Parser
from invoke.tasks import task

from pystatic_tasks.fronts import tasks
from pystatic_tasks.fronts.nox_process import Call
from pystatic_tasks.fronts.tasks import collection
from pystatic_tasks.steps.table import STEPS


@task
def lint(context: Context) -> None:
    """Mine."""


@task(name="smoke", aliases=("prove",))
def own_smoke(context: Context) -> None:
    """Mine."""


@task(aliases=("image",))
def build(context: Context) -> None:
    """Mine."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What is given to Nox."""
    seen: list[Call] = []

    def run(call: Call) -> int:
        seen.append(call)
        return 0

    monkeypatch.setattr(tasks, "run", run)
    return seen


def invoke(made: Collection, *words: str) -> None:
    """Run tasks as Invoke's command line does."""
    parsed = Parser(contexts=made.to_contexts()).parse_argv(list(words))
    Executor(made, core=parsed).execute(*parsed)


def refused(capsys: pytest.CaptureFixture[str], *arguments: Any, **options: Any) -> str:
    """What is printed when `collection()` ends Invoke."""
    with pytest.raises(SystemExit) as caught:
        collection(*arguments, **options)
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_each_step_is_a_task_that_says_what_it_does() -> None:
    made = collection()
    assert list(made.tasks) == list(STEPS)
    assert [made[step].__doc__ for step in STEPS] == [
        "Freeze the project into one program.",
        "Record what the project can do without.",
        "Pack the project into one static executable.",
        "Build the container image of the project.",
        "Run the image of the project and check its contract.",
        "Run the image of the project until Ctrl-C ends it.",
        "Open a shell in a copy of the image of the project.",
        "Say what is inside the image of the project.",
        "Write the page that shows where the bytes of the project are.",
        "Push the image of the project to registries.",
        "Join archives of the project for several platforms, and push them.",
        "Print YAML with pystatic://NAME replaced by what was pushed.",
    ]


def test_own_tasks_stand_beside_them() -> None:
    made = collection({"lint": lint, "text": "x", "Context": Context})
    assert set(made.task_names) == {"lint", *STEPS}


def test_the_project_is_in_the_folder_of_the_caller(calls: list[Call]) -> None:
    invoke(collection(), "image")
    assert calls == [Call(root=Path(__file__).parent, step="image", shown_as="inv {step}")]


@pytest.mark.parametrize("root", ["../projects", Path(__file__).parents[1] / "projects"])
def test_a_root_starts_from_that_folder(root: str | Path, calls: list[Call]) -> None:
    invoke(collection(root=root), "freeze")
    assert calls[0].root == Path(__file__).parents[1] / "projects"


def test_options_become_the_words_after_noxs_dashes(calls: list[Call]) -> None:
    words = ("--tag", "1.4", "--tag=latest", "--layout", "tree", "--no-cache", "--engine", "podman", "--json")
    invoke(collection(), "image", *words)
    assert calls[0].words == ("--tag=1.4", "--tag=latest", "--layout=tree", "--engine=podman", "--no-cache", "--json")


def test_files_are_from_the_callers_folder_and_may_be_named_in_short(calls: list[Call]) -> None:
    invoke(collection(images="web"), "resolve", "-f", "k8s", "--filename", "-", "-R")
    assert calls[0].words == (f"--filename={Path.cwd()}/k8s", "--filename=-", "--recursive")


def test_what_is_done_for_the_whole_project_has_no_option_for_one_image() -> None:
    tasks = {name: [each.name for each in made.get_arguments()] for name, made in collection().tasks.items()}
    assert [name for name, options in tasks.items() if "image" not in options] == ["resolve"]


def test_options_belong_to_the_task_before_them(calls: list[Call]) -> None:
    invoke(collection(), "freeze", "--verbose", "smoke", "--fix")
    assert [(call.step, call.words) for call in calls] == [("freeze", ("--verbose",)), ("smoke", ("--fix",))]


def test_what_stands_after_the_dashes_is_for_the_program(calls: list[Call]) -> None:
    invoke(collection(), "run", "--env", "A=1", "--watch", "--", "import", "--all")
    assert calls[0].words == ("--env=A=1", "--watch", "--", "import", "--all")


def test_only_what_a_step_takes_is_an_option_of_its_task() -> None:
    made = collection()
    options = {step: {each.name for each in made[step].get_arguments()} for step in STEPS}
    assert [step for step in STEPS if "open" in options[step]] == ["report"]
    without = [step for step in STEPS if "check_reproducible" not in options[step]]
    assert without == ["freeze", "slim", "staticx", "index"]
    with pytest.raises(ParseError, match=r"^No idea what '--open' is!$"):
        invoke(made, "image", "--open")


def test_words_for_a_program_are_for_the_task_that_runs_one(calls: list[Call]) -> None:
    invoke(collection(), "image", "run", "--", "x")
    assert [call.words for call in calls] == [(), ("--", "x")]


@pytest.mark.parametrize(
    ("images", "words", "chosen"),
    [
        ((), (), ()),
        ((), ("--image", "web", "--image", "worker"), ("web", "worker")),
        (("web", "worker"), (), ("web", "worker")),
        ("web", (), ("web",)),
        (("web", "worker"), ("--image", "cron"), ("cron",)),
    ],
)
def test_images_are_chosen_in_the_call_or_by_name(
    images: Any, words: tuple[str, ...], chosen: tuple[str, ...], calls: list[Call]
) -> None:
    invoke(collection(images=images), "image", *words)
    assert (calls[0].images, calls[0].words) == (chosen, ())


def test_configuration_is_passed_on(calls: list[Call]) -> None:
    invoke(collection(max_size="9MB", freeze={"excludes": ["tkinter"]}), "image")
    assert calls[0].overrides == {"max_size": "9MB", "freeze": {"excludes": ["tkinter"]}}


def test_a_failure_ends_invoke_with_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "run", lambda call: 7)
    with pytest.raises(Exit) as caught:
        invoke(collection(), "smoke", "image")
    assert (caught.value.code, caught.value.message) == (7, None)


def test_the_same_step_of_two_projects_runs_for_both(calls: list[Call]) -> None:
    made = Collection()
    for name in ("web", "api"):
        made.add_collection(collection(root=name), name=name)
    invoke(made, "web.image", "api.image")
    assert [call.root.name for call in calls] == ["web", "api"]


def test_a_step_asked_for_twice_runs_once(calls: list[Call]) -> None:
    invoke(collection(), "image", "image")
    assert len(calls) == 1


@pytest.mark.parametrize(("own", "step"), [(build, "image"), (own_smoke, "smoke")])
def test_an_own_task_of_the_same_name_ends_invoke_with_the_ways_out(
    own: Any, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, {"own": own}) == (
        f'tasks.py already has a task "{step}", which pystatic_tasks.tasks.collection() would replace.\n'
        f'Skip it with collection(globals(), skip=["{step}"]), or add the collection under its own name: '
        'ns.add_collection(pystatic_tasks.tasks.collection(), name="pystatic").\n'
    )


@pytest.mark.parametrize("skip", [["smoke"], "smoke"])
def test_a_step_may_be_left_to_an_own_task(skip: Any) -> None:
    made = collection({"own": own_smoke}, skip=skip)
    assert made["smoke"] is own_smoke
    assert set(made.tasks) == set(STEPS)


def test_the_steps_may_stand_below_a_name_of_their_own() -> None:
    made = Collection(lint, own_smoke)
    made.add_collection(collection(), name="pystatic")
    assert made["smoke"] is own_smoke
    assert set(made.task_names) == {"lint", "smoke", *(f"pystatic.{step}" for step in STEPS)}


def test_an_unknown_step_ends_invoke(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, skip=["imag"]) == (
        'There is no step "imag"; did you mean "image"?\nCorrect the call in tasks.py.\n'
    )
