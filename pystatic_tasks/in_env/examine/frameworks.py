"""Asks frameworks what they load by name or by path, after the target was imported."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..installed.name_scan import mentioned
from ..installed.package_data import folder_data
from ..protocol import DataFile
from ..texts import texts_in

DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
DJANGO_COMMANDS = {"call_command", "execute_from_command_line"}
# Parts of Django that a running service imports only if its settings or its code name them.
DJANGO_EXTRAS = ("django.contrib", "django.test", "django.core.management", "django.db.backends", "django.conf.locale")


def framework_data(roots: Sequence[str]) -> Iterator[DataFile]:
    """Files in the folders of templates and static files that applications use.

    Args:
        roots: Folders that modules are imported from; folders outside them are left out.
    """
    for folder in sorted(set(folders_in_use())):
        place = place_of(folder, roots)
        if place is not None and folder.is_dir():
            yield from folder_data(folder, place)


def place_of(folder: Path, roots: Sequence[str]) -> Path | None:
    """The path of a folder below the innermost root that contains it; None if no root does."""
    inside = [root for root in roots if folder.is_relative_to(root) and folder != Path(root)]
    return folder.relative_to(max(inside, key=len)) if inside else None


def folders_in_use() -> Iterator[Path]:
    for scaffold in instances("flask.sansio.scaffold", "Scaffold"):
        if scaffold.template_folder:
            yield Path(scaffold.root_path, scaffold.template_folder)
        if scaffold.static_folder:
            yield Path(scaffold.static_folder)
    for loader in instances("jinja2.loaders", "FileSystemLoader"):
        yield from (Path(folder).absolute() for folder in loader.searchpath)
    for static in instances("starlette.staticfiles", "StaticFiles"):
        yield from (Path(folder).absolute() for folder in static.all_directories)


def instances(module: str, name: str) -> list[Any]:
    """All objects of a class, if its module was loaded."""
    kind = getattr(sys.modules.get(module), name, None)
    # By type, since `isinstance` would evaluate lazy objects.
    return [each for each in gc.get_objects() if issubclass(type(each), kind)] if kind else []


def is_django() -> bool:
    conf = sys.modules.get("django.conf")
    return conf is not None and bool(conf.settings.configured)


def django_modules(sources: Iterable[Path]) -> list[str]:
    """Modules that Django imports by name: from its settings, its installed apps, and Django itself.

    Args:
        sources: The project's code, which shows whether management commands are called.
    """
    from django.apps import apps
    from django.conf import settings

    packages = [config.name for config in apps.get_app_configs()]
    found = {"django", *packages, *named_in_settings(settings)}
    has_commands = bool(mentioned(DJANGO_COMMANDS, sources))
    for package in packages:
        found.update(submodules(package, leave_out=("tests",) if has_commands else ("tests", "management")))
    found.update(submodules("django", leave_out=DJANGO_EXTRAS))
    if has_commands:
        found.update(submodules("django.core.management", leave_out=()))
    for engine in database_engines(settings):
        found.update(submodules(engine, leave_out=()))
    wanted = languages()
    found.update(name for name in submodules("django.conf.locale", leave_out=()) if locale_of(name) in wanted)
    return sorted(found)


def named_in_settings(settings: Any) -> Iterator[str]:
    values = [getattr(settings, name) for name in dir(settings) if name.isupper()]
    for text in texts_in(values):
        if DOTTED_NAME.fullmatch(text):
            yield from (name for name in (text, text.rpartition(".")[0]) if can_be_found(name))


def database_engines(settings: Any) -> set[str]:
    engines = {each.get("ENGINE", "") for each in settings.DATABASES.values()}
    return {"django.db.backends", "django.db.backends.base", "django.db.backends.dummy", *engines} - {""}


def submodules(package: str, leave_out: Sequence[str]) -> Iterator[str]:
    """A package and the modules below it.

    Args:
        package: Its name.
        leave_out: Last or full names of submodules to skip, with everything below them.
    """
    if not can_be_found(package):
        return
    yield package
    try:
        module = importlib.import_module(package)
    except Exception:
        # A part that needs other packages, which are not installed.
        return
    for each in pkgutil.iter_modules(getattr(module, "__path__", ())):
        name = f"{package}.{each.name}"
        if each.name in leave_out or name in leave_out:
            continue
        if each.ispkg:
            yield from submodules(name, leave_out)
        else:
            yield name


def can_be_found(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except Exception:
        return False


def languages() -> set[str]:
    """Names of the translation folders that the settings allow."""
    from django.conf import settings
    from django.utils.translation import to_locale

    chosen = any("LocaleMiddleware" in name for name in settings.MIDDLEWARE)
    codes = [settings.LANGUAGE_CODE, "en", *(code for code, _ in settings.LANGUAGES if chosen)]
    locales = {to_locale(code) for code in codes}
    return locales | {locale.partition("_")[0] for locale in locales}


def locale_of(module: str) -> str:
    return module.removeprefix("django.conf.locale").lstrip(".").partition(".")[0]


def django_data(roots: Sequence[str], static: Path) -> Iterator[DataFile]:
    """Templates, translations and static files.

    Args:
        roots: See `framework_data`.
        static: Where to collect static files, if STATIC_ROOT is a folder below one of the roots.
    """
    from django.apps import apps
    from django.conf import settings

    own = [Path(importlib.import_module(name).__path__[0]) for name in ("django.forms", "django.views", "django.conf")]
    folders = [*own, *(Path(config.path) for config in apps.get_app_configs())]
    folders += [Path(folder) for engine in settings.TEMPLATES for folder in engine.get("DIRS", ())]
    collected = collect_static(roots, static)
    wanted = languages()
    for folder in dict.fromkeys(folders):
        place = place_of(folder, roots)
        found = folder_data(folder, place) if place is not None else ()
        yield from (each for each in found if is_wanted(Path(each[1], Path(each[0]).name), bool(collected), wanted))
    if collected:
        yield from folder_data(static, collected)


def is_wanted(path: Path, static_is_collected: bool, wanted_languages: Container[str]) -> bool:
    """Whether to include a file: not templates of new projects, translation sources, other languages, duplicates."""
    if path.name.endswith((".po", "-tpl")):
        return False
    if "LC_MESSAGES" in path.parts:
        return path.parts[path.parts.index("LC_MESSAGES") - 1] in wanted_languages
    return not (static_is_collected and "static" in path.parts)


def static_folders() -> list[str]:
    """The folders from which `collectstatic` takes files."""
    from django.apps import apps
    from django.contrib.staticfiles.finders import get_finders
    from django.core.files.storage import FileSystemStorage

    left_out = apps.get_app_config("staticfiles").ignore_patterns
    storages = (storage for finder in get_finders() for _, storage in finder.list(left_out))
    return sorted({storage.location for storage in storages if isinstance(storage, FileSystemStorage)})


def collect_static(roots: Sequence[str], folder: Path) -> Path | None:
    """Run `collectstatic` into a folder, if it applies.

    Returns:
        The destination of the files in the program; None if `collectstatic` was not run.
    """
    from django.apps import apps
    from django.conf import settings
    from django.core.files.storage import FileSystemStorage
    from django.core.management import call_command
    from django.test.utils import override_settings

    place = place_of(Path(settings.STATIC_ROOT), roots) if settings.STATIC_ROOT else None
    if place is None or not apps.is_installed("django.contrib.staticfiles"):
        return None
    from django.contrib.staticfiles.storage import staticfiles_storage

    # Other storages upload files, which a build must not do.
    if not isinstance(staticfiles_storage, FileSystemStorage):
        return None
    with override_settings(STATIC_ROOT=str(folder)):
        call_command("collectstatic", interactive=False, verbosity=0)
    return place
