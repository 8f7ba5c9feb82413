"""Pushed without a daemon, to Debian's docker-registry."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from changed_images import make_sbom
from registries import (
    CUT,
    FINE,
    Registry,
    pulled_by_platform,
    running_registry,
    standing_before,
    tunnelling_proxy,
    write_docker_config,
    write_helper,
)
from shown import shown
from support import Project, clean_environment, tool_or_skip, validate, without_times, write_project

from pystatic_tasks.engines import Engine
from pystatic_tasks.oci.archive import write_layout
from pystatic_tasks.oci.blobs import Blob, digest
from pystatic_tasks.oci.manifest import canonical
from pystatic_tasks.oci.reading.images import read_archive
from pystatic_tasks.oci.references import parse_reference
from pystatic_tasks.oci.registry.client import Registry as Client
from pystatic_tasks.oci.registry.send import Content, send
from pystatic_tasks.system.terminal import Terminal

PYPROJECT = '[project]\nname = "shop"\nversion = "1.4"\n[tool.pystatic-tasks]\nscript = "shop.py"\nlayout = "tree"\n'
SANDBOX = ("--engine", "sandbox")
PASSWORD = "correct horse"
NO_TAG = "No tag of shop names a registry: shop:latest.\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small program as a tree, built."""
    tool_or_skip("uv")
    files = {"pyproject.toml": PYPROJECT, "shop.py": 'print("open")\n'}
    project = write_project(tmp_path_factory.mktemp("push") / "shop", files, "shop", backend="uv")
    project.nox("-s", "image", "--", *SANDBOX)
    return project


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with running_registry(tmp_path / "registry") as running:
        yield running


@pytest.fixture
def nobody(tmp_path: Path) -> dict[str, str]:
    """A user who never logged in anywhere."""
    return write_docker_config(tmp_path / "nobody", {})


def ask(project: Project, *words: str, session: str = "push", **variables: str) -> subprocess.CompletedProcess[str]:
    """Push, with standard output and standard error apart."""
    command = [sys.executable, "-m", "nox", "-db", "uv", "-s", session, "--", *SANDBOX, *words]
    environment = {**clean_environment(), **variables}
    return subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True, check=False)


def push(project: Project, *words: str, session: str = "push", **variables: str) -> list[str]:
    """The lines on standard output."""
    result = ask(project, *words, session=session, **variables)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def refused(project: Project, *words: str, session: str = "push", **variables: str) -> str:
    """What the session failed with, and nothing else on standard output."""
    result = ask(project, *words, session=session, **variables)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    printed = without_times(result.stderr)
    failed = printed.partition(f"Session {session} failed: ")[2] or printed.partition(f"Session {session} aborted: ")[2]
    return failed.partition("\nnox > ")[0].rstrip("\n")


def call(*command: str | Path) -> str:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert result.returncode == 0, result.stdout
    return result.stdout


def inspect(reference: str, *options: str) -> dict[str, object]:
    tool_or_skip("skopeo")
    found: dict[str, object] = json.loads(call("skopeo", "inspect", "--tls-verify=false", *options, reference))
    return found


def test_its_digest_stays_and_is_all_that_standard_output_has(
    shop: Project, registry: Registry, nobody: dict[str, str], docker: Engine, tmp_path: Path
) -> None:
    place = f"{registry.address}/team/shop"
    outputs = {"GITHUB_OUTPUT": str(tmp_path / "outputs")}
    printed = push(shop, "--tag", f"{place}:1.4", "--tag", f"{place}:latest", **nobody, **outputs)
    built = shop.manifest("image.json")
    by_digest = f"{place}@{built['digest']}"
    assert printed == [by_digest]
    assert (tmp_path / "outputs").read_text(encoding="utf-8") == f"digest={built['digest']}\nreference={by_digest}\n"
    pushed = shop.manifest("push.json")
    validate(pushed, "push.schema.json")
    assert (pushed["digest"], pushed["references"]) == (built["digest"], [by_digest])
    assert (pushed["blobs_sent"], pushed["blobs_there"]) == (len(built["layers"]) + 1, 0)
    assert registry.tags("team/shop")[:2] == ["1.4", "latest"]
    for tag in ("1.4", "latest"):
        assert inspect(f"docker://{place}:{tag}")["Digest"] == built["digest"]
    try:
        assert f"Digest: {built['digest']}\n" in call("docker", "pull", f"{place}:1.4")
        assert call("docker", "run", "--rm", by_digest) == "open\n"
    finally:
        call("docker", "image", "rm", "--force", f"{place}:1.4", by_digest)


def test_nothing_is_sent_twice_and_other_repositories_of_the_registry_take_it_from_the_first(
    shop: Project, registry: Registry, nobody: dict[str, str]
) -> None:
    with standing_before(registry) as between:
        here, there = f"{between.address}/shop:1", f"{between.address}/mirror/shop:1"
        assert len(push(shop, "--tag", here, "--tag", there, **nobody)) == 2
        first, before = shop.manifest("push.json"), between.sent_bytes
        assert first["bytes_sent"] == between.sent_bytes
        assert first["blobs_sent"] == first["blobs_there"]
        (content,) = [json.loads(line) for line in push(shop, "--tag", here, "--json", **nobody)]
        assert content == shop.manifest("push.json")
        assert (content["blobs_sent"], content["bytes_sent"]) == (0, between.sent_bytes - before)
        assert content["bytes_sent"] < 20_000
    assert registry.tags("mirror/shop")[0] == "1"


def test_what_is_in_it_is_found_from_it(shop: Project, registry: Registry, nobody: dict[str, str]) -> None:
    for _ in range(2):
        push(shop, "--tag", f"{registry.address}/shop:1", **nobody)
    sbom = shop.result("sbom.cdx.json").read_bytes()
    pushed = shop.manifest("push.json")
    tag = pushed["digest"].replace(":", "-")
    entries = inspect(f"docker://{registry.address}/shop:{tag}", "--raw")["manifests"]
    assert isinstance(entries, list)
    (entry,) = entries
    assert entry["digest"] == pushed["sbom"]
    assert entry["artifactType"] == "application/vnd.cyclonedx+json"
    manifest = inspect(f"docker://{registry.address}/shop@{entry['digest']}", "--raw")
    assert manifest["artifactType"] == "application/vnd.cyclonedx+json"
    assert manifest["subject"] == {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": pushed["digest"],
        "size": len(json.dumps(inspect(f"docker://{registry.address}/shop:1", "--raw"), separators=(",", ":"))),
    }
    assert manifest["layers"] == [
        {
            "mediaType": "application/vnd.cyclonedx+json",
            "digest": digest(sbom),
            "size": len(sbom),
            "annotations": {"org.opencontainers.image.title": "sbom.cdx.json"},
        }
    ]


DEPLOYMENT = re.compile(r"```yaml\n(# k8s/shop\.yaml\n.*?)```", re.DOTALL)


@pytest.fixture
def manifests(shop: Project) -> Iterator[str]:
    """What docs/places/kubernetes.md deploys, in the project's folder k8s."""
    page = Path(__file__).parents[2] / "docs" / "places" / "kubernetes.md"
    (shown,) = DEPLOYMENT.findall(page.read_text(encoding="utf-8"))
    folder = shop.root / "k8s"
    folder.mkdir()
    (folder / "shop.yaml").write_text(shown, encoding="utf-8")
    yield shown
    shutil.rmtree(folder)


def test_the_deployment_of_the_docs_is_valid_and_runs_what_was_pushed(
    shop: Project, registry: Registry, nobody: dict[str, str], manifests: str
) -> None:
    place = f"{registry.address}/team/shop"
    result = ask(shop, "-f", "k8s/", "--tag", f"{place}:1.4", session="resolve", **nobody)
    assert result.returncode == 0, result.stderr
    reference = f"{place}@{shop.manifest('image.json')['digest']}"
    assert result.stdout == manifests.replace("image: pystatic://shop  ", f"image: {reference}  ")
    assert registry.tags("team/shop")[0] == "1.4"
    namespace, deployment, service = yaml.safe_load_all(result.stdout)
    for each in (namespace, deployment, service):
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == reference
    # All that the profile asks for: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "volumes", "initContainers"}
    config = inspect(f"docker://{reference}", "--config")["config"]
    assert isinstance(config, dict)
    assert config["User"] == "65535:65535"


def test_of_an_image_that_cannot_be_pushed_nothing_is_printed(
    shop: Project, nobody: dict[str, str], manifests: str
) -> None:
    assert "pystatic://shop" in manifests
    result = ask(shop, "-f", "k8s/", session="resolve", **nobody)
    assert (result.returncode, result.stdout) == (1, "")
    assert f"nox > Running session resolve\nnox > Session resolve aborted: {NO_TAG}" in without_times(result.stderr)


def test_without_a_registry_it_says_what_to_type(shop: Project, nobody: dict[str, str]) -> None:
    said = without_times(ask(shop, **nobody).stderr)
    assert (
        f"nox > Running session freeze\nnox > Session freeze aborted: {NO_TAG}"
        "Name one: nox -s push -- --tag registry.example/shop:1.4, or image.tags in pyproject.toml.\n"
    ) in said


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Registry]:
    """A registry that wants a password."""
    with running_registry(tmp_path / "guarded", passwords={"me": PASSWORD}) as running:
        yield running


def entry(password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"me:{password}".encode()).decode()}


def test_it_shows_the_password_that_docker_keeps(shop: Project, guarded: Registry, tmp_path: Path) -> None:
    me = write_docker_config(tmp_path / "me", {"auths": {guarded.address: entry(PASSWORD)}})
    with standing_before(guarded) as between:
        me = write_docker_config(tmp_path / "me", {"auths": {between.address: entry(PASSWORD)}})
        result = ask(shop, "--tag", f"{between.address}/shop:1", "--verbose", **me)
    assert result.returncode == 0, result.stderr
    assert guarded.tags("shop")[0] == "1"
    assert shop.manifest("push.json")["bytes_sent"] == between.sent_bytes
    everything = result.stdout + result.stderr + shop.result("push.json").read_text(encoding="utf-8")
    assert PASSWORD not in everything
    assert entry(PASSWORD)["auth"] not in everything


def test_an_expired_password_is_said_and_nothing_is_there(shop: Project, guarded: Registry, tmp_path: Path) -> None:
    me = write_docker_config(tmp_path / "me", {"auths": {guarded.address: entry("expired")}})
    assert refused(shop, "--tag", f"{guarded.address}/shop:1", **me) == (
        f"{guarded.address} does not accept the password from {tmp_path}/me/config.json; it may have expired.\n"
        f"Log in: docker login {guarded.address}."
    )
    assert guarded.blobs() == {}
    assert guarded.tags("shop") == []
    assert not shop.result("push.json").exists()


def test_a_password_that_is_not_there_is_said(shop: Project, guarded: Registry, nobody: dict[str, str]) -> None:
    assert refused(shop, "--tag", f"{guarded.address}/shop:1", **nobody) == (
        f"{guarded.address} requires a password, but Docker's configuration has none for it.\n"
        f"Log in: docker login {guarded.address}."
    )


def test_it_asks_the_credential_helper(shop: Project, guarded: Registry, tmp_path: Path) -> None:
    me = write_docker_config(tmp_path / "me", {"credHelpers": {guarded.address: "box"}})
    answer = json.dumps({"ServerURL": guarded.address, "Username": "me", "Secret": PASSWORD})
    path = write_helper(tmp_path / "bin", "box", f"[ $1 = get ] && [ $(cat) = {guarded.address} ] && echo '{answer}'")
    push(shop, "--tag", f"{guarded.address}/shop:1", **me, **path)
    assert guarded.tags("shop")[0] == "1"


def test_a_private_authority_is_trusted_where_it_is_named(
    shop: Project, nobody: dict[str, str], tmp_path: Path
) -> None:
    import trustme  # Only installed where integration tests are run.

    authority, certificate = trustme.CA(), tmp_path / "registry.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with running_registry(tmp_path / "registry", certificate=certificate) as registry:
        tag = ("--tag", f"{registry.address}/shop:1")
        assert refused(shop, *tag, **nobody) == (
            f"The certificate of {registry.address} is not trusted: unable to get local issuer certificate.\n"
            "Set SSL_CERT_FILE to the certificate of its authority, "
            f"or put the certificate into /etc/docker/certs.d/{registry.address}/ca.crt."
        )
        push(shop, *tag, **nobody, SSL_CERT_FILE=str(tmp_path / "ca.pem"))
        assert push(shop, *tag, **nobody, REQUESTS_CA_BUNDLE=str(tmp_path / "ca.pem")) == [
            f"{registry.address}/shop@{shop.manifest('image.json')['digest']}"
        ]
        assert registry.tags("shop")[0] == "1"


def test_a_proxy_may_speak_tls_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import trustme

    authority, certificate = trustme.CA(), tmp_path / "registry.pem"
    both = authority.issue_cert("127.0.0.1", "registry.example")
    both.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    blob = Blob(media_type="application/octet-stream", content=bytes(3_000_000))
    with (
        running_registry(tmp_path / "registry", certificate=certificate) as registry,
        tunnelling_proxy(certificate, registry) as (proxy, asked),
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        trusting = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        client = Client("registry.example", lambda _: None, print, environment=trusting)
        assert [client.put_blob("shop", blob), client.put_blob("shop", blob)] == [True, False]
        assert 3_000_000 in registry.blobs().values()
        assert asked == ["CONNECT registry.example:443"]


@pytest.mark.parametrize("fate", [CUT, 503, 429])
@pytest.mark.parametrize("kind", ["HEAD /v2/shop/blobs", "PUT /v2/shop/blobs/uploads", "PUT /v2/shop/manifests"])
def test_what_fails_once_is_tried_again(
    kind: str, fate: int, shop: Project, registry: Registry, nobody: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in nobody.items():
        monkeypatch.setenv(name, value)
    archived, said = read_archive(shop.result("image.tar")), list[str]()
    with standing_before(registry) as between:
        between.fate = lambda asked, before: fate if asked.startswith(kind) and before == 0 else FINE
        reference = parse_reference(f"{between.address}/shop:1")
        send(Content(images=[archived], top=archived.manifest), [reference], said.append, Terminal(stream=sys.stderr))
    why = {
        CUT: "cannot be reached: ",
        503: "answered 503 Service Unavailable. ",
        429: "answered 429 Too Many Requests. ",
    }
    assert said[0].startswith(f"{between.address} {why[fate]}")
    assert said[0].endswith(" Trying again in 0.5 s.")
    assert len(said) == 2
    assert inspect(f"docker://{registry.address}/shop:1")["Digest"] == shop.manifest("image.json")["digest"]


def test_a_registry_that_dies_in_the_middle_has_no_half_an_image(
    shop: Project, registry: Registry, nobody: dict[str, str]
) -> None:
    with standing_before(registry) as between:
        tag = ("--tag", f"{between.address}/shop:1")
        between.fate = lambda asked, before: 503 if len(between.seen) > 5 else FINE
        assert refused(shop, *tag, **nobody) == (
            f"{between.address} answered 503 Service Unavailable.\n"
            "Push again later: what the registry already has is not sent again."
        )
        assert registry.tags("shop") == []
        between.fate = lambda asked, before: FINE
        there = len(registry.blobs())
        push(shop, *tag, **nobody)
        assert there > 0
        assert shop.manifest("push.json")["blobs_there"] == there


def test_nobody_there_is_said(shop: Project, nobody: dict[str, str]) -> None:
    assert refused(shop, "--tag", "127.0.0.1:9/shop:1", **nobody) == (
        "127.0.0.1:9 cannot be reached: Connection refused.\n"
        "Check that its name is right and that it is running, then push again: what it already has is not sent again."
    )


@pytest.fixture
def archives(shop: Project, tmp_path: Path) -> list[Path]:
    """The archive, and one as another machine would have made it."""
    (tmp_path / "amd64").mkdir()
    (tmp_path / "arm64").mkdir()
    ours, theirs = tmp_path / "amd64" / "image.tar", tmp_path / "arm64" / "image.tar"
    ours.write_bytes(shop.result("image.tar").read_bytes())
    theirs.write_bytes(of_another_machine(ours.read_bytes()))
    (tmp_path / "arm64" / "sbom.cdx.json").write_bytes(make_sbom(read_archive(theirs).manifest))
    return [ours, theirs]


def of_another_machine(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [(member.name, tar.extractfile(member)) for member in tar if member.isfile()]
        files = {name: member.read() for name, member in members if member}

    def rewritten(descriptor: dict[str, object], old: bytes, new: bytes) -> bytes:
        path = f"blobs/{str(descriptor['digest']).replace(':', '/')}"
        content = files.pop(path).replace(old, new)
        files[f"blobs/{digest(content).replace(':', '/')}"] = content
        descriptor.update(digest=digest(content), size=len(content))
        return content

    index = json.loads(files["index.json"])
    manifest_path = f"blobs/{index['manifests'][0]['digest'].replace(':', '/')}"
    config = json.loads(files[manifest_path])["config"]
    before = canonical(config)
    rewritten(config, b'"architecture":"amd64"', b'"architecture":"arm64"')
    rewritten(index["manifests"][0], before, canonical(config))
    [named] = json.loads(files["manifest.json"])
    named["Config"] = f"blobs/{config['digest'].replace(':', '/')}"
    return write_layout({**files, "index.json": canonical(index), "manifest.json": canonical([named])})


def test_archives_of_several_machines_become_one(
    shop: Project, registry: Registry, nobody: dict[str, str], docker: Engine, podman: Engine, archives: list[Path]
) -> None:
    place = f"{registry.address}/shop"
    words = [word for path in reversed(archives) for word in ("--archive", str(path))]
    printed = push(shop, *words, "--tag", f"{place}:1.4", session="index", **nobody)
    made = shop.manifest("index.json")
    validate(made, "index.schema.json")
    assert printed == [f"{place}@{made['digest']}"] == made["references"]
    assert [each["platform"] for each in made["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert made["platforms"][0]["digest"] == shop.manifest("image.json")["digest"]
    raw = inspect(f"docker://{place}:1.4", "--raw")
    assert raw["mediaType"] == "application/vnd.oci.image.index.v1+json"
    for architecture, each in zip(("amd64", "arm64"), made["platforms"], strict=True):
        for source in (f"docker://{place}:1.4", f"oci-archive:{shop.result('index.tar')}"):
            found = inspect(source, "--override-arch", architecture)
            assert found["Architecture"] == architecture
        assert f"sha256-{each['digest'][7:]}" in registry.tags("shop") or not each["sbom"]
    assert made["platforms"][1]["sbom"] is not None
    for engine in (docker, podman):
        assert pulled_by_platform(engine.name, f"{place}:1.4") == {"amd64": "amd64", "arm64": "arm64"}
    try:
        assert f"Digest: {made['digest']}\n" in call("docker", "pull", f"{place}:1.4")
        assert call("docker", "run", "--rm", f"{place}:1.4") == "open\n"
    finally:
        call("docker", "image", "rm", "--force", f"{place}:1.4")


def test_the_command_of_the_docs_makes_them_one(
    shop: Project, registry: Registry, nobody: dict[str, str], archives: list[Path]
) -> None:
    command = shown("docs/how-to.md", "nox -s index")
    ours = {f"{path.parent.name}/image.tar": str(path) for path in archives}
    printed = command.typed(shop.root, {**ours, "registry.example": registry.address}, env=nobody)
    assert f"{registry.address}/shop@{shop.manifest('index.json')['digest']}" in printed.splitlines()


def test_an_index_without_a_registry_is_written_only(shop: Project, archives: list[Path]) -> None:
    words = [word for path in archives for word in ("--archive", str(path))]
    assert push(shop, *words, session="index") == []
    assert shop.manifest("index.json")["references"] == []
    assert inspect(f"oci-archive:{shop.result('index.tar')}")["Os"] == "linux"


def test_two_archives_of_one_platform_are_refused(shop: Project, archives: list[Path]) -> None:
    other = archives[1].with_name("other.tar")
    other.write_bytes(archives[0].read_bytes())
    words = ["--archive", str(archives[0]), "--archive", str(other)]
    assert refused(shop, *words, session="index") == (
        f"{archives[0]} and {other} are both for linux/amd64.\nName one archive for each platform."
    )
