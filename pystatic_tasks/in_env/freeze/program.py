"""Freezes one program, as an archive in one file or as a tree of plain files.

Runs inside PyInstaller, since `PYZ` and `EXE` read its configuration.
"""

from __future__ import annotations

import importlib.metadata
import sys
import sysconfig
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.machinery import PathFinder
from pathlib import Path, PurePath

from PyInstaller.building.api import EXE, PYZ
from PyInstaller.config import CONF
from PyInstaller.utils.hooks import collect_all

from ..attribution.components import INSIDE, Member, archive_members, components, tool_versions, tree_members
from ..elf.binaries import forget_copies, prepare
from ..elf.shared_libraries import unwinder
from ..exchange import respond
from ..installed.layer_assignment import RUNNER, assign_layers
from ..names import is_among, module_of
from ..pack.packed_places import place_of
from ..probe import find_libpython
from ..protocol import Analysed, AnalysisInputs, DataFile, FrozenProgram, Part, Placed, Program, TocEntry, TreeFile
from ..records import to_json
from .analysis_cache import analyse, basis_of, load, looked_for, made_in, own_files, save
from .bytecode import compiled_again
from .character_names import CHARACTER_NAMES, has_tables
from .contents import list_archive, list_tree, names_in_archive, sizes_in_archive
from .docstrings import documented, imported, owners_of
from .lean_binaries import make_lean
from .metadata_headers import distributions_by_file, frozen_distributions, write_headers
from .slim import BY_ARCHIVE, STAND_IN, TLS, loaded_with, may_be_left_out, slimmed, without_tls
from .tree import EXPLAINING, LIBRARY, PACKAGES, compile_code, lay_out, machine_files, write_bytecode

# launched.py imports it at the end; every tree contains it.
WANTED_BY_LAUNCHER = "fcntl"
# The package with Python's own tests.
TESTS = "test"
# The optimization level that removes docstrings.
WITHOUT_DOCSTRINGS = 2
# Folder of the prepared copies of ELF files, among what is kept from build to build.
BINARIES = "binaries"


@dataclass(frozen=True, kw_only=True)
class Made:
    """A program, and what it was made from; see `FrozenProgram`."""

    binaries: tuple[str, ...]
    members: tuple[Member, ...]
    contents: tuple[Part, ...]
    placed: tuple[Placed, ...]
    files: tuple[TreeFile, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    linked_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Added:
    """What is added to the result of the analysis.

    Attributes:
        metadata: Data files with headers of METADATA.
        documented: Names of the modules and scripts that keep their docstrings.
        explaining: Source of the module that explains why others are missing; None if none are.
    """

    metadata: Sequence[TocEntry]
    documented: Container[str]
    explaining: Path | None


def freeze(program: Program) -> FrozenProgram:
    work, kept = Path(program.work), Path(program.kept)
    inputs = analysis_inputs(program)
    files = own_files(program.import_paths, [*program.loose, *map(str, work.rglob("*.py"))])
    # One analysis serves both layouts.
    asked = to_json(replace(program, is_packed=False, left_out=(), tls=True))
    basis = basis_of(
        [asked, to_json(inputs), names_inside(inputs.datas), links(inputs, files), Path(program.entry).read_text()],
        files,
    )
    analysed = load(kept, basis)
    if analysed:
        print("The analysis of an earlier build is kept.")
    else:
        analysed = analyse(kept, inputs)
    whole = analysed
    interpreter = Path(sys.executable).resolve()
    # PyInstaller's archive loads it, whether or not the interpreter does.
    python = interpreter if program.form == "tree" else Path(find_libpython())
    analysed = slimmed(with_or_without_tls(program, whole), unwanted(program), python)
    by_file = distributions_by_file()
    keeping = documented_modules(program, analysed, owners_of(files, by_file))
    own = set(files.values())
    forget_copies(analysed.binaries, own, kept / BINARIES)
    with compiled_again(analysed.loose, made_in(kept), own, program.optimize, keeping):
        binaries = prepare(analysed.binaries, kept / BINARIES, strip=program.strip)
    make = make_tree if program.form == "tree" else make_archive
    added = Added(
        metadata=metadata_of(analysed, by_file, work / "metadata"), documented=keeping, explaining=explaining(program)
    )
    made = make(program, analysed, binaries, added, Path(CONF["distpath"]) / program.name, interpreter)
    save(kept, basis, whole, [*files.values(), work, kept])
    return FrozenProgram(
        sources=(*made.binaries, *(source for _, source, _ in [*analysed.pure, *analysed.loose, *analysed.datas])),
        looked_for=looked_for(files),
        data=data_of(analysed),
        missing=made.missing,
        files=made.files,
        contents=made.contents,
        components=tuple(components(made.members, program.own, interpreter)),
        tools=tool_versions(),
        own_packages=own_packages(files),
        optional=optional(program, whole, files),
        placed=made.placed,
        imported_by=whole.imported_by,
        linked_by=made.linked_by,
    )


def optional(program: Program, whole: Analysed, files: Iterable[str]) -> tuple[str, ...]:
    """Names of what may be left out of the program, sorted."""
    found = may_be_left_out(whole, own_packages(files))
    return tuple(sorted([*found, *([CHARACTER_NAMES] if may_lose_names(program) else [])]))


def may_lose_names(program: Program) -> bool:
    """Whether the names of characters can be left out: only in a tree, with a Python whose tables are known."""
    return program.form == "tree" and has_tables()


def unwanted(program: Program) -> set[str]:
    """Names of what is left out."""
    left_out = {*program.left_out, *(() if program.tls else TLS)}
    if not left_out or program.form == "tree":
        return left_out
    needed = loaded_with(BY_ARCHIVE)
    return {name for name in left_out if not any(is_among(each, {name}) for each in needed)}


def explaining(program: Program) -> Path | None:
    """Write the module that explains why what was left out is missing; None if nothing was."""
    if not program.left_out:
        return None
    names = set(program.left_out) - (set() if may_lose_names(program) else {CHARACTER_NAMES})
    template = Path(program.work, RUNNER, "left_out.py").read_text(encoding="utf-8")
    path = Path(program.work, f"{EXPLAINING}.py")
    path.write_text(f"{template}\n\nexplain({sorted(names)})\n", encoding="utf-8")
    return path


def with_or_without_tls(program: Program, analysed: Analysed) -> Analysed:
    if program.tls:
        return analysed
    source = Path(program.work, RUNNER, "stand_ins", f"{STAND_IN}.py")
    bytecode = source.with_suffix(".pyc")
    write_bytecode(bytecode, compile_code(source, source.name, program.optimize))
    return without_tls(analysed, source, bytecode)


def analysis_inputs(program: Program) -> AnalysisInputs:
    datas, hidden_imports = list(program.data), list(program.hidden_imports)
    if program.form == "tree":
        hidden_imports.append(WANTED_BY_LAUNCHER)
    binaries: list[DataFile] = []
    for package in program.collect:
        files, libraries, modules = collect_all(package)
        datas += without_sources(files, modules)
        binaries += libraries
        hidden_imports += modules
    return AnalysisInputs(
        entry=program.entry,
        import_paths=program.import_paths,
        binaries=tuple(binaries),
        datas=tuple(datas),
        hidden_imports=tuple(hidden_imports),
        hooks=program.hooks,
        excludes=(*program.excludes, *tests_of_python(program)),
        optimize=program.optimize,
        form=program.form,
    )


def tests_of_python(program: Program) -> tuple[str, ...]:
    """Python's own tests, unless the program uses them; tests of dependencies import them, and they import Tkinter."""
    found = PathFinder.find_spec(TESTS, [*program.import_paths, *sys.path])
    is_pythons = found is not None and Path(found.origin or "").is_relative_to(sysconfig.get_path("stdlib"))
    is_used = any(name.partition(".")[0] == TESTS for name in program.hidden_imports)
    return (TESTS,) if is_pythons and not is_used else ()


def without_sources(datas: Iterable[DataFile], modules: Iterable[str]) -> list[DataFile]:
    """The data files without the sources of these modules, which are included as bytecode; templates of code stay."""
    known = set(modules)
    return [each for each in datas if module_of(Path(each[1], Path(each[0]).name)) not in known]


def names_inside(datas: Iterable[DataFile]) -> list[list[str]]:
    """The paths inside each data folder."""
    return [sorted(str(path) for path in Path(source).rglob("*")) for source, _ in datas]


def links(inputs: AnalysisInputs, files: Mapping[str, Path]) -> dict[str, str]:
    """The targets of links among data files and the project's files; PyInstaller keeps links if it can."""
    named = (path for source, _ in inputs.datas for path in (Path(source), *Path(source).rglob("*")))
    return {str(path): str(path.readlink()) for path in (*named, *files.values()) if path.is_symlink()}


def data_of(analysed: Analysed) -> tuple[DataFile, ...]:
    """The data files with their folders in the program, without modules, compiled or not."""
    modules = {name for name, _, _ in (*analysed.pure, *analysed.loose)}
    files = ((PurePath(name), source) for name, source, kind in analysed.datas if kind == "DATA")
    return tuple(
        (source, str(path.parent)) for path, source in files if path.suffix != ".pyc" and module_of(path) not in modules
    )


def own_packages(files: Iterable[str]) -> tuple[str, ...]:
    """The project's top-level packages and modules, from the names under which its files are imported."""
    tops = {Path(name).parts[0].removesuffix(".py") for name in files if name.endswith(".py")}
    return tuple(sorted(tops - {RUNNER}))


def documented_modules(program: Program, analysed: Analysed, owners: Mapping[str, str]) -> set[str]:
    """Names of the modules and scripts that keep their docstrings although the optimization level removes them."""
    if program.optimize < WITHOUT_DOCSTRINGS:
        return set()
    # A generated entry script imports its target; any other script imports all kinds of modules.
    targets = set() if program.is_script else imported(Path(program.entry).read_bytes())
    return documented([*analysed.scripts, *analysed.pure, *analysed.loose], owners, targets)


def metadata_of(
    analysed: Analysed, by_file: Mapping[str, importlib.metadata.Distribution], folder: Path
) -> list[TocEntry]:
    """Data files to add: headers of METADATA, written into the folder."""
    modules = [*analysed.pure, *analysed.loose, *analysed.binaries]
    distributions = frozen_distributions((source for _, source, _ in modules), by_file)
    return write_headers(distributions, {name for name, _, _ in analysed.datas}, folder)


def make_tree(
    program: Program, analysed: Analysed, binaries: Iterable[TocEntry], added: Added, root: Path, interpreter: Path
) -> Made:
    """Lay the program out in the folder `root`; `binaries` are prepared copies of its binaries."""
    laid_out = lay_out(
        root,
        program.name,
        [*binaries, *analysed.datas, *added.metadata],
        Path(program.entry),
        program.libraries,
        title=program.title,
        optimize=program.optimize,
        documented=Path(program.entry).stem in added.documented,
        explaining=added.explaining,
        strip=program.strip,
    )
    if program.left_out:
        make_lean(root, names=CHARACTER_NAMES in program.left_out and may_lose_names(program))
    library, packages = root / LIBRARY, root / PACKAGES
    sources = {name: source for name, source, kind in analysed.binaries if kind != "SYMLINK"}
    sources.update({Path(path).name: path for path in program.libraries})
    files = assign_layers(root, library, packages)
    return Made(
        binaries=(*machine_files(root), *(source for _, source, _ in analysed.binaries)),
        placed=tuple(placed_files(program, root, files)),
        missing=laid_out.missing,
        linked_by=laid_out.linked_by,
        files=tuple(files),
        contents=tuple(list_tree(root, (packages, library))),
        members=tuple(placed_members(program, tree_members(root, library, packages, sources, interpreter))),
    )


def placed_members(program: Program, members: Iterable[Member]) -> Iterator[Member]:
    """The members of a tree by their location in an image: inside the one file if the program is packed."""
    for member in members:
        location = location_of(program, member.location)
        if location:
            yield Member(location, member.origin)


def placed_files(program: Program, root: Path, files: Iterable[TreeFile]) -> Iterator[Placed]:
    """The files of a tree by their location in an image, with their sizes."""
    for file in files:
        path, location = Path(f"{root}{file.path}"), location_of(program, file.path)
        if location:
            size = 0 if path.is_symlink() else path.stat().st_size
            yield Placed(location=location, size_bytes=size, layer=file.owner, path=file.path)


def location_of(program: Program, path: str) -> str:
    """The location of a file of a tree in an image; "" for the start script of a packed program, which is left out."""
    if not program.is_packed:
        return path
    if path == f"/{program.name}":
        return ""
    return f"/{program.name}{INSIDE}{place_of(Path(path.removeprefix('/')), program.name)}"


def make_archive(
    program: Program, analysed: Analysed, binaries: Iterable[TocEntry], added: Added, path: Path, interpreter: Path
) -> Made:
    """Write the program into the file `path`; `binaries` are prepared copies of its binaries."""
    fit = Path(program.kept) / BINARIES
    unwinders = unwinder({name for name, _, _ in analysed.binaries})
    pyz = PYZ(with_docstrings(analysed.pure, added.documented))
    # The extension modules that PYZ itself depends on (zlib, struct) are not in the analysis.
    dependencies: list[TocEntry] = list(pyz.dependencies)
    pyz.dependencies[:] = prepare(dependencies, fit, strip=program.strip)
    EXE(
        pyz,
        [*explaining_script(added), *with_docstrings(analysed.scripts, added.documented)],
        [*binaries, *prepare(unwinders, fit, strip=program.strip)],
        [*analysed.datas, *added.metadata],
        [("u", None, "OPTION")] + [("O", None, "OPTION")] * program.optimize,
        name=program.name,
        strip=False,
        upx=False,
        console=True,
    )
    # Without those in `added`: their names already give the distributions that they belong to.
    machine_code = [*analysed.binaries, *unwinders, *dependencies]
    sources = {name: source for name, source, _ in [*analysed.pure, *analysed.datas, *machine_code]}
    sources.update({name: source for name, source, _ in analysed.scripts})
    # Inside the static executable, which has the same name.
    location = f"/{program.name}{INSIDE}{program.name}"
    return Made(
        binaries=tuple(source for _, source, _ in machine_code),
        placed=tuple(sizes_in_archive(path, location, INSIDE)),
        contents=tuple(list_archive(path)),
        members=tuple(archive_members(location, names_in_archive(path), sources)),
    )


def explaining_script(added: Added) -> list[TocEntry]:
    """The script that runs before all others, if something was left out."""
    return [(EXPLAINING, str(added.explaining), "PYSOURCE")] if added.explaining else []


def with_docstrings(entries: Iterable[TocEntry], documented: Container[str]) -> list[TocEntry]:
    """The entries of code, with optimization level 1 in the type codes of modules that keep their docstrings."""
    return [(name, source, kind.replace("-2", "-1") if name in documented else kind) for name, source, kind in entries]


def main(question: Path, answer: Path) -> None:
    respond(Program, freeze, question, answer)
