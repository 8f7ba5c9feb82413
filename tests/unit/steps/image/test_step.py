from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from support import BUILT, COMPONENTS, FROZEN, PACKED, validate

from pystatic_tasks.config.model import ImageConfig, ImageOptions, Layout, Smoke
from pystatic_tasks.engines.trial import try_out
from pystatic_tasks.errors import ConfigError, ImageError, MissingToolError, PystaticError
from pystatic_tasks.in_env.protocol import Component, Part, Placed, TreeFile
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.oci import archive, compression
from pystatic_tasks.oci.blobs import digest
from pystatic_tasks.oci.compression import gzip
from pystatic_tasks.oci.layers import Entry, make_layer
from pystatic_tasks.oci.manifest import Runtime, make_image
from pystatic_tasks.steps.context import StepContext, session_command
from pystatic_tasks.steps.image import step
from pystatic_tasks.steps.image.dockerfile import dockerfile
from pystatic_tasks.steps.image.rootfs import root_entries
from pystatic_tasks.steps.image.runtime import creation_time, make_runtime, project_version
from pystatic_tasks.steps.image.step import (
    Ingredients,
    build_image,
    check_budget,
    describe,
    gather,
    image_inputs,
    make_layers,
)
from pystatic_tasks.steps.image.time_zone import utc
from pystatic_tasks.steps.manifest import require_manifest, require_result, write_manifest
from pystatic_tasks.steps.results import Built, Frozen
from pystatic_tasks.system.git import Git
from pystatic_tasks.system.machine import host_platform

# The time zone that every image has, and the folders around it.
UTC = [
    *("usr", "usr/share", "usr/share/lib", "usr/share/lib/zoneinfo"),
    *("usr/share/lib/zoneinfo/Etc", "usr/share/lib/zoneinfo/Etc/UTC", "usr/share/lib/zoneinfo/UTC"),
]
COMMIT = Git(revision="abc123", commit_time=1000)
NEXT = [
    "next: nox -s smoke",
    "      nox -s run",
    "      skopeo copy oci-archive:dist/pystatic/shop/image.tar docker://registry.example/shop:latest",
]
# Of a tree: what each file holds, and whose it is.
FILES = {
    "/shop": ("the program", "project"),
    "/opt/shop.pyc": ("the project", "project"),
    "/opt/falcon.pyc": ("a dependency", "third-party"),
    "/opt/os.pyc": ("of Python", "python"),
    "/lib/libc.so.6": ("of the system", "libc"),
}


def some_image(
    root: Path,
    *,
    layout: Layout = "onefile",
    max_size: int | None = None,
    max_compressed_size: int | None = None,
    **options: Any,
) -> ImageConfig:
    return ImageConfig(
        root=root,
        project=root,
        name="shop",
        app="shop:app",
        layout=layout,
        packer="staticx",
        max_size=max_size,
        max_compressed_size=max_compressed_size,
        image=ImageOptions(**options),
        smoke=Smoke(engine="sandbox"),
    )


def some_runtime(
    *, env: Sequence[str] = (), labels: dict[str, str] | None = None, ports: Sequence[int] = (), path: str = ""
) -> Runtime:
    return Runtime(
        platform="linux/amd64",
        user="65535:65535",
        entrypoint=["/shop"],
        env=env,
        ports=ports,
        labels=labels or {},
        healthcheck=["/shop", "--healthcheck", path] if path else [],
    )


def some_ingredients(
    entries: Mapping[str, Sequence[Entry]], runtime: Runtime, created: int, components: Sequence[Component] = ()
) -> Ingredients:
    return Ingredients(
        frozen=FROZEN,
        executable_bytes=None,
        components=components,
        runtime=runtime,
        entries=entries,
        created=created,
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose program was frozen and made static."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1.0"\n', encoding="utf-8")
    shop = some_image(tmp_path)
    frozen, static = shop.work / "frozen" / "shop", shop.dist / "shop"
    for path in (frozen, static):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"p" * 20_000)
    write_manifest(shop, FROZEN, inputs="", outputs=[frozen])
    write_manifest(shop, PACKED, inputs="", outputs=[static])
    return tmp_path


def some_tree(root: Path, **options: Any) -> ImageConfig:
    """An image of a project that was frozen into a tree."""
    (root / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1.0"\n', encoding="utf-8")
    shop = some_image(root, layout="tree", **options)
    program = shop.work / "tree" / "shop"
    for path, (content, _) in FILES.items():
        file = Path(f"{program}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    frozen = replace(
        FROZEN,
        program=program,
        files=tuple(TreeFile(path=path, owner=owner) for path, (_, owner) in FILES.items()),
        contents=tuple(Part(name=path, kind="data", size_bytes=len(content)) for path, (content, _) in FILES.items()),
    )
    write_manifest(shop, frozen, inputs="", outputs=[Path(f"{program}{path}") for path in FILES])
    return shop


def sizes(on_disk: int, on_the_wire: int = 0) -> Built:
    return replace(BUILT, size_bytes=on_disk, compressed_bytes=on_the_wire)


def test_an_image_is_as_old_as_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert creation_time(COMMIT) == 1000
    assert creation_time(Git()) == 0


@pytest.mark.parametrize(("text", "time"), [("0", 0), ("1700000000", 1_700_000_000), ("", 1000)])
def test_source_date_epoch_sets_the_time(monkeypatch: pytest.MonkeyPatch, text: str, time: int) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    assert creation_time(COMMIT) == time


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", "9" * 15])
def test_source_date_epoch_must_be_a_time(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(ConfigError) as caught:
        creation_time(COMMIT)
    assert str(caught.value) == (
        f"SOURCE_DATE_EPOCH = '{text}' is not a number of seconds since 1970.\nCorrect or unset the variable."
    )


@pytest.mark.parametrize("budget", [None, 9_000_000])
def test_an_image_may_be_as_large_as_its_budgets(tmp_path: Path, budget: int | None) -> None:
    check_budget(
        some_image(tmp_path, max_size=budget, max_compressed_size=budget),
        sizes(9_000_000, 9_000_000),
        FROZEN.contents,
    )


@pytest.mark.parametrize(
    ("key", "place", "built"),
    [
        ("max-size", "on disk", sizes(9_100_000, 4_000_000)),
        ("max-compressed-size", "on the wire", sizes(20_000_000, 9_100_000)),
    ],
)
def test_over_budget_the_largest_contents_are_listed(tmp_path: Path, key: str, place: str, built: Built) -> None:
    budget: dict[str, Any] = {key.replace("-", "_"): 9_000_000}
    shop = some_image(tmp_path, **budget)
    with pytest.raises(ImageError) as caught:
        check_budget(shop, built, FROZEN.contents)
    assert str(caught.value) == (
        f"shop is over budget: 9.10 MB {place}, 0.10 MB above {key} (9.00 MB). "
        "Its largest contents, before compression:\n"
        "    4.71 MB  binary    libcrypto.so.3\n"
        "    0.25 MB  bytecode  encodings\n"
        f"Leave out what the program does not need (freeze.excludes), or raise {key}."
    )


def test_a_byte_over_budget_is_over_budget(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        check_budget(some_image(tmp_path, max_size=9_000_000), sizes(9_000_001), [])
    assert str(caught.value) == (
        "shop is over budget: 9.00 MB on disk, 0.00 MB above max-size (9.00 MB). "
        "Its largest contents, before compression:\n"
        "Leave out what the program does not need (freeze.excludes), or raise max-size."
    )


def test_no_more_than_ten_contents_are_listed(tmp_path: Path) -> None:
    contents = [Part(name=f"part{n}", kind="data", size_bytes=1) for n in range(20)]
    with pytest.raises(ImageError) as caught:
        check_budget(some_image(tmp_path, max_size=1), sizes(2), contents)
    assert len(caught.value.details) == 10


def test_a_dockerfile_makes_the_same_image() -> None:
    runtime = some_runtime(
        env=["A=1", "EQUATION=a=b c"], labels={"org.example": "a b"}, ports=[80, 8000], path="/health"
    )
    assert dockerfile(runtime) == (
        "FROM scratch\n"
        "ADD rootfs.tar /\n"
        "USER 65535:65535\n"
        "WORKDIR /\n"
        "STOPSIGNAL SIGTERM\n"
        'ENV A="1"\n'
        'ENV EQUATION="a=b c"\n'
        'LABEL "org.example"="a b"\n'
        "EXPOSE 80/tcp\n"
        "EXPOSE 8000/tcp\n"
        'HEALTHCHECK --timeout=10s CMD ["/shop", "--healthcheck", "/health"]\n'
        'ENTRYPOINT ["/shop"]\n'
    )


def test_a_dockerfile_declares_volumes() -> None:
    runtime = replace(some_runtime(), volumes=["/data", "/var/größe"])
    assert dockerfile(runtime).splitlines()[-2] == 'VOLUME ["/data", "/var/größe"]'


def test_volumes_are_the_images_and_a_change_of_them_makes_it_anew(project: Path) -> None:
    assert make_runtime(some_image(project, volumes=("/var", "/data")), FROZEN, COMMIT).volumes == ("/data", "/var")
    digests = [
        build_image(some_image(project, volumes=volumes), StepContext(say=lambda line: None)).digest
        for volumes in ((), ("/data",), ("/data",))
    ]
    assert digests[0] != digests[1] == digests[2]


def test_a_dockerfile_leaves_out_what_there_is_not() -> None:
    assert dockerfile(some_runtime()) == (
        'FROM scratch\nADD rootfs.tar /\nUSER 65535:65535\nWORKDIR /\nSTOPSIGNAL SIGTERM\nENTRYPOINT ["/shop"]\n'
    )


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ('say "x"', r'"say \"x\""'),
        (r"C:\temp", r'"C:\\temp"'),
        ("$HOME", r'"\$HOME"'),
        ("größe", '"größe"'),
    ],
)
def test_a_dockerfile_keeps_values_as_they_are(value: str, quoted: str) -> None:
    lines = dockerfile(some_runtime(env=[f"A={value}"], labels={"b": value})).splitlines()
    assert f"ENV A={quoted}" in lines
    assert f'LABEL "b"={quoted}' in lines


@pytest.mark.parametrize(
    ("name", "distributions", "version"),
    [
        ("shop", {"shop": "1.4", "falcon": "4.4"}, "1.4"),
        ("My_Shop", {"my-shop": "1.4"}, "1.4"),
        ("shop", {"falcon": "4.4"}, "1.0"),
        ("my.shop", {"my-shop": "1.4"}, "1.4"),
    ],
)
def test_the_installed_version_counts_before_the_declared(
    name: str, distributions: dict[str, str], version: str
) -> None:
    assert project_version({"name": name, "version": "1.0"}, distributions) == version


def test_a_project_without_version_has_none() -> None:
    assert project_version({}, {}) == ""


def test_the_runtime_follows_from_configuration_and_project(project: Path) -> None:
    options: dict[str, Any] = {
        "env": {"B": "2", "A": "1"},
        "labels": {"own": "x"},
        "healthcheck": "/health",
        "user": "1:2",
    }
    runtime = make_runtime(some_image(project, **options), FROZEN, COMMIT)
    assert runtime == Runtime(
        platform=host_platform(),
        user="1:2",
        entrypoint=["/shop"],
        env=["A=1", "B=2", "USER=nonroot"],
        ports=[8000],
        labels={
            "org.opencontainers.image.revision": "abc123",
            "org.opencontainers.image.title": "shop",
            "org.opencontainers.image.version": "1.4",
            "own": "x",
        },
        healthcheck=["/shop", "--healthcheck", "/health"],
    )


@pytest.mark.parametrize(("ports", "exposed"), [(None, [8000]), ((), []), ((443, 80), [80, 443])])
def test_ports_are_those_of_the_server_unless_given(
    project: Path, ports: tuple[int, ...] | None, exposed: list[int]
) -> None:
    assert make_runtime(some_image(project, ports=ports), FROZEN, COMMIT).ports == exposed


def test_programs_are_told_where_the_certificates_are(project: Path) -> None:
    runtime = make_runtime(some_image(project, certificates=True), FROZEN, COMMIT)
    assert runtime.env == ["SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", "USER=nonroot"]
    own = some_image(project, certificates=True, env={"SSL_CERT_FILE": "/own.pem"})
    assert make_runtime(own, FROZEN, COMMIT).env == ["SSL_CERT_FILE=/own.pem", "USER=nonroot"]


def test_labels_of_the_configuration_go_first(project: Path) -> None:
    named = some_image(project, labels={"org.opencontainers.image.title": "The Shop"})
    labels = make_runtime(named, FROZEN, COMMIT).labels
    assert labels["org.opencontainers.image.title"] == "The Shop"


def test_the_description_has_both_sizes_and_all_digests(tmp_path: Path) -> None:
    layer = make_layer("program", [Entry(path="/shop", mode=0o755, content=b"x" * 1000)], 0, {"gzip": gzip})
    made = make_image([layer], some_runtime(), 1000, "gzip")
    shop = some_image(tmp_path, tags=("1.4", "registry.example/shop:1"))
    described = to_json(describe(shop, made, some_ingredients({}, some_runtime(), 1000), COMPONENTS))
    for name in ("built_with", "server_ports", "components", "vendor"):
        del described[name]
    assert described == {
        "version": 1,
        "name": "shop",
        "tags": ["shop:1.4", "registry.example/shop:1"],
        "digest": made.digest,
        "image_id": made.image_id,
        "layout": "onefile",
        "compression": "gzip",
        "platform": "linux/amd64",
        "python": "3.12.4",
        "created": "1970-01-01T00:16:40Z",
        "size_bytes": 1000,
        "compressed_bytes": len(layer.blobs["gzip"]),
        "layers": [
            {
                "kind": "program",
                "digest": digest(layer.blobs["gzip"]),
                "diff_id": layer.diff_id,
                "size_bytes": 1000,
                "compressed_bytes": len(layer.blobs["gzip"]),
            }
        ],
    }


def test_the_step_leaves_the_archive_and_what_describes_it(project: Path) -> None:
    said: list[str] = []
    shop = some_image(project)
    manifest = build_image(shop, StepContext(say=said.append))
    written = json.loads((shop.dist / "image.json").read_text(encoding="utf-8"))
    validate(written, "image.schema.json")
    with tarfile.open(shop.dist / "image.tar") as tar:
        (config,) = (
            tar.extractfile(each["Config"]) for each in json.load(tar.extractfile("manifest.json") or io.BytesIO())
        )
        assert config
        assert f"sha256:{hashlib.sha256(config.read()).hexdigest()}" == written["image_id"]
    with tarfile.open(shop.dist / "rootfs.tar") as tar:
        assert tar.getnames() == ["etc", "etc/group", "etc/passwd", "shop", "tmp", *UTC]
    assert (shop.dist / "Dockerfile").read_text(encoding="utf-8").startswith("FROM scratch\n")
    assert written["digest"] == manifest.digest
    size = written["compressed_bytes"] / 1e6
    assert said == [
        f"dist/pystatic/shop/image.tar: shop:latest {written['digest']}",
        "dist/pystatic/shop/report.html: where its bytes are",
        "                       on disk  on the wire",
        "  frozen contents      4.96 MB",
        "  static executable    0.02 MB",
        f"  image                0.02 MB      {size:.2f} MB",
        *NEXT,
    ]


def test_what_lies_in_the_image_is_on_record_by_component(tmp_path: Path) -> None:
    shop = some_tree(tmp_path)
    frozen = require_result(shop, Frozen)
    placed = tuple(
        Placed(location=path, path=path, layer=owner, size_bytes=len(content))
        for path, (content, owner) in FILES.items()
    )
    of_shop = replace(COMPONENTS[1], files=tuple(FILES))
    write_manifest(
        shop,
        replace(frozen, placed=placed, components=(COMPONENTS[0], of_shop), compressed_alone=(0, 90)),
        inputs="",
        outputs=[Path(f"{frozen.program}{path}") for path in FILES],
    )
    built = build_image(shop, StepContext(say=lambda line: None))
    written = json.loads((shop.dist / "contents.json").read_text(encoding="utf-8"))
    validate(written, "contents.schema.json")
    assert (written["digest"], written["size_bytes"]) == (built.digest, built.size_bytes)
    found = {each["name"]: each for each in written["components"]}
    assert found["shop"]["compressed_bytes"] == 90
    assert [(each["path"], each["layer"]) for each in found["shop"]["files"]] == sorted(
        (path, owner) for path, (_, owner) in FILES.items()
    )
    # All that is in the image, and what it adds itself too.
    assert sum(each["size_bytes"] for each in written["components"]) == built.size_bytes
    assert ("/etc/passwd", "libc") in [(each["path"], each["layer"]) for each in found["pystatic-tasks"]["files"]]


def test_what_the_image_before_held_is_kept_until_something_else_is_held(project: Path) -> None:
    def build(**options: Any) -> Built:
        return build_image(some_image(project, **options), StepContext(say=lambda line: None))

    before = some_image(project).dist / "contents-before.json"
    first = build()
    build(labels={"a": "b"})
    assert not before.exists()
    (project / "more.txt").write_text("more", encoding="utf-8")
    build(files={"/more.txt": "more.txt"})
    assert json.loads(before.read_text(encoding="utf-8"))["digest"] != first.digest
    kept = before.read_bytes()
    build(files={"/more.txt": "more.txt"}, labels={"c": "d"})
    assert before.read_bytes() == kept


def test_what_changes_and_changes_back_while_it_is_written_is_written_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "notes.txt"
    path.write_text("notes", encoding="utf-8")

    def write_archive(*given: Any) -> bytes:
        time.sleep(0.02)
        path.write_text("another", encoding="utf-8")
        path.write_text("notes", encoding="utf-8")
        return archive.write_archive(*given)

    shop, said = some_image(project, files={"/etc/notes.txt": "notes.txt"}), list[str]()
    with monkeypatch.context() as patch:
        patch.setattr(step, "write_archive", write_archive)
        build_image(shop, StepContext(say=lambda line: None))
    for _ in range(2):
        build_image(shop, StepContext(say=said.append))
    written = [line for line in said if line.startswith("dist/pystatic/shop/image.tar")]
    assert ["is up to date" in line for line in written] == [False, True]


def test_nothing_is_written_again_when_nothing_changed(project: Path) -> None:
    shop, said = some_image(project), list[str]()
    first = build_image(shop, StepContext(say=lambda line: None))
    written = (shop.dist / "image.tar").stat().st_mtime_ns
    assert build_image(shop, StepContext(say=said.append)) == first
    assert (shop.dist / "image.tar").stat().st_mtime_ns == written
    assert said[0] == f"dist/pystatic/shop/image.tar is up to date ({first.digest})"
    assert said[-3:] == NEXT


def test_the_same_program_is_the_same_archive_in_another_folder(project: Path, tmp_path_factory: Any) -> None:
    other = tmp_path_factory.mktemp("other")
    build_image(some_image(project), StepContext(say=lambda line: None))
    (other / "pyproject.toml").write_bytes((project / "pyproject.toml").read_bytes())
    moved = some_image(other)
    moved.work.mkdir(parents=True)
    moved.dist.mkdir(parents=True)
    for path in (moved.work / "frozen", moved.dist / "shop"):
        path.write_bytes(b"p" * 20_000)
    write_manifest(moved, FROZEN, inputs="", outputs=[moved.work / "frozen"])
    write_manifest(moved, PACKED, inputs="", outputs=[moved.dist / "shop"])
    build_image(moved, StepContext(say=lambda line: None))
    for name in ("image.tar", "rootfs.tar", "Dockerfile"):
        assert (moved.dist / name).read_bytes() == (some_image(project).dist / name).read_bytes()


def test_over_budget_nothing_is_written(project: Path) -> None:
    shop = some_image(project, max_size=10_000)
    with pytest.raises(ImageError):
        build_image(shop, StepContext(say=lambda line: None))
    assert [path.name for path in shop.dist.iterdir()] == ["shop"]


@pytest.mark.parametrize(
    ("budgets", "line"),
    [
        ({"max_size": 9_000_000}, "  budget               9.00 MB"),
        ({"max_compressed_size": 8_000_000}, "  budget                            8.00 MB"),
        ({"max_size": 9_000_000, "max_compressed_size": 8_000_000}, "  budget               9.00 MB      8.00 MB"),
    ],
    ids=["on disk", "on the wire", "both"],
)
def test_the_budget_is_shown_below_the_sizes(project: Path, budgets: dict[str, Any], line: str) -> None:
    said: list[str] = []
    build_image(some_image(project, **budgets), StepContext(say=said.append))
    assert said[-4] == line


def test_the_servers_ports_are_handed_on_whatever_is_exposed(project: Path) -> None:
    manifest = build_image(some_image(project, ports=(443,)), StepContext(say=lambda line: None))
    assert manifest.server_ports == (8000,)
    assert "EXPOSE 443/tcp\n" in (some_image(project).dist / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A docker that knows the image in its folder `id` once something was loaded, and whose containers end with 0."""
    folder = tmp_path / "docker's"
    program = folder / "bin/docker"
    program.parent.mkdir(parents=True)
    program.write_text(
        "#!/bin/sh\n"
        f'cd "{folder}"\n'
        "case $1 in\n"
        "    load) : > loaded ;;\n"
        "    version) echo 20.10.24 ;;\n"
        "    inspect) echo 0 ;;\n"
        "    start) [ ! -f broken ] ;;\n"
        '    image) [ -f loaded ] && read -r id < id && echo "$id" ;;\n'
        "esac\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    try_out.cache_clear()
    yield folder
    try_out.cache_clear()


def test_it_is_said_whether_an_engine_had_the_image_already(project: Path, docker: Path) -> None:
    shop, said = some_image(project), list[str]()
    identity = build_image(shop, StepContext(say=lambda line: None)).image_id
    (docker / "id").write_text(f"{identity}\n", encoding="utf-8")
    loading = replace(shop, smoke=Smoke(engine="docker"))
    build_image(loading, StepContext(say=said.append))
    build_image(loading, StepContext(say=said.append))
    assert [line for line in said if line.endswith("docker")] == [
        "shop:latest loaded into docker",
        "shop:latest is already in docker",
    ]


def test_no_engine_gets_an_archive_that_was_changed_together_with_its_manifest(project: Path, docker: Path) -> None:
    shop = some_image(project)
    built = build_image(shop, StepContext(say=lambda line: None))
    there = require_manifest(shop, Built)
    path = shop.dist / "image.tar"
    names = json.dumps(["shop:latest"]).encode()
    path.write_bytes(path.read_bytes().replace(names, json.dumps(["curl:latest"]).encode()))
    write_manifest(shop, built, inputs=there.inputs, outputs=list(map(Path, there.outputs)))
    with pytest.raises(ImageError) as caught:
        build_image(replace(shop, smoke=Smoke(engine="docker")), StepContext(say=lambda line: None))
    assert str(caught.value) == (
        f"{path} is not an image archive: manifest.json in it is not as it was written.\nBuild the image again."
    )
    assert not (docker / "loaded").exists()


def test_an_engine_that_runs_the_image_is_named_with_the_command(project: Path, docker: Path) -> None:
    said = list[str]()
    build_image(replace(some_image(project), smoke=Smoke(engine="docker")), StepContext(say=said.append))
    assert said[-2] == (
        "      docker run --rm -p 8000:8000 --read-only --cap-drop ALL --security-opt no-new-privileges "
        "--tmpfs /tmp:exec,mode=1777 shop:latest"
    )


def test_an_engine_that_takes_images_and_starts_none_is_not_named_as_what_runs_it(project: Path, docker: Path) -> None:
    (docker / "broken").touch()
    said = list[str]()
    build_image(replace(some_image(project), smoke=Smoke(engine="docker")), StepContext(say=said.append))
    assert "shop:latest loaded into docker" in said
    assert said[-3:] == NEXT


def test_an_engine_that_has_run_an_image_is_not_tried_again(project: Path, docker: Path) -> None:
    shop = replace(some_image(project), smoke=Smoke(engine="docker"))
    for tried in (1, 0):
        try_out.cache_clear()
        said = list[str]()
        build_image(shop, StepContext(say=said.append))
        assert said[-2].startswith("      docker run ")
        assert try_out.cache_info().currsize == tried


def test_an_engine_that_has_run_none_is_tried_again(project: Path, docker: Path) -> None:
    shop = replace(some_image(project), smoke=Smoke(engine="docker"))
    (docker / "broken").touch()
    build_image(shop, StepContext(say=lambda line: None))
    (docker / "broken").unlink()
    try_out.cache_clear()
    said = list[str]()
    build_image(shop, StepContext(say=said.append))
    assert said[-2].startswith("      docker run ")


def test_nothing_is_tried_out_where_what_runs_next_says_what_it_does(project: Path, docker: Path) -> None:
    def command(step: str, *options: str) -> str:
        return "" if step == "run" else session_command(step, *options)

    said = list[str]()
    context = StepContext(say=said.append, command=command)
    build_image(replace(some_image(project), smoke=Smoke(engine="docker")), context)
    assert said[-1].startswith("  image ")
    assert try_out.cache_info().currsize == 0


# The page.


@pytest.mark.parametrize("moment", ["write_whole", "write_manifest", "write_pages"])
def test_no_page_is_older_than_its_image_whenever_ctrl_c_comes(
    project: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def interrupt(*_: Any, **__: Any) -> NoReturn:
        raise KeyboardInterrupt

    context = StepContext(say=lambda line: None)
    build_image(some_image(project), context)
    changed = some_image(project, labels={"changed": "later"})
    page = changed.dist / "report.html"
    with monkeypatch.context() as patched:
        patched.setattr(step, moment, interrupt)
        with pytest.raises(KeyboardInterrupt):
            build_image(changed, context)
    assert not page.exists()
    digest = build_image(changed, context).digest
    assert digest in page.read_text(encoding="utf-8")


# What decides that an image is made again.


def inputs(
    shop: ImageConfig,
    *,
    created: int = 1000,
    files: Sequence[Entry] = (),
    labels: dict[str, str] | None = None,
    components: Sequence[Component] = COMPONENTS,
    frozen: Frozen = FROZEN,
) -> str:
    entries = {"program": [Entry(path="/shop", mode=0o755, content=b"program"), *files]}
    ingredients = some_ingredients(entries, some_runtime(labels=labels), created, components)
    return image_inputs(shop, replace(ingredients, frozen=frozen))


def test_the_same_inputs_have_the_same_hash_in_any_folder(tmp_path: Path) -> None:
    assert inputs(some_image(tmp_path / "a")) == inputs(some_image(tmp_path / "b"))


def test_all_that_decides_what_the_image_is_decides_the_hash_of_its_inputs(tmp_path: Path) -> None:
    shop = some_image(tmp_path)
    found = [
        inputs(shop),
        inputs(shop, created=1001),
        inputs(shop, files=[Entry(path="/tmp", mode=0o1777)]),
        inputs(shop, labels={"a": "b"}),
        inputs(shop, components=[replace(COMPONENTS[0], version="3.12.5"), COMPONENTS[1]]),
        inputs(some_image(tmp_path, tags=("1.4",))),
        inputs(some_image(tmp_path, compression="zstd")),
        inputs(some_image(tmp_path, max_size=1)),
        inputs(some_image(tmp_path, max_compressed_size=1)),
        inputs(shop, frozen=replace(FROZEN, tools={"strip": "GNU strip 2.41"})),
        inputs(shop, frozen=replace(FROZEN, ports=(9000,))),
    ]
    assert len(set(found)) == len(found)


def test_a_file_on_another_layer_is_another_image(tmp_path: Path) -> None:
    shop, entry = some_image(tmp_path, layout="tree"), Entry(path="/x", mode=0o644, content=b"")
    one = image_inputs(shop, some_ingredients({"python": [entry], "project": []}, some_runtime(), 0))
    assert image_inputs(shop, some_ingredients({"python": [], "project": [entry]}, some_runtime(), 0)) != one


def test_nothing_is_compressed_to_find_out_that_nothing_changed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_image(some_image(project), StepContext(say=lambda line: None))
    monkeypatch.setattr(step, "make_layers", None)
    assert build_image(some_image(project), StepContext(say=lambda line: None)) == first
    with pytest.raises(TypeError):
        build_image(some_image(project), StepContext(say=lambda line: None, use_cache=False))


def test_another_file_of_the_project_is_another_image(project: Path) -> None:
    (project / "x").write_text("1", encoding="utf-8")
    shop = some_image(project, files={"/x": "x"})
    first = build_image(shop, StepContext(say=lambda line: None))
    (project / "x").write_text("2", encoding="utf-8")
    assert build_image(shop, StepContext(say=lambda line: None)).digest != first.digest


# A tree.


def test_a_tree_needs_no_static_executable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000")
    shop = some_tree(tmp_path)
    manifest = build_image(shop, StepContext(say=lambda line: None))
    assert [layer.kind for layer in manifest.layers] == ["libc", "python", "third-party", "project"]
    assert manifest.layout == "tree"
    validate(json.loads((shop.dist / "image.json").read_text(encoding="utf-8")), "image.schema.json")
    assert not (shop.dist / "shop").exists()
    with pytest.raises(PystaticError, match=r"^The results of freeze for shop in .* are of another configuration\."):
        build_image(replace(shop, layout="onefile"), StepContext(say=lambda line: None))


def test_the_way_of_a_tree_is_told_layer_by_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000")
    said: list[str] = []
    manifest = build_image(some_tree(tmp_path, max_size=9_000_000), StepContext(say=said.append))
    assert said == [
        f"dist/pystatic/shop/image.tar: shop:latest {manifest.digest}",
        "dist/pystatic/shop/report.html: where its bytes are",
        "                       on disk  on the wire",
        "  frozen contents      0.00 MB",
        "  layer libc           0.00 MB      0.00 MB",
        "  layer python         0.00 MB      0.00 MB",
        "  layer third-party    0.00 MB      0.00 MB",
        "  layer project        0.00 MB      0.00 MB",
        "  image                0.00 MB      0.00 MB",
        "  budget               9.00 MB",
        *NEXT,
    ]


def test_sizes_of_a_tree_are_the_sums_of_its_layers(tmp_path: Path) -> None:
    built = build_image(some_tree(tmp_path), StepContext(say=lambda line: None))
    for size in ("size_bytes", "compressed_bytes"):
        assert getattr(built, size) == sum(getattr(layer, size) for layer in built.layers)
    own = sum(len(content) for content, _ in FILES.values())
    system = sum(len(rootfs_file(tmp_path, path)) for path in ("etc/passwd", "etc/group", "etc/nsswitch.conf"))
    assert built.size_bytes == own + system + 2 * len(utc())


def rootfs_file(root: Path, name: str) -> bytes:
    with tarfile.open(some_image(root).dist / "rootfs.tar") as tar:
        file = tar.extractfile(name)
        assert file
        return file.read()


def test_a_tree_has_no_executable(tmp_path: Path) -> None:
    assert gather(some_tree(tmp_path)).executable_bytes is None


def test_the_one_file_layout_has_an_executable(project: Path) -> None:
    assert gather(some_image(project)).executable_bytes == 20_000


def test_only_the_projects_files_bear_the_images_time(tmp_path: Path) -> None:
    shop = some_tree(tmp_path)
    frozen = require_result(shop, Frozen)
    times = {}
    for layer in make_layers(shop, root_entries(shop, frozen), 1000, tmp_path / "kept"):
        with tarfile.open(fileobj=io.BytesIO(layer.tar)) as tar:
            times[layer.kind] = {member.mtime for member in tar}
    assert times == {"libc": {0}, "python": {0}, "third-party": {0}, "project": {1000}}


def test_layers_that_were_compressed_before_are_kept_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compressed: list[bytes] = []

    def counted(tar: bytes) -> bytes:
        compressed.append(tar)
        return b"packed"

    monkeypatch.setattr(compression, "COMPRESS", {"gzip": counted})
    shop = some_tree(tmp_path)
    frozen = require_result(shop, Frozen)
    kept = tmp_path / "kept"
    for moment in (1000, 1000, 2000):
        layers = make_layers(shop, root_entries(shop, frozen), moment, kept)
        assert [layer.blobs["gzip"] for layer in layers] == [b"packed"] * 4
    assert len(compressed) == 5
    assert len(list(kept.iterdir())) == 4


def test_without_the_cache_every_layer_is_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = some_tree(tmp_path)
    build_image(shop, StepContext(say=lambda line: None))
    kept = shop.work / "kept" / "layers"
    for path in kept.glob("*/*"):
        path.write_bytes(b"something else")
    build_image(shop, StepContext(say=lambda line: None, use_cache=False))
    contents = {path.read_bytes() for path in kept.glob("*/*")}
    assert contents
    assert b"something else" not in contents


def test_layers_that_other_code_compressed_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = some_tree(tmp_path)
    build_image(shop, StepContext(say=lambda line: None))
    kept = shop.work / "kept" / "layers"
    of_older_code = kept / "of older code"
    next(kept.iterdir()).rename(of_older_code)
    assert list(of_older_code.iterdir())
    (shop.work / "image.json").unlink()
    build_image(shop, StepContext(say=lambda line: None))
    assert not of_older_code.exists()
    assert list(kept.glob("*/*"))


def test_layers_below_the_projects_stay_the_same_from_commit_to_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = some_tree(tmp_path)
    digests = []
    for moment in ("1000", "2000"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", moment)
        layers = build_image(shop, StepContext(say=lambda line: None)).layers
        digests.append([layer.digest for layer in layers])
    assert digests[0][:3] == digests[1][:3]
    assert digests[0][3] != digests[1][3]


def test_an_image_of_one_layer_bears_its_time(project: Path) -> None:
    shop = some_image(project)
    (layer,) = make_layers(shop, root_entries(shop, FROZEN), 1000, project / "kept")
    with tarfile.open(fileobj=io.BytesIO(layer.tar)) as tar:
        assert {member.mtime for member in tar} == {1000}


def test_the_root_for_docker_build_is_that_of_all_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000")
    shop = some_tree(tmp_path)
    build_image(shop, StepContext(say=lambda line: None))
    with tarfile.open(shop.dist / "rootfs.tar") as tar:
        assert [(member.name, member.mtime) for member in tar] == [
            ("etc", 1000),
            ("etc/group", 1000),
            ("etc/nsswitch.conf", 1000),
            ("etc/passwd", 1000),
            ("lib", 1000),
            ("lib/libc.so.6", 1000),
            ("opt", 1000),
            ("opt/falcon.pyc", 1000),
            ("opt/os.pyc", 1000),
            ("opt/shop.pyc", 1000),
            ("shop", 1000),
            ("tmp", 1000),
            *((name, 1000) for name in UTC),
        ]


# Compression by zstd.


def test_sizes_and_digests_are_those_of_the_wanted_compression(project: Path) -> None:
    pytest.importorskip(
        "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd",
        reason="pystatic-tasks[zstd] is not installed",
    )
    plain = build_image(some_image(project), StepContext(say=lambda line: None))
    shop = some_image(project, compression="zstd")
    built = build_image(shop, StepContext(say=lambda line: None))
    with tarfile.open(shop.dist / "image.tar") as tar:
        blobs = {member.name.rpartition("/")[2]: member.size for member in tar if member.isfile()}
    (layer,) = built.layers
    assert built.compression == "zstd"
    assert blobs[layer.digest.removeprefix("sha256:")] == layer.compressed_bytes == built.compressed_bytes
    assert plain.layers[0].digest.removeprefix("sha256:") in blobs
    assert built.image_id == plain.image_id
    assert built.digest != plain.digest


def test_without_the_library_for_zstd_nothing_is_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    shop = some_image(project, compression="zstd")
    with pytest.raises(MissingToolError):
        build_image(shop, StepContext(say=lambda line: None))
    assert [path.name for path in shop.dist.iterdir()] == ["shop"]
    build_image(some_image(project), StepContext(say=lambda line: None))
