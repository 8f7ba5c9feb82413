from __future__ import annotations

import pytest

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.options import Options, parse_options

KNOWN = (
    "Known are --tag TAG, --layout LAYOUT, --engine ENGINE, --platform PLATFORM, --no-cache, --fix, --verbose, --json."
)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], Options(config={}, platform=None, use_cache=True, verbose=False)),
        (["--tag", "1.4"], Options(config={"image": {"tags": ["1.4"]}})),
        (["--tag=1.4"], Options(config={"image": {"tags": ["1.4"]}})),
        (["--tag", "1.4", "--tag", "1"], Options(config={"image": {"tags": ["1.4", "1"]}})),
        (["--layout", "tree"], Options(config={"layout": "tree"})),
        (["--engine", "podman"], Options(config={"smoke": {"engine": "podman"}})),
        (["--platform", "linux/arm64"], Options(platform="linux/arm64")),
        (["--no-cache"], Options(use_cache=False)),
        (["--fix"], Options(fix=True)),
        (["--verbose"], Options(verbose=True)),
        (["--json"], Options(json=True)),
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
@pytest.mark.parametrize("option", ["--tag", "--layout", "--engine", "--platform"])
def test_an_option_without_its_value_is_named(option: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options([word.format(option) for word in words])
    assert str(caught.value) == f"After --: argument {option}: expected one argument.\n{KNOWN}"


def test_a_switch_takes_no_value() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options(["--verbose=yes"])
    assert str(caught.value) == f"After --: argument --verbose: ignored explicit argument 'yes'.\n{KNOWN}"
