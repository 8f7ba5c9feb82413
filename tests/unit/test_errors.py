from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from support import small_disk

from pystatic_tasks import errors
from pystatic_tasks.errors import file_error

EXIT_CODES = {
    errors.ConfigError: 2,
    errors.MissingToolError: 3,
    errors.FreezeError: 4,
    errors.StaticxError: 5,
    errors.ImageError: 6,
    errors.SmokeError: 7,
    errors.PushError: 8,
}


@pytest.mark.parametrize(("kind", "code"), EXIT_CODES.items())
def test_each_kind_of_error_has_its_exit_code(kind: type[errors.PystaticError], code: int) -> None:
    assert kind("x").exit_code == code


def test_the_tree_has_no_other_kinds() -> None:
    assert set(errors.PystaticError.__subclasses__()) == {*EXIT_CODES, errors.ProgramError}
    assert errors.PystaticError.exit_code == 1


def test_a_program_that_was_run_gives_its_own_exit_code() -> None:
    assert errors.ProgramError("x", code=42).exit_code == 42


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.PystaticError("It broke."), "It broke."),
        (errors.PystaticError("It broke.", "Mend it."), "It broke.\nMend it."),
        (errors.PystaticError("It broke:", "Mend it.", ["one", "two"]), "It broke:\n  one\n  two\nMend it."),
        (errors.PystaticError("It broke:", details=["one"]), "It broke:\n  one"),
    ],
)
def test_the_text_is_the_problem_then_the_details_then_the_remedy(error: errors.PystaticError, text: str) -> None:
    assert str(error) == text


def test_an_error_keeps_its_parts() -> None:
    error = errors.SmokeError("It broke:", "Mend it.", ["one"])
    assert (error.problem, error.remedy, error.details) == ("It broke:", "Mend it.", ("one",))


def test_a_broken_contract_may_say_what_mends_it() -> None:
    repair = errors.Repair(table="freeze", key="hidden-imports", value=("a",))
    assert errors.SmokeError("It broke.", repairs=[repair]).repairs == (repair,)
    assert errors.SmokeError("It broke.").repairs == ()


def test_a_service_that_is_not_there_is_a_kind_of_smoke_with_a_line_for_freeze() -> None:
    error = errors.ServiceError("It ended:", "Mend it.", ["one"], line="it ended: one")
    assert (str(error), error.line, error.repairs) == ("It ended:\n  one\nMend it.", "it ended: one", ())
    assert isinstance(error, errors.SmokeError)


@pytest.mark.parametrize(("value", "text"), [(("a", "größe"), '["a", "größe"]'), ((), "[]"), (True, "true")])
def test_a_repair_knows_its_line(value: tuple[str, ...] | bool, text: str) -> None:
    repair = errors.Repair(table="freeze", key="hidden-imports", value=value)
    assert (repair.name, repair.field, repair.toml) == ("freeze.hidden-imports", "hidden_imports", text)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (
            errno.ENOSPC,
            "/p/dist/x cannot be read or written: No space left on device.\n"
            "Free some space and try again; no half-written file was left behind.",
        ),
        (
            errno.EROFS,
            "/p/dist/x cannot be read or written: Read-only file system.\n"
            "Make it writable: results go to dist/ and work files to build/ in the project's folder.",
        ),
        (
            errno.EACCES,
            "/p/dist/x cannot be read or written: Permission denied.\n"
            "Make it accessible: results go to dist/ and work files to build/ in the project's folder.",
        ),
        (
            errno.EISDIR,
            "/p/dist/x cannot be read or written: Is a directory.\nCheck the file and its folder.",
        ),
    ],
)
def test_what_the_system_says_of_a_file_becomes_a_message(number: int, text: str) -> None:
    assert str(file_error(OSError(number, os.strerror(number), "/p/dist/x"))) == text


def test_the_file_that_was_written_to_is_the_second_of_two() -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/p/a", None, "/p/b")
    assert file_error(error).problem.startswith("/p/b cannot ")


def test_a_folder_that_could_not_be_copied_is_told_by_its_first_file(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/link").symlink_to("nowhere")
    with pytest.raises(shutil.Error) as caught:
        shutil.copytree(tmp_path / "a", tmp_path / "c")
    assert file_error(caught.value).problem == (
        f"{tmp_path}/c/b/link cannot be read or written: [Errno 2] No such file or directory: '{tmp_path}/a/b/link'."
    )


def test_a_full_disk_is_told_of_a_folder_too(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/large").write_bytes(bytes(2**20))
    with small_disk(tmp_path / "disk", "256k"), pytest.raises(shutil.Error) as caught:
        shutil.copytree(tmp_path / "a", tmp_path / "disk/a")
    assert str(file_error(caught.value)) == (
        f"{tmp_path}/disk/a/large cannot be read or written: No space left on device.\n"
        "Free some space and try again; no half-written file was left behind."
    )


def test_an_error_without_a_file_is_told_too() -> None:
    assert file_error(OSError("odd")).problem == "A file cannot be read or written: odd."


def test_credentials_are_hidden_in_messages() -> None:
    error = errors.ConfigError("There is no https://me:secret@index.example.", "", ["at http://token@host.example/x"])
    assert str(error) == "There is no https://***@index.example.\n  at http://***@host.example/x"
