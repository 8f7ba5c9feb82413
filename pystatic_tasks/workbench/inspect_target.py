"""Import the target as the server will, and say what follows for the freeze.

Input: {"app": target or null, "settings": {…}, "import_paths": […], "hidden_imports": […],
        "collect": […], "metadata": […], "project": folder, "env": {…}, "sources": [source files of the project],
        "tools": [names of the distributions that are only tools], "loose": [folders of code that is not installed],
        "static": folder for static files that are collected, "server_config": module of gunicorn settings or ""}
Output: {"settings": {…}, "hidden_imports": […], "data": [[source, folder in the program]], "ports": […],
         "tool_modules": […],
         "unused": [parts that the program has no use for], "distributions": {name: version}}
        or {"problem": sentence, "details": [lines], "remedy": sentence}.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import frameworks
from belongings import loaded_modules, loose_data, metadata_files, own_data, plugins
from mentions import mentioned

# The project may have modules of these names.
del sys.path[0], sys.modules["frameworks"], sys.modules["belongings"], sys.modules["mentions"], sys.modules["owners"]

# Parts of the standard library, and the names by which somebody would ask for them.
ASKED_BY_NAME = {
    "process-pools": {"ProcessPoolExecutor"},
    "queue-handlers": {"QueueHandler", "QueueListener"},
    "archives": {"tarfile", "zipfile", "bz2", "lzma", "make_archive", "unpack_archive"},
}


class RefusedError(Exception):
    def __init__(self, problem: str, remedy: str, details: Iterable[str] = ()) -> None:
        super().__init__(problem)
        self.answer = {"problem": problem, "remedy": remedy, "details": list(details)}


def examine(request: Mapping[str, Any]) -> dict[str, Any]:
    sys.path[:0] = request["import_paths"]
    check_names("hidden-imports", request["hidden_imports"])
    check_names("collect", request["collect"])
    tools, others = split_distributions(request["tools"])
    tool_modules = {module for each in tools for module in top_level(each)}
    code = [*map(Path, request["sources"]), *code_files(others)]
    found = plugins(others, code)
    wanted = [*named_distributions(request["metadata"]), *(each for each, _ in found)]
    answer: dict[str, Any] = {
        "settings": request["settings"],
        "hidden_imports": [module for _, module in found],
        "data": [*own_data(others), *(file for each in wanted for file in metadata_files(each))],
        "ports": [],
        "tool_modules": sorted(tool_modules),
        "unused": unused_parts(code),
        "distributions": {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()},
    }
    if request["app"]:
        served = examine_app(request)
        for name in ("hidden_imports", "data", "unused"):
            served[name] = [*answer[name], *served[name]]
        answer.update(served)
    answer["hidden_imports"] = sorted(
        name for name in set(answer["hidden_imports"]) if name.partition(".")[0] not in tool_modules
    )
    answer["data"] = sorted(dict.fromkeys(map(tuple, answer["data"])))
    return answer


def named_distributions(names: Iterable[str]) -> Iterator[importlib.metadata.Distribution]:
    for name in names:
        try:
            yield importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            raise RefusedError(
                f'freeze.metadata names "{name}", and there is no such distribution in the build environment.',
                "Correct the name, or add it to the project's dependencies.",
            ) from None


def check_names(key: str, names: Iterable[str]) -> None:
    for name in names:
        if not frameworks.can_be_found(name):
            raise RefusedError(
                f'freeze.{key} names "{name}", and there is no such module in the build environment.',
                "Correct the name, or add the package that holds it to the project's dependencies.",
            )


def examine_app(request: Mapping[str, Any]) -> dict[str, Any]:
    from pystatic_runner.asgi import is_asgi
    from pystatic_runner.settings import SettingsError, configure, exposed_ports

    settings = dict(request["settings"])
    site = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    roots = [*request["loose"], *dict.fromkeys(site)]
    own = import_server_config(request)
    before = set(sys.modules)
    # It is kept, since what it was set up with is looked at afterwards.
    app = import_target(request["app"], request["project"])
    loaded = loaded_modules(before, roots)
    if is_asgi(app) and "worker_class" not in own:
        settings.setdefault("worker_class", "asgi")
    try:
        config = configure(settings, environment=request["env"], own=own)
        modules = {class_module(config, "logger_class"), class_module(config, "worker_class")}
        modules |= callback_modules(config)
    except SettingsError as error:
        raise RefusedError(str(error), "Correct [tool.pystatic-tasks.server].") from None
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "").rstrip(": ") or type(error).__name__
        raise RefusedError(
            f"gunicorn refuses its settings: {reason}.", "Correct [tool.pystatic-tasks.server]."
        ) from None
    data = [*loose_data(request["loose"]), *frameworks.framework_data(roots)]
    if frameworks.is_django():
        django = examine_django(request, roots)
        loaded += django["modules"]
        data += django["data"]
    return {
        "settings": settings,
        "hidden_imports": [*modules, *loaded],
        "data": data,
        "ports": exposed_ports(config),
        "unused": unused_server_parts(config),
    }


def examine_django(request: Mapping[str, Any], roots: Sequence[str]) -> dict[str, Any]:
    try:
        return {
            "modules": frameworks.django_modules(map(Path, request["sources"])),
            "data": list(frameworks.django_data(roots, Path(request["static"]))),
        }
    except Exception:
        raise RefusedError(
            "What Django uses, or its static files, could not be collected:",
            "Correct the settings, or set what they need under [tool.pystatic-tasks.image.env].",
            own_traceback(request["project"], request["app"].partition(".")[0]),
        ) from None


def import_server_config(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of the project's own configuration file of gunicorn."""
    name = request["server_config"]
    if not name:
        return {}
    try:
        return vars(importlib.import_module(name))
    except BaseException:
        raise RefusedError(
            "gunicorn's configuration file does not import:",
            'Correct it, or do without it: server.config = "".',
            own_traceback(request["project"], name),
        ) from None


def unused_server_parts(config: Any) -> list[str]:
    """What of gunicorn never starts, by its settings and what is installed."""
    get = {name: setting.get() for name, setting in config.settings.items()}.get
    parts = []
    if get("control_socket_disable", True) and not get("dirty_apps"):
        parts.append("side-servers")
    if not frameworks.can_be_found("h2"):
        parts.append("http2")
    return parts


def class_module(config: Any, name: str) -> str:
    """The module of a class that a setting names."""
    from pystatic_runner.settings import SettingsError

    found = getattr(config, name)
    if not inspect.isclass(found):
        raise SettingsError(f"server.{name} = {found!r} is not a class that can be imported.")
    return found.__module__


def callback_modules(config: Any) -> set[str]:
    """Modules of the project's own hooks, which gunicorn finds by name."""
    values = (setting.get() for setting in config.settings.values())
    modules = {getattr(value, "__module__", None) for value in values if inspect.isroutine(value)}
    return {module for module in modules if module and not module.startswith("gunicorn.")}


def import_target(target: str, project: str) -> Any:
    from gunicorn.errors import AppImportError
    from gunicorn.util import import_app

    module = target.partition(":")[0]
    where = f'The target "{target}"'
    try:
        return import_app(target)
    except AppImportError as error:
        raise RefusedError(f"{where} could not be loaded: {error}", "Correct tool.pystatic-tasks.app.") from None
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise RefusedError(
                f'{where} does not exist: there is no module "{error.name}" in the build environment.',
                "Correct tool.pystatic-tasks.app, or name the project that holds it in tool.pystatic-tasks.install.",
            ) from None
        raise RefusedError(
            f"{where} does not import:",
            f'Add the package that holds "{error.name}" to the project\'s dependencies.',
            own_traceback(project, module.partition(".")[0]),
        ) from None
    except BaseException:
        raise RefusedError(
            f"{where} does not import:",
            "Correct the code, or set what it needs while it is imported under [tool.pystatic-tasks.image.env].",
            own_traceback(project, module.partition(".")[0]),
        ) from None


def own_traceback(project: str, package: str) -> list[str]:
    """The current exception with the frames that lie in the project's code only.

    Args:
        project: Folder of the project, left out of the file names.
        package: First part of the target's module, which stands in site-packages once it is installed.
    """
    kind, error, trace = sys.exc_info()
    frames = traceback.extract_tb(trace)
    library = (str(Path(os.__file__).parent), str(Path(__file__).parent), "<frozen")
    own = [frame for frame in frames if is_own(frame.filename, library, package)]
    lines = [line for entry in traceback.format_list(own) for line in entry.rstrip().splitlines()]
    last = traceback.format_exception_only(kind, error)
    lines += "".join(last).rstrip().splitlines()
    return [re.sub(r'"[^"]*/site-packages/', '"', line.replace(f"{project}{os.sep}", "")) for line in lines]


def is_own(filename: str, library: Sequence[str], package: str) -> bool:
    parts = Path(filename).parts
    if "site-packages" in parts:
        inner = parts[parts.index("site-packages") + 1]
        return inner in (package, f"{package}.py")
    return not filename.startswith(tuple(library))


def split_distributions(
    tools: Iterable[str],
) -> tuple[list[importlib.metadata.Distribution], list[importlib.metadata.Distribution]]:
    """What is installed to build with and nobody in the project requires, and everything else."""
    installed = {canonical(d.metadata["Name"]): d for d in importlib.metadata.distributions()}
    only_tools = closure(((name, "") for name in tools), installed)
    others = [name for name in installed if name not in only_tools]
    needed = closure(((name, extra) for name in others for extra in ("", *extras_there(name, installed))), installed)
    left_out = only_tools - needed
    return (
        [distribution for name, distribution in installed.items() if name in left_out],
        [distribution for name, distribution in installed.items() if name not in left_out],
    )


def code_files(distributions: Iterable[importlib.metadata.Distribution]) -> Iterator[Path]:
    for distribution in distributions:
        for file in distribution.files or ():
            path = Path(str(distribution.locate_file(file)))
            if path.suffix in (".py", ".so") and path.is_file():
                yield path


def unused_parts(files: Sequence[Path]) -> list[str]:
    """Those of `ASKED_BY_NAME` that none of the files asks for."""
    named = mentioned(set().union(*ASKED_BY_NAME.values()), files)
    return [part for part, names in ASKED_BY_NAME.items() if not names & named]


def closure(wanted: Iterable[tuple[str, str]], installed: Mapping[str, importlib.metadata.Distribution]) -> set[str]:
    """The distributions of these names, each with an extra or "", and all that they require, if it is installed."""
    seen: set[tuple[str, str]] = set()
    todo = [(canonical(name), extra) for name, extra in wanted]
    while todo:
        name, extra = todo.pop()
        if name not in installed or (name, extra) in seen:
            continue
        seen.add((name, extra))
        for requirement in required(installed[name], extra):
            todo += [(canonical(requirement.name), each) for each in ("", *requirement.extras)]
    return {name for name, _ in seen}


def required(distribution: importlib.metadata.Distribution, extra: str) -> list[Any]:
    """What it requires, with an extra or with ""."""
    from packaging.requirements import Requirement

    requirements = map(Requirement, distribution.requires or ())
    return [each for each in requirements if each.marker is None or each.marker.evaluate({"extra": extra})]


def extras_there(name: str, installed: Mapping[str, importlib.metadata.Distribution]) -> list[str]:
    """Extras of a distribution of which all is installed: nothing tells which were asked for."""
    distribution = installed[name]
    extras = distribution.metadata.get_all("Provides-Extra") or []
    return [
        extra for extra in extras if all(canonical(each.name) in installed for each in required(distribution, extra))
    ]


def canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def top_level(distribution: importlib.metadata.Distribution) -> set[str]:
    files = distribution.files or []
    code = [file for file in files if file.suffix in (".py", ".so") and not file.parts[0].startswith("..")]
    names = {file.parts[0] if len(file.parts) > 1 else file.name.partition(".")[0] for file in code}
    return {name for name in names if name.isidentifier()}


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        answer = examine(request)
    except RefusedError as refused:
        answer = refused.answer
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
