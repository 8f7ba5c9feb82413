from __future__ import annotations

import platform
from pathlib import Path

import pytest
from nox_sessions import AbortedError, Session, write

from pystatic_tasks.fronts.sessions.registration import register
from pystatic_tasks.system.machine import check_known

BOTH = ("--in", "docker", "--platform", "linux/amd64,linux/arm64")


@pytest.mark.parametrize("words", [BOTH[2:], ("--in", "here", *BOTH[2:])])
def test_this_machine_alone_builds_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    sessions = register(root=write(tmp_path))
    for step in ("image", "resolve"):
        with pytest.raises(AbortedError) as caught:
            sessions[step](Session(*words).nox)
        assert str(caught.value) == (
            "--platform linux/amd64,linux/arm64: this machine builds linux/amd64 only.\n"
            "Build on a machine of that platform, or in a container for it: --in docker or --in podman"
        )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ("--in", "docker", "--platform", "linux/arm65"),
            '--platform linux/arm65: there is no such platform; did you mean "linux/arm64"?',
        ),
        (
            ("--in", "podman", "--platform", "arm64"),
            '--platform arm64: there is no such platform; did you mean "linux/arm64"?',
        ),
        (
            ("--in", "docker", "--platform", "linux/amd64,linux/amd46"),
            '--platform linux/amd46: there is no such platform; did you mean "linux/amd64"?',
        ),
    ],
)
def test_what_is_no_platform_is_told_before_an_engine_is_asked(
    tmp_path: Path, words: tuple[str, ...], problem: str
) -> None:
    sessions = register(root=write(tmp_path))
    for step in ("image", "resolve"):
        with pytest.raises(AbortedError) as caught:
            sessions[step](Session(*words).nox)
        assert str(caught.value) == f"{problem}\nCorrect --platform"


@pytest.mark.parametrize(
    "platform",
    [
        "linux/amd64",
        "linux/amd64/v3",
        "linux/arm/v7",
        "linux/arm64/v8",
        "linux/riscv64",
        "linux/ppc64le",
        "linux/s390x",
    ],
)
def test_a_platform_may_have_a_variant(platform: str) -> None:
    check_known(platform)


def test_a_second_build_is_of_this_machine(tmp_path: Path) -> None:
    with pytest.raises(AbortedError) as caught:
        register(root=write(tmp_path))["image"](Session("--in", "podman", "--check-reproducible").nox)
    assert str(caught.value) == (
        "--check-reproducible builds on this machine, but shop is frozen in a podman container.\n"
        "Omit --check-reproducible, or add --in here to freeze on this machine"
    )
