from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pystatic_tasks.config.model import Compression
from pystatic_tasks.oci.layers import Entry, Layer, make_layer
from pystatic_tasks.oci.manifest import OciImage, Runtime, canonical, image_config, make_image, timestamp

# By whatever method: here it only matters whose bytes they are.
COMPRESS: Mapping[Compression, Callable[[bytes], bytes]] = {"gzip": zlib.compress, "zstd": lambda tar: b"zstd" + tar}


def make_runtime(ports: Sequence[int] = (8000,), healthcheck: Sequence[str] = ()) -> Runtime:
    return Runtime(
        platform="linux/arm64",
        user="65535:65535",
        entrypoint=["/shop"],
        env=["A=1", "B=größe"],
        ports=ports,
        labels={"title": "Größe"},
        healthcheck=healthcheck,
    )


@pytest.fixture
def layers() -> list[Layer]:
    kinds = ("system", "program")
    return [
        make_layer(kind, [Entry(path=f"/{kind}", mode=0o755, content=kind.encode())], 0, COMPRESS) for kind in kinds
    ]


@pytest.fixture
def image(layers: list[Layer]) -> OciImage:
    return make_image(layers, make_runtime(), 86400, "gzip")


def described(content: bytes, media_type: str) -> dict[str, Any]:
    return {
        "mediaType": media_type,
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "size": len(content),
    }


def test_the_configuration_says_how_to_run_it(layers: list[Layer], image: OciImage) -> None:
    assert json.loads(image.config) == {
        "created": "1970-01-02T00:00:00Z",
        "architecture": "arm64",
        "os": "linux",
        "config": {
            "User": "65535:65535",
            "Env": ["A=1", "B=größe"],
            "Entrypoint": ["/shop"],
            "WorkingDir": "/",
            "Labels": {"title": "Größe"},
            "StopSignal": "SIGTERM",
            "ExposedPorts": {"8000/tcp": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": [layers[0].diff_id, layers[1].diff_id]},
        "history": [
            {"created": "1970-01-02T00:00:00Z", "created_by": "pystatic-tasks: system"},
            {"created": "1970-01-02T00:00:00Z", "created_by": "pystatic-tasks: program"},
        ],
    }


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_the_manifest_names_the_configuration_and_the_layers_from_the_lowest(
    layers: list[Layer], compression: Compression
) -> None:
    image = make_image(layers, make_runtime(), 86400, compression)
    layer_type = f"application/vnd.oci.image.layer.v1.tar+{compression}"
    assert json.loads(image.manifest) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": described(image.config, "application/vnd.oci.image.config.v1+json"),
        "layers": [described(layer.blobs[compression], layer_type) for layer in layers],
        "annotations": {"title": "Größe"},
    }


def test_however_layers_are_compressed_they_are_configured_the_same(layers: list[Layer], image: OciImage) -> None:
    other = make_image(layers, make_runtime(), 86400, "zstd")
    assert (other.image_id == image.image_id, other.digest == image.digest) == (True, False)


def test_an_image_is_known_by_the_digests_of_configuration_and_manifest(image: OciImage) -> None:
    assert image.image_id == f"sha256:{hashlib.sha256(image.config).hexdigest()}"
    assert image.digest == f"sha256:{hashlib.sha256(image.manifest).hexdigest()}"


def test_a_program_without_ports_exposes_none(layers: list[Layer]) -> None:
    config = image_config(layers, make_runtime(ports=()), 0)["config"]
    assert "ExposedPorts" not in config
    assert "Healthcheck" not in config


def test_all_ports_are_exposed(layers: list[Layer]) -> None:
    config = image_config(layers, make_runtime(ports=(80, 443)), 0)["config"]
    assert config["ExposedPorts"] == {"80/tcp": {}, "443/tcp": {}}


def test_the_health_check_is_run_without_a_shell(layers: list[Layer]) -> None:
    config = image_config(layers, make_runtime(healthcheck=["/shop", "--healthcheck", "/a b"]), 0)["config"]
    assert config["Healthcheck"] == {"Test": ["CMD", "/shop", "--healthcheck", "/a b"], "Timeout": 10_000_000_000}


def test_volumes_are_declared(layers: list[Layer]) -> None:
    runtime = replace(make_runtime(), volumes=["/data", "/var/lib/shop"])
    assert image_config(layers, runtime, 0)["config"]["Volumes"] == {"/data": {}, "/var/lib/shop": {}}
    assert "Volumes" not in image_config(layers, make_runtime(), 0)["config"]


def test_json_is_written_in_one_way() -> None:
    assert canonical({"b": [1, 2], "a": "größe"}) == '{"a":"größe","b":[1,2]}'.encode()


@pytest.mark.parametrize("blob", ["config", "manifest"])
def test_configuration_and_manifest_are_canonical(image: OciImage, blob: str) -> None:
    content: bytes = getattr(image, blob)
    assert canonical(json.loads(content)) == content


def test_the_same_layers_are_the_same_image(layers: list[Layer], image: OciImage) -> None:
    assert make_image(layers, make_runtime(), 86400, "gzip") == image
    assert make_image(layers, make_runtime(), 86401, "gzip").digest != image.digest


def test_times_are_written_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert timestamp(1_700_000_000) == "2023-11-14T22:13:20Z"
