from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.init.source import read_module
from pystatic_tasks.init.tasksfiles import imports_invoke, own_tasks, with_tasks

PATH = Path("tasks.py")
TEST = "from invoke import task\n\n\n@task\ndef test(c):\n    pass\n"


def test_our_tasks_stand_beside_the_others() -> None:
    assert with_tasks(PATH, TEST) == (
        f"import pystatic_tasks.tasks\n{TEST}\n\nnamespace = pystatic_tasks.tasks.collection(globals())\n",
        "",
    )


@pytest.mark.parametrize("name", ["ns", "namespace"])
def test_a_collection_that_is_there_gets_ours_below(name: str) -> None:
    text = f"from invoke import Collection\n\n{name} = Collection()\n"
    assert with_tasks(PATH, text) == (
        f"import pystatic_tasks.tasks\n{text}\n"
        f'{name}.add_collection(pystatic_tasks.tasks.collection(), name="pystatic")\n',
        "pystatic.",
    )


def test_tasks_of_our_names_are_not_replaced() -> None:
    assert with_tasks(PATH, TEST.replace("test", "image")) == (
        "import sys\n\nimport pystatic_tasks.tasks\nfrom invoke import Collection\nfrom invoke import task\n\n\n"
        "@task\ndef image(c):\n    pass\n\n\n"
        "namespace = Collection.from_module(sys.modules[__name__])\n"
        'namespace.add_collection(pystatic_tasks.tasks.collection(), name="pystatic")\n',
        "pystatic.",
    )


@pytest.mark.parametrize("text", [TEST, TEST.replace("test", "image"), TEST + "ns = 1\n"])
def test_a_second_time_nothing_changes(text: str) -> None:
    once, prefix = with_tasks(PATH, text)
    assert with_tasks(PATH, once) == (once, prefix)


def test_own_tasks_are_found_by_the_names_that_invoke_shows() -> None:
    text = (
        'import invoke\n@invoke.task\ndef run_all(c): pass\n@invoke.task(name="image")\ndef f(c): pass\ndef g(): pass\n'
    )
    assert own_tasks(read_module(PATH, text)) == {"run-all", "image"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("import invoke\n", True), ("from invoke import task\n", True), ("from celery import task\n", False)],
)
def test_a_file_of_tasks_may_be_of_somebody_else(text: str, expected: bool) -> None:
    assert imports_invoke(read_module(PATH, text)) is expected
