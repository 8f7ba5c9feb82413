"""`image.tar` in the tools that people have: Docker, Podman, skopeo, `docker build`."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import TAG, Project, tool_or_skip, validate

from pystatic_tasks.engines import Engine

REFERENCE = f"sample-app:{TAG}"
CAREFUL = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
WRITABLE_TMP = ["--tmpfs", "/tmp:exec,mode=1777"]


def call(*command: str | Path, **options: object) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert result.returncode == 0, result.stdout + result.stderr
    output: str = result.stdout
    return output


@pytest.fixture(scope="module")
def loaded(sample: Project, docker: Engine) -> Iterator[str]:
    """The reference of the image, loaded into Docker from standard input."""
    with sample.result("image.tar").open("rb") as archive:
        said = call("docker", "load", stdin=archive)
    assert said.endswith(f"Loaded image: {REFERENCE}\n")
    yield REFERENCE
    call("docker", "image", "rm", "--force", REFERENCE)


def test_what_describes_it_is_as_its_schema_says(sample: Project) -> None:
    validate(sample.manifest("image.json"), "image.schema.json")


def test_docker_knows_it_by_the_id_of_the_manifest(sample: Project, loaded: str) -> None:
    built = sample.manifest("image.json")
    inspected = json.loads(call("docker", "image", "inspect", loaded))[0]
    assert inspected["Id"] == built["image_id"]
    assert inspected["Architecture"] == built["platform"].partition("/")[2]
    assert inspected["Config"]["User"] == "65535:65535"
    assert inspected["Config"]["ExposedPorts"] == {"8000/tcp": {}}
    assert inspected["Config"]["Healthcheck"]["Test"] == ["CMD", "/sample-app", "--healthcheck", "/health"]
    assert inspected["Config"]["Labels"]["org.opencontainers.image.title"] == "sample-app"
    assert inspected["Config"]["Labels"]["org.opencontainers.image.version"] == "1.0.0"
    assert inspected["Size"] == pytest.approx(built["size_bytes"], rel=0.01)


@pytest.mark.parametrize("user", ["12345:12345", "65535:65535"])
def test_docker_runs_it_as_careful_people_do(loaded: str, user: str) -> None:
    options = [*CAREFUL, *WRITABLE_TMP, "--user", user, "--publish", "127.0.0.1::8000"]
    container = call("docker", "run", "--detach", *options, loaded).strip()
    try:
        port = call("docker", "port", container, "8000/tcp").strip().rpartition(":")[2]
        assert ask(f"http://127.0.0.1:{port}/?min=4&max=4") == {"number": 4, "min": 4, "max": 4}
        call("docker", "stop", "--time", "10", container)
        assert call("docker", "inspect", "--format", "{{.State.ExitCode}}", container) == "0\n"
    finally:
        call("docker", "rm", "--force", "--volumes", container)


def test_docker_finds_it_healthy(loaded: str) -> None:
    container = call("docker", "run", "--detach", "--health-interval", "1s", loaded).strip()
    try:
        for _ in range(100):
            status = call("docker", "inspect", "--format", "{{.State.Health.Status}}", container).strip()
            if status != "starting":
                break
            time.sleep(0.2)
        assert status == "healthy"
    finally:
        call("docker", "rm", "--force", "--volumes", container)


def ask(url: str) -> object:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                answer: object = json.loads(response.read())
                return answer
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"no answer from {url}")


def test_the_dockerfile_gives_the_same_root(sample: Project, docker: Engine, tmp_path: Path) -> None:
    for name in ("Dockerfile", "rootfs.tar"):
        (tmp_path / name).write_bytes(sample.result(name).read_bytes())
    call("docker", "build", "--tag", "built-by-dockerfile", tmp_path)
    try:
        container = call("docker", "create", "built-by-dockerfile").strip()
        exported = subprocess.run(["docker", "export", container], capture_output=True, check=True).stdout
        call("docker", "rm", container)
        config = json.loads(call("docker", "image", "inspect", "built-by-dockerfile"))[0]["Config"]
    finally:
        call("docker", "image", "rm", "--force", "built-by-dockerfile")
    ours = entries(sample.result("rootfs.tar").read_bytes())
    theirs = entries(exported)
    assert {name: theirs[name] for name in ours} == ours
    assert config["User"] == "65535:65535"
    assert config["Entrypoint"] == ["/sample-app"]


def entries(tar: bytes) -> dict[str, tuple[int, int, int, int]]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {
            member.name.rstrip("/"): (member.mode & 0o7777, member.uid, member.gid, member.size)
            for member in archive.getmembers()
        }


def test_podman_loads_it(sample: Project, podman: Engine) -> None:
    said = call("podman", "load", "--input", sample.result("image.tar"))
    try:
        assert said.startswith("Loaded image: ")
        reference = said.split()[-1]
        assert reference.endswith(REFERENCE)
        inspected = json.loads(call("podman", "image", "inspect", reference))[0]
        assert f"sha256:{inspected['Id']}" == sample.manifest("image.json")["image_id"]
        assert inspected["Annotations"]["org.opencontainers.image.title"] == "sample-app"
    finally:
        call("podman", "image", "rm", "--force", said.split()[-1])


@pytest.mark.parametrize("transport", ["oci-archive", "docker-archive"])
def test_skopeo_reads_it(sample: Project, transport: str) -> None:
    tool_or_skip("skopeo")
    inspected = json.loads(call("skopeo", "inspect", f"{transport}:{sample.result('image.tar')}"))
    assert inspected["Os"] == "linux"
    assert inspected["Labels"]["org.opencontainers.image.title"] == "sample-app"
    if transport == "oci-archive":
        assert inspected["Digest"] == sample.manifest("image.json")["digest"]


def test_skopeo_copies_it_whole(sample: Project, tmp_path: Path) -> None:
    """What a registry would get: every blob has the digest and the size that the manifest says."""
    tool_or_skip("skopeo")
    call("skopeo", "copy", "--preserve-digests", f"oci-archive:{sample.result('image.tar')}", f"dir:{tmp_path}/copy")
    manifest = json.loads((tmp_path / "copy" / "manifest.json").read_text(encoding="utf-8"))
    for blob in [manifest["config"], *manifest["layers"]]:
        assert (tmp_path / "copy" / blob["digest"].partition(":")[2]).stat().st_size == blob["size"]
