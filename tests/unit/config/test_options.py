from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config.options import (
    IMAGE_OPTION,
    OPTIONS,
    Options,
    add_options,
    check_taken,
    parse_options,
    to_words,
    words_in_container,
    words_of_second_build,
)
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.table import STEPS

KNOWN = (
    "Available: --tag TAG, --layout LAYOUT, --engine ENGINE, --in PLACE, --platform PLATFORM, --archive FILE, "
    "--filename FILE, --recursive, --no-cache, --no-observe, --fix, --format FORMAT, --check-reproducible, "
    "--env NAME[=VALUE], --publish [HOST:]PORT, --open, --watch, --verbose, --json; "
    "put another -- before words for the program."
)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], Options(config={}, platforms=(), use_cache=True, verbose=False)),
        (["--tag", "1.4"], Options(config={"image": {"tags": ["1.4"]}})),
        (["--tag=1.4"], Options(config={"image": {"tags": ["1.4"]}})),
        (["--tag", "1.4", "--tag", "1"], Options(config={"image": {"tags": ["1.4", "1"]}})),
        (["--layout", "tree"], Options(config={"layout": "tree"})),
        (["--engine", "podman"], Options(config={"smoke": {"engine": "podman"}})),
        (["--in", "docker"], Options(config={"build": {"place": "docker"}})),
        (["--platform", "linux/arm64"], Options(platforms=("linux/arm64",))),
        (["--platform=linux/amd64,linux/arm/v7"], Options(platforms=("linux/amd64", "linux/arm/v7"))),
        (["--platform=linux/x86_64,linux/arm64/v8"], Options(platforms=("linux/amd64", "linux/arm64"))),
        (["--no-cache"], Options(use_cache=False)),
        (["--archive", "a.tar", "--archive", "b.tar"], Options(archives=("a.tar", "b.tar"))),
        (["-f", "a.yaml", "--filename=b", "-f-"], Options(filenames=("a.yaml", "b", "-"))),
        (["-f", "-", "-R"], Options(filenames=("-",), recursive=True)),
        (["--recursive"], Options(recursive=True)),
        (["--fix"], Options(fix=True)),
        (["--check-reproducible"], Options(check_reproducible=True)),
        (["--env", "A=1", "--env=B=x=y", "--env", "C="], Options(variables={"A": "1", "B": "x=y", "C": ""})),
        (["--publish", "8080"], Options(publish=("127.0.0.1", 8080))),
        (["--publish", ":8080"], Options(publish=("127.0.0.1", 8080))),
        (["--publish", "0.0.0.0:65535"], Options(publish=("0.0.0.0", 65535))),
        (["--watch"], Options(watch=True)),
        (["--open"], Options(open=True)),
        (["--", "--watch", "x", "--"], Options(arguments=("--watch", "x", "--"))),
        (["--fix", "--"], Options(fix=True, arguments=())),
        (["--verbose"], Options(verbose=True)),
        (["--json"], Options(json=True)),
        (["--format", "spdx"], Options(formats=("spdx",))),
        (["--format=cyclonedx", "--format=spdx"], Options(formats=("cyclonedx", "spdx"))),
        (
            ["--verbose", "--engine", "docker", "--no-cache", "--tag", "x"],
            Options(config={"image": {"tags": ["x"]}, "smoke": {"engine": "docker"}}, use_cache=False, verbose=True),
        ),
    ],
)
def test_the_words_are_read(words: list[str], options: Options) -> None:
    assert parse_options(words) == options


@pytest.mark.parametrize("word", ["x", "--tags", "--verb", "-v", "--help", "-h", "--größe", "image"])
def test_an_unknown_word_is_named_with_all_that_are_known(word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options(["--verbose", word])
    assert str(caught.value) == f'After --: unknown word "{word}".\n{KNOWN}'


def test_only_the_first_of_several_unknown_words_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options(["--no-cache", "first", "second"])
    assert str(caught.value) == f'After --: unknown word "first".\n{KNOWN}'


@pytest.mark.parametrize("words", [["{}"], ["{}", "--verbose"], ["--verbose", "{}"]])
@pytest.mark.parametrize("option", ["--tag", "--layout", "--engine", "--platform", "--archive"])
def test_an_option_without_its_value_is_named(option: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options([word.format(option) for word in words])
    assert str(caught.value) == f"After --: argument {option}: expected one argument.\n{KNOWN}"


def test_only_formats_that_can_be_written_are_taken() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options(["--format", "spdx", "--format", "pdf"])
    assert str(caught.value) == (
        '--format = "pdf": must be one of "cyclonedx", "spdx", "spdx3".\nCorrect it: --format FORMAT.'
    )


@pytest.mark.parametrize(
    "text",
    [
        *("linux/amd64,", ",linux/amd64", "linux/amd64,linux/amd64", "linux/amd64, linux/arm64", "linux/amd64,arm64"),
        *("linux/arm64,linux/arm64/v8", "linux/arm/v7,linux/arm"),
        *("linux/amd64,windows/amd64", "linux/amd64,linux/../x", "linux/amd64,linux/arm/v7/x"),
    ],
)
def test_several_platforms_are_each_named_once(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options(["--platform", text])
    assert str(caught.value) == (
        f'--platform = "{text}": must be one platform or several Linux platforms, such as linux/amd64,linux/arm64.\n'
        "Correct it: --platform PLATFORM."
    )


def test_a_switch_takes_no_value() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options(["--verbose=yes"])
    assert str(caught.value) == f"After --: argument --verbose: ignored explicit argument 'yes'.\n{KNOWN}"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ()),
        ({"tag": ["1.4", "1"]}, ("--tag=1.4", "--tag=1")),
        ({"tag": []}, ()),
        ({"tag": None, "layout": None, "no_cache": False}, ()),
        ({"layout": "tree", "engine": "docker"}, ("--layout=tree", "--engine=docker")),
        ({"layout": ""}, ("--layout=",)),
        ({"platform": "-x"}, ("--platform=-x",)),
        ({"no_cache": True, "fix": True, "json": True}, ("--no-cache", "--fix", "--json")),
        ({"image": ["web"], "verbose": True}, ("--verbose",)),
    ],
)
def test_options_that_another_front_read_become_words(given: dict[str, Any], words: tuple[str, ...]) -> None:
    assert to_words(given) == words


def test_a_path_is_from_the_folder_of_the_front_that_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert to_words({"archive": ["a.tar", "/b.tar"]}) == (f"--archive={tmp_path}/a.tar", "--archive=/b.tar")
    assert to_words({"filename": ["k8s", "-"]}) == (f"--filename={tmp_path}/k8s", "--filename=-")


def test_words_are_read_as_another_front_read_them() -> None:
    words = to_words({"tag": ["1.4"], "platform": "-x", "no_cache": True})
    assert parse_options(words) == Options(config={"image": {"tags": ["1.4"]}}, platforms=("-x",), use_cache=False)


def test_what_is_for_the_program_stays_as_it_is() -> None:
    assert to_words({"env": ["A=b c"], "watch": True}, ["x", "--", "y z"]) == (
        "--env=A=b c",
        "--watch",
        "--",
        "x",
        "--",
        "y z",
    )
    assert to_words({}, []) == ("--",)


def test_a_variable_by_itself_has_the_callers_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "a=b")
    assert parse_options(["--env", "TOKEN"]).variables == {"TOKEN": "a=b"}


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        (
            "--env=TOKEN",
            '--env = "TOKEN": the variable TOKEN is not set; give its value, or set it in your environment',
        ),
        ("--env==x", '--env = "=x": has no name'),
        ("--env=", '--env = "": has no name'),
        ("--publish=", '--publish = "": the port must be a number from 1 to 65535'),
        ("--publish=0", '--publish = "0": the port must be a number from 1 to 65535'),
        ("--publish=127.0.0.1:65536", '--publish = "127.0.0.1:65536": the port must be a number from 1 to 65535'),
        ("--publish=x:80", '--publish = "x:80": the host must be localhost or an IPv4 address, such as 127.0.0.1'),
        (
            "--publish=[::1]:80",
            '--publish = "[::1]:80": the host must be localhost or an IPv4 address, such as 127.0.0.1',
        ),
    ],
)
def test_what_run_cannot_use_is_named(word: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(ConfigError) as caught:
        parse_options([word])
    usage = "--env NAME[=VALUE]" if word.startswith("--env") else "--publish [HOST:]PORT"
    assert str(caught.value) == f"{problem}.\nCorrect it: {usage}."


def test_the_host_may_be_called_by_its_name() -> None:
    assert parse_options(["--publish=localhost:8001"]).publish == ("127.0.0.1", 8001)


def test_what_was_given_is_known_by_name() -> None:
    given = parse_options(["--tag=1", "--open", "-f", "x", "--publish=80"]).given
    assert given == ("--tag", "--filename", "--publish", "--open")
    assert parse_options([]).given == ()


@pytest.mark.parametrize(
    ("given", "arguments", "steps", "problem"),
    [
        (["--open"], None, ["image"], "--open is for report, which was not requested."),
        (["--watch", "--open"], None, ["image"], "--open is for report, which was not requested."),
        (["--env"], None, ["smoke"], "--env is for run and shell, which were not requested."),
        (["--filename"], None, ["push"], "--filename is for resolve, which was not requested."),
        (
            [],
            ("x",),
            ["smoke"],
            'Text after the last "--" is for run and shell, which were not requested.',
        ),
    ],
)
def test_what_no_step_takes_is_named(
    given: list[str], arguments: tuple[str, ...] | None, steps: list[str], problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_taken(given, arguments, steps)
    assert str(caught.value) == f"{problem}\nRemove it."


@pytest.mark.parametrize(
    ("given", "arguments", "steps"),
    [
        (["--tag", "--layout", "--json"], None, ["freeze"]),
        (["--fix", "--open"], None, ["smoke", "report"]),
        (["--env"], ("x",), ["shell"]),
        ([], (), ["image"]),
    ],
)
def test_what_one_step_takes_may_be_given(
    given: list[str], arguments: tuple[str, ...] | None, steps: list[str]
) -> None:
    check_taken(given, arguments, steps)


def test_help_lists_what_the_steps_take() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, steps=["run"])
    assert "--watch" in parser.format_help()
    assert "--open" not in parser.format_help()
    assert parser.parse_args(["--open"]).open


def test_options_are_of_steps_that_there_are() -> None:
    assert {step for option in OPTIONS for step in option.steps} <= set(STEPS)


def test_any_parser_can_learn_the_options() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser, [*OPTIONS, IMAGE_OPTION])
    given = parser.parse_args(["--image", "web", "--image", "worker", "--no-cache"])
    assert (given.image, given.tag, given.no_cache, given.json) == (["web", "worker"], None, True, False)
    assert "--image NAME" in parser.format_help()


def test_a_second_build_gets_what_decides_on_the_image_and_is_loaded_nowhere() -> None:
    given = ["--tag=1.4", "--tag=1", "--layout=tree", "--engine=docker", "--no-cache", "--json", "--check-reproducible"]
    words = words_of_second_build(parse_options(given))
    assert words == ("--tag=1.4", "--tag=1", "--layout=tree", "--engine=sandbox")
    assert words_of_second_build(Options()) == ("--engine=sandbox",)


# In a container.


def test_in_the_container_is_built_what_was_asked_for_outside() -> None:
    options = parse_options(["--in", "docker", "--layout", "tree", "--no-cache", "--no-observe", "--verbose", "--json"])
    words = words_in_container(options)
    assert set(words) == {"--in=here", "--layout=tree", "--no-cache", "--no-observe", "--verbose"}
    assert words_in_container(parse_options(["--in", "podman", "--tag", "x", "--fix"])) == ("--in=here",)
