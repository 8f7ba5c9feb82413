from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from changed_images import make_changed, tar_of

from pystatic_tasks.errors import ImageError
from pystatic_tasks.oci.archive import Written, write_archive
from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.compression import gzip, zstd
from pystatic_tasks.oci.extend import with_layer
from pystatic_tasks.oci.layers import Entry, make_layer
from pystatic_tasks.oci.manifest import LAYER_TYPES, Runtime, canonical, image_manifest, make_image
from pystatic_tasks.oci.reading.images import SavedImage, open_layers, read_saved

RUNTIME = Runtime(
    platform="linux/arm64",
    user="1:2",
    entrypoint=["/shop"],
    env=["A=1", "PATH=/own"],
    ports=[8000],
    labels={"title": "shop"},
    healthcheck=["/shop", "--healthcheck", "/"],
    volumes=["/data"],
)


def saved_image(path: Path, kinds: Sequence[str] = ("python", "project")) -> SavedImage:
    layers = [
        make_layer(kind, [Entry(path=f"/{kind}", mode=0o644, content=kind.encode())], 0, {"gzip": gzip, "zstd": zstd})
        for kind in kinds
    ]
    path.write_bytes(write_archive(make_image(layers, RUNTIME, 1, "zstd"), ["shop:1"]))
    return read_saved(path)


def test_a_layer_more_is_an_image_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("backports.zstd")
    more = [Entry(path="/sh", mode=0o755, content=b"#!")]
    saved = saved_image(tmp_path / "image.tar")
    image = with_layer(saved, "shell", more, entrypoint=["/sh"], env={"PATH": "/bin"})
    path = tmp_path / "copy.tar"
    names = ["localhost/shop:shell"]
    path.write_bytes(write_archive(image, names))
    found = read_saved(path, Written(digest=image.digest, image_id=image.image_id, references=names))
    assert found.kinds == ["python", "project", "shell"]
    assert found.references == names
    assert [member.name for layer in open_layers(path) for member in layer] == ["python", "project", "sh"]
    expected = {**saved.config["config"], "Entrypoint": ["/sh"], "Env": ["A=1", "PATH=/bin"], "Labels": {}}
    expected.pop("Healthcheck")
    assert found.config["config"] == expected
    assert [found.config[key] for key in ("architecture", "created")] == ["arm64", "1970-01-01T00:00:01Z"]
    assert saved == read_saved(tmp_path / "image.tar")


def test_an_archive_that_became_another_one_is_no_image(tmp_path: Path) -> None:
    saved = saved_image(tmp_path / "image.tar")
    saved_image(tmp_path / "image.tar", ("python", "others"))
    with pytest.raises(ImageError) as caught:
        with_layer(saved, "shell", [], entrypoint=["/sh"], env={})
    assert caught.value.problem.startswith(f"{tmp_path}/image.tar is not an image archive: ")


def with_config(path: Path, change: Callable[[Any], object]) -> SavedImage:
    """An image of one layer whose configuration was changed, and all digests with it."""
    image = make_changed(tar_of([]))
    config = json.loads(image.config)
    change(config)
    content = canonical(config)
    layer = Blob(media_type=LAYER_TYPES["gzip"], content=image.layers[0].blobs["gzip"])
    manifest = canonical(image_manifest(content, [layer.descriptor], {}))
    path.write_bytes(write_archive(replace(image, config=content, manifest=manifest), []))
    return read_saved(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.pop("created"),
        lambda config: config.pop("config"),
        lambda config: config.update(config=None),
        lambda config: config.update(config=["Env"]),
        lambda config: config.update(history=[]),
        lambda config: config.update(history=[{"created_by": "x"}] * 2),
        lambda config: config.update(history={}),
        lambda config: config["config"].pop("Env"),
        lambda config: config["config"].update(Env=None),
        lambda config: config["config"].update(Env=["A"]),
        lambda config: config["config"].update(Env=[1]),
        lambda config: config["config"].update(Env="A=1"),
    ],
)
def test_a_configuration_that_we_do_not_write_is_refused(tmp_path: Path, change: Callable[[Any], object]) -> None:
    saved = with_config(tmp_path / "image.tar", change)
    with pytest.raises(ImageError) as caught:
        with_layer(saved, "shell", [], entrypoint=["/sh"], env={})
    assert str(caught.value) == (
        f"{tmp_path}/image.tar is not an image archive: its JSON is not that of an image.\nBuild the image again."
    )
