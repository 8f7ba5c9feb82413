"""Imports the target as the server will, and reports what the freeze has to know."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..exchange import respond
from ..installed.distributions import commands, installed_distributions, split_distributions, top_level
from ..installed.elsewhere import changes, from_elsewhere, moment, without_own_changes
from ..installed.name_scan import mentioned
from ..installed.package_data import loaded_modules, loose_data, metadata_files, own_data, plugins
from ..observe.recorder.sitecustomize import database_files, import_from_sources, is_no_file, reads
from ..protocol import DataFile, Examined, RefusedError, Target
from . import frameworks

# https://docs.python.org/3/library/audit_events.html
ASKING = ("open", "os.listdir", "os.scandir")
CHANGING = ("os.mkdir", "os.remove", "os.rename", "os.rmdir")
# Parts of the standard library, and the names that code uses to get them.
ASKED_BY_NAME = {
    "process-pools": {"ProcessPoolExecutor"},
    "queue-handlers": {"QueueHandler", "QueueListener"},
    "archives": {"tarfile", "zipfile", "bz2", "lzma", "make_archive", "unpack_archive"},
}


@dataclass(frozen=True, kw_only=True)
class Served:
    """What an application needs; see `Examined`."""

    settings: Mapping[str, Any]
    read: Sequence[str] = ()
    changed: Sequence[str] = ()
    hidden_imports: Sequence[str] = ()
    data: Sequence[DataFile] = ()
    ports: Sequence[int] = ()
    unused: Sequence[str] = ()
    static_folders: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Files that the import accessed; see `Examined`.

    Attributes:
        read: Paths outside Python that it accessed, existing or not, except those that it changed itself.
        changed: Paths that it created, renamed or wrote.
    """

    read: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)


def examine(request: Target) -> Examined:
    sys.path[:0] = request.import_paths
    check_names("hidden-imports", request.hidden_imports)
    check_names("collect", request.collect)
    tools, others = split_distributions(request.tools)
    tool_modules = {module for each in tools for module in top_level(each)}
    code = [*map(Path, request.sources), *code_files(others)]
    found = plugins(others, code)
    wanted = [*named_distributions(request.metadata), *(each for each, _ in found)]
    data = [*own_data(others), *(file for each in wanted for file in metadata_files(each))]
    unused = unused_parts(code)
    distributions = {d.metadata["Name"]: d.version for d in installed_distributions()}
    served = examine_app(request) if request.app else Served(settings=request.settings)
    modules = {*served.hidden_imports, *(module for _, module in found)}
    return Examined(
        settings=served.settings,
        read=tuple(served.read),
        hidden_imports=tuple(sorted(name for name in modules if name.partition(".")[0] not in tool_modules)),
        data=tuple(sorted({*data, *served.data})),
        ports=tuple(served.ports),
        tool_modules=tuple(sorted(tool_modules)),
        unused=(*unused, *served.unused),
        distributions=distributions,
        commands=commands(others),
        changed=tuple(served.changed),
        static_folders=tuple(served.static_folders),
    )


def named_distributions(names: Iterable[str]) -> Iterator[importlib.metadata.Distribution]:
    for name in names:
        try:
            yield importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            raise RefusedError(
                f'freeze.metadata names "{name}", which is not a distribution in the build environment.',
                "Correct the name, or add it to the project's dependencies.",
            ) from None


def check_names(key: str, names: Iterable[str]) -> None:
    for name in names:
        if not frameworks.can_be_found(name):
            raise RefusedError(
                f'freeze.{key} names "{name}", which is not a module in the build environment.',
                "Correct the name, or add the package that provides it to the project's dependencies.",
            )


def examine_app(request: Target) -> Served:
    # The package in_image has this name in the image, and here.
    errors: Any = importlib.import_module("pystatic_runner.errors")
    servers: Any = importlib.import_module("pystatic_runner.servers")
    site = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    roots = [*request.loose, *dict.fromkeys(site)]
    with listening() as heard:
        own = import_server_config(request)
        before = set(sys.modules)
        # Keep a reference: its objects are inspected later.
        app = import_target(request.app, request.project)
    if not is_application(app):
        raise RefusedError(
            f'The target "{request.app}" is not an application: it takes neither WSGI arguments '
            "(environ, start_response) nor ASGI arguments (scope, receive, send).",
            'Name an application, or a function that returns one, as in "shop:create_app()"; '
            "use script or command for a program that serves by itself.",
        )
    loaded = loaded_modules(before, roots)
    try:
        server = servers.find_server(request.server).examine(app, request.settings, own, request.env)
    except errors.SettingsError as error:
        raise RefusedError(str(error), "Correct [tool.pystatic-tasks.server].") from None
    data = [*loose_data(request.loose), *frameworks.framework_data(roots)]
    static_folders: list[str] = []
    if frameworks.is_django():
        named, files, static_folders = examine_django(request, roots, heard)
        loaded += named
        data += files
    return Served(
        settings=server.settings,
        read=sorted(heard.read),
        changed=sorted(heard.changed),
        hidden_imports=[*server.hidden_imports, *loaded],
        data=data,
        ports=server.ports,
        unused=server.unused_parts,
        static_folders=static_folders,
    )


@contextlib.contextmanager
def listening(heard: Heard | None = None) -> Iterator[Heard]:
    """Collect the files that the body accesses; they are added to `heard` at the end."""
    heard = heard or Heard()
    asked: set[str] = set()
    opened: set[str] = set()
    written: set[str] = set()
    is_over, began = False, moment()

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if is_over:
            return
        if event == "sqlite3.connect":
            written.update(database_files(arguments[0]))
        if event == "os.link":
            written.add(str(Path(os.fsdecode(arguments[1])).absolute()))
        if event not in (*ASKING, *CHANGING):
            return
        given = arguments[: 2 if event == "os.rename" else 1]
        named = {each for each in given if isinstance(each, (str, bytes, os.PathLike))}
        paths = {str(Path(os.fsdecode(each)).absolute()) for each in named}
        flags = arguments[2] if event == "open" else os.O_RDONLY
        if event in CHANGING or flags & os.O_ACCMODE != os.O_RDONLY:
            opened.update(paths)
        if event not in CHANGING and reads(flags):
            asked.update(path for path in paths if event != "open" or not is_no_file(path, arguments[1]))

    sys.addaudithook(note)
    try:
        yield heard
    finally:
        is_over = True
        paths = {Path(path) for path in from_elsewhere(without_own_changes(asked, opened, began))}
        heard.read.update(str(path) for path in paths if path.is_file() or path.is_dir() or not path.exists())
        heard.changed.update(changes(opened | written, began))


def examine_django(request: Target, roots: Sequence[str], heard: Heard) -> tuple[list[str], list[DataFile], list[str]]:
    """The modules and data files that Django finds by name, and the folders from which static files were collected.

    Files read to collect them are added to `heard`.
    """
    try:
        modules = frameworks.django_modules(map(Path, request.sources))
        with listening(heard):
            data = list(frameworks.django_data(roots, Path(request.static)))
            is_collected = any(source.startswith(f"{request.static}/") for source, _ in data)
            folders = frameworks.static_folders() if is_collected else []
        return modules, data, folders
    except Exception:
        raise RefusedError(
            "Cannot collect what Django uses, or its static files:",
            "Correct the settings, or set what they need under [tool.pystatic-tasks.image.env].",
            own_traceback(request.project, request.app.partition(".")[0]),
        ) from None


def import_server_config(request: Target) -> Mapping[str, Any]:
    """The settings in the project's own configuration file for the server."""
    name = request.server_config
    if not name:
        return {}
    try:
        return vars(importlib.import_module(name))
    except BaseException:
        raise RefusedError(
            f"{request.server}'s configuration file cannot be imported:",
            'Correct it, or set server.config = "" to do without it.',
            own_traceback(request.project, name),
        ) from None


def import_target(target: str, project: str) -> Any:
    application: Any = importlib.import_module("pystatic_runner.application")
    errors: Any = importlib.import_module("pystatic_runner.errors")
    module = target.partition(":")[0]
    where = f'The target "{target}"'
    try:
        return application.import_app(target)
    except errors.TargetError as error:
        raise RefusedError(f"{where} could not be loaded: {error}", "Correct tool.pystatic-tasks.app.") from None
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise RefusedError(
                f'{where} does not exist: there is no module "{error.name}" in the build environment.',
                "Correct tool.pystatic-tasks.app, or add the project that has it to tool.pystatic-tasks.install.",
            ) from None
        raise RefusedError(
            f"{where} cannot be imported:",
            f'Add the package that provides "{error.name}" to the project\'s dependencies.',
            own_traceback(project, module.partition(".")[0]),
        ) from None
    except SyntaxError:
        raise RefusedError(
            f"{where} cannot be imported:", "Correct the code.", own_traceback(project, module.partition(".")[0])
        ) from None
    except BaseException:
        raise RefusedError(
            f"{where} cannot be imported:",
            "Correct the code, or set the variables that it needs: in image.env, or in smoke.env if not for the image.",
            own_traceback(project, module.partition(".")[0]),
        ) from None


def is_application(app: Any) -> bool:
    """Whether it can be called like a WSGI or ASGI application; ASGI 2 passes only the scope."""
    try:
        signature = inspect.signature(app, follow_wrapped=False)
    except (TypeError, ValueError):
        # Callables in C may have no signature.
        return True
    return takes(signature, 2) or takes(signature, 3) or (takes(signature, 1) and not takes(signature, 0))


def takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def own_traceback(project: str, package: str) -> list[str]:
    """The current exception, with only the frames in the project's code.

    Args:
        project: Folder of the project, which is removed from file names.
        package: First part of the target's module, which is in site-packages if it is installed.
    """
    kind, error, trace = sys.exc_info()
    frames = traceback.extract_tb(trace)
    library = (str(Path(os.__file__).parent), str(Path(__file__).parents[1]), "<frozen")
    own = [frame for frame in frames if is_own(frame.filename, library, package)]
    lines = [line for entry in traceback.format_list(own) for line in entry.rstrip().splitlines()]
    last = traceback.format_exception_only(kind, error)
    lines += "".join(last).rstrip().splitlines()
    return [re.sub(r'"[^"]*/site-packages/', '"', line.replace(f"{project}{os.sep}", "")) for line in lines]


def is_own(filename: str, library: Sequence[str], package: str) -> bool:
    parts = Path(filename).parts
    if "pystatic_runner" in parts:
        return False
    if "site-packages" in parts:
        inner = parts[parts.index("site-packages") + 1]
        return inner in (package, f"{package}.py")
    return not filename.startswith(tuple(library))


def code_files(distributions: Iterable[importlib.metadata.Distribution]) -> Iterator[Path]:
    for distribution in distributions:
        for file in distribution.files or ():
            path = Path(str(distribution.locate_file(file)))
            if path.suffix in (".py", ".so") and path.is_file():
                yield path


def unused_parts(files: Sequence[Path]) -> list[str]:
    """The parts in `ASKED_BY_NAME` that no file mentions."""
    named = mentioned(set().union(*ASKED_BY_NAME.values()), files)
    return [part for part, names in ASKED_BY_NAME.items() if not names & named]


def main(question: Path, answer: Path) -> None:
    import_from_sources()
    respond(Target, examine, question, answer)
