"""The command line: `pystatic`, or `python -m pystatic_tasks`, for projects with or without a noxfile.

Modules that only one command needs are imported inside it, so that a step starts Nox without delay.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from pystatic_tasks.config.options import (
    IMAGE_OPTION,
    OPTIONS,
    add_options,
    check_taken,
    divided,
    given_options,
    to_words,
)
from pystatic_tasks.errors import ConfigError, PystaticError
from pystatic_tasks.fronts.nox_process import Call, run, tell
from pystatic_tasks.steps.table import STEPS, TABLE, with_steps_before
from pystatic_tasks.system.redaction import masked

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after the program's name; by default those of the process.

    Returns:
        The exit code: 0, or that of the error's class.
    """
    program = program_name(sys.argv[0])
    parser = make_parser(program)
    ours, of_program = divided(sys.argv[1:] if arguments is None else arguments)
    given = parser.parse_args(ours)
    if of_program and given.command not in STEPS:
        parser.error(f"unrecognized arguments: {' '.join(of_program)}")
    try:
        root = existing_folder(given.root)
        if given.command == "init":
            from pystatic_tasks.init import init

            init(
                root,
                dry_run=given.dry_run,
                target=given.target,
                say=print,
                confirm=lambda: given.yes or confirmed(),
                command=program,
            )
            sys.stdout.flush()
            return 0
        if given.command == "check":
            return check(root, as_json=given.json)
        check_taken(given_options(vars(given)), of_program, with_steps_before([given.command]))
        words = to_words(vars(given), of_program)
        shown_as = f"{program} {{step}}" + (f" --root {given.root}" if given.root != "." else "")
        return run(Call(root=root, step=given.command, images=tuple(given.image), words=words, shown_as=shown_as))
    except BrokenPipeError:
        # The reader, such as head, has closed the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (PystaticError, OSError) as error:
        return tell(error)
    except KeyboardInterrupt:
        return INTERRUPTED


class MaskingParser(argparse.ArgumentParser):
    """Hides credentials in messages about wrong arguments."""

    def error(self, message: str) -> NoReturn:
        super().error(masked(message))


def make_parser(program: str) -> argparse.ArgumentParser:
    parser = MaskingParser(
        prog=program,
        description="Build a tiny container image for a Python service.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pystatic-tasks {version('pystatic-tasks')}")
    root = MaskingParser(add_help=False)
    root.add_argument(
        "--root", metavar="FOLDER", default=".", help="folder of the pyproject.toml (default: the current folder)"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    begin = add_command(commands, "init", "Inspect the project and write its configuration.", root)
    begin.add_argument(
        "--target", metavar="TARGET", help='what to serve, such as "shop.web:app", instead of the target that is found'
    )
    begin.add_argument("--dry-run", action="store_true", help="show what would be written, without writing it")
    begin.add_argument("--yes", action="store_true", help="write without asking")
    able = add_command(commands, "check", "Check whether this machine can build.", root)
    able.add_argument("--json", action="store_true", help="print the findings as JSON on standard output")
    for step in TABLE:
        parser_of_step = add_command(commands, step.name, step.description.format(name="the project"), root)
        options = OPTIONS if step.is_for_project else [*OPTIONS, IMAGE_OPTION]
        add_options(parser_of_step, options, with_steps_before([step.name]))
        parser_of_step.epilog = step.words_after
        parser_of_step.set_defaults(image=[])
    return parser


def add_command(
    commands: argparse._SubParsersAction[MaskingParser],
    name: str,
    description: str,
    root: MaskingParser,
) -> MaskingParser:
    return commands.add_parser(name, help=description, description=description, parents=[root], allow_abbrev=False)


def program_name(path: str) -> str:
    """How the user started this program."""
    return "python -m pystatic_tasks" if Path(path).name == "__main__.py" else Path(path).name


def existing_folder(path: str) -> Path:
    """The absolute path of a folder.

    Raises:
        ConfigError: it does not exist.
    """
    if not Path(path).is_dir():
        raise ConfigError(
            f"There is no folder {path}.", "Name an existing folder with --root, or omit --root for the current one."
        )
    return Path(path).resolve()


def confirmed() -> bool:
    """Ask the user at the terminal; without a terminal, the answer is yes."""
    if not sys.stdin.isatty():
        return True
    try:
        return input("Write this? [Y/n] ").strip().lower() in ("", "y", "yes")
    except EOFError:
        return False


def check(root: Path, *, as_json: bool) -> int:
    from pystatic_tasks.init.check import check_all, exit_code, report

    findings = check_all(root)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]), flush=True)
    else:
        print("\n".join(report(findings)), flush=True)
    return exit_code(findings)


if __name__ == "__main__":
    sys.exit(main())
