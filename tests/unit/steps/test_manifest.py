from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support import FROZEN, PACKED

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.config.model import Freeze
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.steps.manifest import (
    Manifest,
    asked_of_freeze,
    cache_folder,
    manifest_path,
    only_one,
    read_manifest,
    release,
    require_manifest,
    unchanged,
    write_manifest,
)
from pystatic_tasks.steps.results import Frozen, Packed
from pystatic_tasks.system.files import fingerprint, write_whole

WAITING = "another build of shop is running here; waiting for it"
# As deep as it can be parsed, here and there.
NESTED = f'{{"checksum": 1, "x": {"[" * 990}{"]" * 990}}}'
SHA_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def image(tmp_path: Path) -> ImageConfig:
    return ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    path = tmp_path / "output"
    path.write_bytes(b"abc")
    return path


def test_a_manifest_is_read_as_it_was_written(image: ImageConfig, output: Path) -> None:
    written = write_manifest(image, FROZEN, inputs="1234", outputs=[output])
    asked = asked_of_freeze(image)
    assert written == Manifest(asked=asked, inputs="1234", outputs={str(output): SHA_OF_ABC}, result=FROZEN)
    assert read_manifest(image, Frozen) == written
    assert require_manifest(image, Frozen) == written
    content = {
        "step": "freeze",
        "root": str(image.root),
        "asked": asked,
        "inputs": "1234",
        "outputs": {str(output): SHA_OF_ABC},
        "result": to_json(FROZEN),
    }
    left = json.loads((image.root / "build/pystatic/shop/freeze.json").read_text(encoding="utf-8"))
    assert left == {**content, "checksum": fingerprint(content)}


@pytest.mark.parametrize(
    "change",
    [
        {"python": "3.99"},
        {"app": "other:app"},
        {"layout": "tree"},
        {"server": {"workers": 9}},
        {"freeze": Freeze(optimize=0)},
    ],
)
def test_what_was_left_of_another_configuration_is_refused(image: ImageConfig, change: dict[str, Any]) -> None:
    write_manifest(image, FROZEN, inputs="1", outputs=[])
    with pytest.raises(PystaticError) as caught:
        require_manifest(replace(image, **change), Frozen)
    assert str(caught.value) == (
        f"The results of freeze for shop in {image.work} are of another configuration.\n"
        "Run freeze again: it was skipped (Nox does so if an interpreter is missing), "
        "or there was a build with other options in between."
    )


def test_a_step_is_unchanged_if_it_would_leave_the_same_again(image: ImageConfig, output: Path) -> None:
    write_manifest(image, FROZEN, inputs="1", outputs=[output])
    assert unchanged(image, Frozen, "1") == FROZEN
    assert unchanged(image, Frozen, "2") is None
    output.write_bytes(b"other")
    assert unchanged(image, Frozen, "1") is None


def test_a_step_is_done_again_for_another_configuration_of_the_same_inputs(image: ImageConfig) -> None:
    """Else the steps after it would refuse what it left, for ever."""
    write_manifest(image, FROZEN, inputs="1", outputs=[])
    assert unchanged(replace(image, python="3.99"), Frozen, "1") is None


def test_each_step_has_a_manifest_of_its_own(image: ImageConfig) -> None:
    write_manifest(image, FROZEN, inputs="1", outputs=[])
    assert read_manifest(image, Packed) is None


def test_a_changed_output_makes_the_manifest_worthless(image: ImageConfig, output: Path) -> None:
    write_manifest(image, FROZEN, inputs="1234", outputs=[output])
    output.write_bytes(b"abd")
    assert read_manifest(image, Frozen) is None


def test_a_lost_output_makes_the_manifest_worthless(image: ImageConfig, output: Path) -> None:
    write_manifest(image, FROZEN, inputs="1234", outputs=[output])
    output.unlink()
    assert read_manifest(image, Frozen) is None


def test_an_output_that_never_was_makes_the_manifest_worthless(image: ImageConfig, tmp_path: Path) -> None:
    write_manifest(image, FROZEN, inputs="1234", outputs=[tmp_path / "nowhere"])
    assert read_manifest(image, Frozen) is None


def test_outputs_of_the_folder_that_this_one_is_a_copy_of_make_the_manifest_worthless(tmp_path: Path) -> None:
    original, copy = (ImageConfig(root=tmp_path / name, project=tmp_path / name, name="shop") for name in "ab")
    for image in (original, copy):
        write_whole(image.dist / "shop", "abc")
    write_manifest(original, PACKED, inputs="1234", outputs=[original.dist / "shop"])
    write_whole(manifest_path(copy, "staticx"), manifest_path(original, "staticx").read_bytes())
    assert read_manifest(original, Packed)
    assert read_manifest(copy, Packed) is None


def replace_by_pipe(output: Path) -> None:
    output.unlink()
    os.mkfifo(output)


def replace_by_link(output: Path) -> None:
    output.rename(output.with_name("moved"))
    output.symlink_to("moved")


@pytest.mark.parametrize(
    "change", [replace_by_pipe, replace_by_link, lambda output: output.chmod(0o755)], ids=["pipe", "link", "mode"]
)
def test_an_output_of_another_kind_makes_the_manifest_worthless(
    image: ImageConfig, output: Path, change: Callable[[Path], None]
) -> None:
    write_manifest(image, FROZEN, inputs="1234", outputs=[output])
    output.chmod(0o600)
    assert read_manifest(image, Frozen)
    change(output)
    assert read_manifest(image, Frozen) is None


def test_a_program_that_may_be_executed_no_more_makes_the_manifest_worthless(image: ImageConfig, output: Path) -> None:
    output.chmod(0o755)
    written = write_manifest(image, FROZEN, inputs="1234", outputs=[output])
    assert read_manifest(image, Frozen) == written
    output.chmod(0o644)
    assert read_manifest(image, Frozen) is None


def test_a_link_counts_by_where_it_leads(image: ImageConfig, output: Path, tmp_path: Path) -> None:
    links = [tmp_path / "link", tmp_path / "dangling"]
    links[0].symlink_to("output")
    links[1].symlink_to("nowhere")
    written = write_manifest(image, FROZEN, inputs="1234", outputs=links)
    output.write_bytes(b"other")
    assert read_manifest(image, Frozen) == written
    (tmp_path / "same").write_bytes(b"other")
    links[0].unlink()
    links[0].symlink_to("same")
    assert read_manifest(image, Frozen) is None


def test_a_manifest_that_is_a_pipe_is_none(image: ImageConfig) -> None:
    manifest_path(image, "freeze").parent.mkdir(parents=True)
    os.mkfifo(manifest_path(image, "freeze"))
    assert read_manifest(image, Frozen) is None


def test_a_manifest_that_is_larger_than_any_of_ours_is_none(image: ImageConfig) -> None:
    write_manifest(image, FROZEN, inputs="1", outputs=[])
    os.truncate(manifest_path(image, "freeze"), 2**43)
    assert read_manifest(image, Frozen) is None


@pytest.mark.parametrize("content", ["", "{", "{}", '{"inputs": "1", "outputs": {}}', "\x00", "[" * 100_000])
def test_a_broken_manifest_is_none(image: ImageConfig, content: str) -> None:
    write_whole(manifest_path(image, "freeze"), content)
    assert read_manifest(image, Frozen) is None


PLACES = st.sampled_from(["step", "asked", "inputs", "outputs", "result", "checksum", *to_json(FROZEN)])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=PLACES, value=VALUES, is_removed=st.booleans())
def test_a_manifest_that_someone_changed_is_none(image: ImageConfig, place: str, value: Any, is_removed: bool) -> None:
    write_manifest(image, FROZEN, inputs="1", outputs=[])
    path = manifest_path(image, "freeze")
    content = json.loads(path.read_text(encoding="utf-8"))
    table = content if place in content else content["result"]
    assume(is_removed or json.dumps(table[place]) != json.dumps(value))
    table[place] = value
    if is_removed:
        del table[place]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert read_manifest(image, Frozen) is None


def test_a_manifest_in_another_encoding_is_none(image: ImageConfig) -> None:
    write_manifest(image, FROZEN, inputs="1", outputs=[])
    path = manifest_path(image, "freeze")
    path.write_bytes(path.read_bytes().replace(b'"freeze"', b'"gr\xfc\xdfe"'))
    assert read_manifest(image, Frozen) is None


def test_a_missing_step_is_named_with_the_session_to_run(image: ImageConfig) -> None:
    with pytest.raises(PystaticError) as caught:
        require_manifest(image, Packed)
    assert str(caught.value) == (
        f"The results of staticx for shop are not in {image.root}/build/pystatic/shop.\n"
        "Run the staticx session first (it runs by itself unless Nox gets --no-dependencies)."
    )


OTHER_BUILD = """
import sys
from pathlib import Path
from contextlib import ExitStack
from pystatic_tasks.config import ImageConfig
from pystatic_tasks.steps.manifest import only_one

root = Path(sys.argv[1])
with ExitStack() as stack:
    for name in sys.argv[2:]:
        config = ImageConfig(root=root, project=root, name=name, app="shop:app")
        stack.enter_context(only_one(config, lambda line: print(line, flush=True)))
        print(f"has {name}", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_build(image: ImageConfig) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that locks images one after the other, and holds them until its input ends."""
    with ExitStack() as stack:

        def start(*names: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", OTHER_BUILD, str(image.root), *names]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_a_second_build_waits_for_the_first(
    image: ImageConfig, other_build: Callable[..., subprocess.Popen[str]]
) -> None:
    with only_one(image, print):
        other = other_build("shop")
        assert line_of(other) == WAITING
        assert other.poll() is None
    assert line_of(other) == "has shop"


def test_a_build_keeps_its_image_from_session_to_session(
    image: ImageConfig, other_build: Callable[..., subprocess.Popen[str]]
) -> None:
    with only_one(image, print, lambda: True):
        pass
    other = other_build("shop")
    assert line_of(other) == WAITING
    with only_one(image, print), only_one(image, print, lambda: True):
        assert other.poll() is None
    assert line_of(other) == "has shop"


def test_what_goes_on_may_let_others_build(
    image: ImageConfig, other_build: Callable[..., subprocess.Popen[str]]
) -> None:
    with only_one(image, print, lambda: True):
        pass
    with only_one(image, print):
        release(image)
        assert line_of(other_build("shop")) == "has shop"


def test_a_build_that_failed_keeps_nothing(
    image: ImageConfig, other_build: Callable[..., subprocess.Popen[str]]
) -> None:
    with pytest.raises(PystaticError), only_one(image, print, lambda: True):
        raise PystaticError("It failed.")
    assert line_of(other_build("shop")) == "has shop"


def test_two_builds_that_wait_for_each_other_are_told(
    image: ImageConfig, other_build: Callable[..., subprocess.Popen[str]]
) -> None:
    with only_one(image, print):
        other = other_build("other", "shop")
        assert [line_of(other), line_of(other)] == ["has other", WAITING]
        # It may have said so, and not wait yet.
        time.sleep(0.2)
        with pytest.raises(PystaticError) as caught, only_one(replace(image, name="other"), print):
            pass
    assert str(caught.value) == (
        "Another build is building other and waits for an image that this build has.\n"
        "Run the two builds one after the other."
    )


def test_builds_of_different_images_do_not_wait(image: ImageConfig) -> None:
    said: list[str] = []
    with only_one(image, said.append), only_one(replace(image, name="other"), said.append):
        assert said == []


def test_both_folders_are_there_before_anything_is_done(image: ImageConfig) -> None:
    with only_one(image, print):
        assert image.work.is_dir()
        assert image.dist.is_dir()


def test_what_a_killed_build_left_half_written_is_removed(image: ImageConfig) -> None:
    for folder in (image.dist, image.work):
        folder.mkdir(parents=True)
        (folder / ".image.tar.4711.part").write_bytes(b"half")
        (folder / "image.tar").write_bytes(b"whole")
    with only_one(image, print):
        pass
    assert [path.name for path in image.dist.iterdir()] == ["image.tar"]
    assert sorted(path.name for path in image.work.iterdir()) == ["image.tar", "lock"]


def test_what_a_step_keeps_is_gone_if_nothing_is_to_be_used_again(image: ImageConfig) -> None:
    folder = cache_folder(image, "layers", use_cache=True)
    folder.mkdir(parents=True)
    (folder / "one").touch()
    assert (cache_folder(image, "layers", use_cache=True) / "one").exists()
    assert not cache_folder(image, "layers", use_cache=False).exists()
