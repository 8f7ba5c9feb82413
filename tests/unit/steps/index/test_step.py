from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from changed_images import entry, make_sbom, tar_of, with_json
from support import validate

from pystatic_tasks.config.model import ImageConfig, ImageOptions
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.oci.archive import write_archive
from pystatic_tasks.oci.layers import Layer
from pystatic_tasks.oci.manifest import Runtime, make_image
from pystatic_tasks.oci.reading.images import read_archive
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.index import step as join
from pystatic_tasks.steps.index.step import platform


@pytest.fixture
def shop(tmp_path: Path) -> ImageConfig:
    return ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


def run(shop: ImageConfig, *archives: Path | str) -> list[str]:
    """What is said while these are joined."""
    lines: list[str] = []
    join.index(shop, StepContext(say=lines.append, archives=[str(each) for each in archives]))
    return lines


def refused(shop: ImageConfig, *archives: Path | str) -> str:
    with pytest.raises(ConfigError) as caught:
        run(shop, *archives)
    assert not shop.dist.exists()
    return str(caught.value)


@pytest.fixture
def archives(write_image: Callable[..., Path]) -> list[Path]:
    return [
        write_image(f"{each}/image.tar", platform=f"linux/{each}", title="Shop", built=each)
        for each in ("arm64", "amd64")
    ]


def test_the_index_names_each_image_with_its_platform_and_what_they_share(
    shop: ImageConfig, archives: list[Path]
) -> None:
    (line,) = run(shop, *archives)
    made = json.loads((shop.dist / "index.json").read_text(encoding="utf-8"))
    validate(made, "index.schema.json")
    arm64, amd64 = [read_archive(path).manifest for path in archives]
    with tarfile.open(shop.dist / "index.tar") as tar:
        names = tar.getnames()
        content = tar.extractfile(f"blobs/{made['digest'].replace(':', '/')}")
        assert content is not None
        index = json.load(content)
    assert index == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {**amd64.descriptor, "platform": {"os": "linux", "architecture": "amd64"}},
            {**arm64.descriptor, "platform": {"os": "linux", "architecture": "arm64"}},
        ],
        "annotations": {"title": "Shop"},
    }
    # Two layers that both share, two manifests, two configurations, the index.
    assert len([name for name in names if name.startswith("blobs/sha256/")]) == 7
    assert [each["platform"] for each in made["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert (made["tags"], made["references"], made["bytes_sent"]) == (["shop:latest"], [], 0)
    assert line == f"dist/pystatic/shop/index.tar: shop:latest {made['digest']} for linux/amd64, linux/arm64"


def test_the_order_of_the_archives_does_not_matter(shop: ImageConfig, archives: list[Path]) -> None:
    run(shop, *archives)
    before = (shop.dist / "index.tar").read_bytes()
    run(shop, *reversed(archives))
    assert (shop.dist / "index.tar").read_bytes() == before


def test_paths_are_from_the_projects_folder(shop: ImageConfig, archives: list[Path]) -> None:
    run(shop, "arm64/image.tar", archives[1])
    assert (shop.dist / "index.tar").exists()


def test_a_list_beside_an_archive_goes_with_its_image(
    shop: ImageConfig, archives: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (archives[0].parent / "sbom.cdx.json").write_bytes(make_sbom(read_archive(archives[0]).manifest))
    seen: list[Any] = []

    def send(content: Any, references: Any, *_: Any) -> Any:
        seen.append(content)
        digest = content.images[1].manifest.digest
        return replace(join.NOTHING_SENT, references=["registry.example/shop@sha256:1"], sboms={digest: digest})

    monkeypatch.setattr(join, "send", send)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    pushed = replace(shop, image=ImageOptions(tags=("registry.example/shop:1",)))
    assert run(pushed, *archives)[1] == "0.00 MB sent: 0 blobs; 0 were already there"
    digest = read_archive(archives[0]).manifest.digest
    assert list(seen[0].sboms) == [digest]
    made = json.loads((shop.dist / "index.json").read_text(encoding="utf-8"))
    assert [each["sbom"] for each in made["platforms"]] == [None, digest]
    assert (tmp_path / "outputs").read_text(encoding="utf-8") == (
        f"digest={made['digest']}\nreference=registry.example/shop@sha256:1\n"
    )


def test_a_list_of_another_image_goes_nowhere(shop: ImageConfig, archives: list[Path]) -> None:
    beside = archives[0].parent / "sbom.cdx.json"
    beside.write_bytes(make_sbom(read_archive(archives[1]).manifest))
    pushed = replace(shop, image=ImageOptions(tags=("registry.example/shop:1",)))
    assert refused(pushed, *archives) == (
        f"{beside} is not the list of contents that the image session wrote for the image beside it.\n"
        "Take both from one build, or remove the list."
    )


def test_without_archives_it_is_said_what_to_type(shop: ImageConfig) -> None:
    assert refused(shop) == (
        "There are no archives to join.\n"
        "Name one for each platform: nox -s index -- --archive amd64/image.tar --archive arm64/image.tar."
    )


def test_two_archives_of_one_platform_are_refused(shop: ImageConfig, archives: list[Path]) -> None:
    other = archives[0].with_name("other.tar")
    shutil.copyfile(archives[0], other)
    assert refused(shop, *archives, other) == (
        f"{archives[0]} and {other} are both for linux/arm64.\nName one archive for each platform."
    )


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        ({"architecture": "arm64"}, {"architecture": "arm64", "variant": "v8"}, "linux/arm64"),
        ({"architecture": "arm64", "variant": "v8"}, {"architecture": "aarch64"}, "linux/arm64"),
        ({"architecture": "amd64", "variant": "v1"}, {"architecture": "amd64", "os": "Linux"}, "linux/amd64"),
        ({"architecture": "arm"}, {"architecture": "arm", "variant": "v7"}, "linux/arm/v7"),
    ],
)
def test_two_names_of_one_platform_are_refused(
    shop: ImageConfig, tmp_path: Path, one: dict[str, str], other: dict[str, str], name: str
) -> None:
    run_by = {"config": {"Entrypoint": ["/shop"]}}
    first, second = [
        with_json(tmp_path / f"{number}.tar", config={**each, **run_by}) for number, each in enumerate((one, other))
    ]
    assert refused(shop, first, second) == (
        f"{first} and {second} are both for {name}.\nName one archive for each platform."
    )


def test_a_platform_is_written_as_its_image_names_it(shop: ImageConfig, tmp_path: Path) -> None:
    config = {"architecture": "arm64", "variant": "v8", "config": {"Entrypoint": ["/shop"]}}
    run(shop, with_json(tmp_path / "image.tar", config=config))
    made = json.loads((shop.dist / "index.json").read_text(encoding="utf-8"))
    assert [each["platform"] for each in made["platforms"]] == ["linux/arm64/v8"]


def test_one_archive_twice_is_refused(shop: ImageConfig, archives: list[Path]) -> None:
    assert refused(shop, archives[0], archives[0]).startswith(f"{archives[0]} and {archives[0]} are both for ")


def test_an_archive_of_another_image_is_refused(shop: ImageConfig, write_image: Callable[..., Path]) -> None:
    path = write_image(program="/worker")
    assert refused(shop, path) == f"{path} is an image of /worker, not of /shop.\nName archives of one image."


def test_a_program_of_another_image_is_not_shown_at_any_length(
    shop: ImageConfig, write_image: Callable[..., Path]
) -> None:
    path = write_image(program=f"/{'x' * 1_000_000}")
    assert refused(shop, path).startswith(f"{path} is an image of /{'x' * 99}…, not of /shop.")


def test_what_is_no_archive_is_refused(shop: ImageConfig, tmp_path: Path) -> None:
    assert refused(shop, "nowhere.tar") == (
        f"{tmp_path}/nowhere.tar is not an image archive: there is no such file.\n"
        "Name an image.tar that the image session wrote."
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("linux/amd64", {"os": "linux", "architecture": "amd64"}),
        ("linux/arm/v7", {"os": "linux", "architecture": "arm", "variant": "v7"}),
    ],
)
def test_a_platform_has_two_or_three_parts(text: str, parts: dict[str, str]) -> None:
    assert platform(text) == parts


LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.index.step import index

taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 3 * 2**24,) * 2)
root = Path(sys.argv[1])
try:
    shop = ImageConfig(root=root, project=root, name="shop", app="shop:app")
    index(shop, StepContext(say=print, archives=["image.tar"]))
except PystaticError as error:
    print(error)
"""


def test_an_index_larger_than_memory_is_told(tmp_path: Path) -> None:
    tar = tar_of([(entry("zeros"), bytes(2**25))])
    layer = Layer(kind="x", tar=tar, blobs={"gzip": gzip.compress(tar, 0)}, size_bytes=0)
    runtime = Runtime(platform="linux/amd64", user="1:1", entrypoint=["/shop"], env=[], ports=[], labels={})
    (tmp_path / "image.tar").write_bytes(write_archive(make_image([layer], runtime, 0, "gzip"), []))
    command = [sys.executable, "-c", LITTLE_MEMORY, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    where = tmp_path / "dist/pystatic/shop/index.tar"
    assert said == f"Not enough memory to write {where}.\nRun this on a machine with more memory.\n"
    assert not where.exists()
