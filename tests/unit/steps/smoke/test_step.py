from __future__ import annotations

import json
import re
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from applets import build
from changed_images import entry, make_changed, tar_of
from support import validate

from pystatic_tasks.config.model import ImageConfig, ImageOptions, Request, Service
from pystatic_tasks.engines import Artifact, Container, Policy, make_artifact
from pystatic_tasks.engines.sandbox import Sandbox
from pystatic_tasks.errors import ServiceError, SmokeError
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.in_env.web.client import free_port
from pystatic_tasks.oci import compression
from pystatic_tasks.oci.archive import Written, write_archive
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import require_result, write_manifest
from pystatic_tasks.steps.results import Built, Check
from pystatic_tasks.steps.smoke import contract, runs
from pystatic_tasks.steps.smoke.step import RANDOM_USERS, random_user, show, smoke

WRITTEN = Written(digest="sha256:0", image_id="sha256:1", references=["shop:latest"])
GOOD = Check(name="not root", passed=True, seen="user 65535")
BAD = Check(name="GET /", passed=False, seen="answered 500, expected 200")
LOG = "its log, in full in build/pystatic/{}/smoke.log, ends with:"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """How small an image gets does not matter here."""
    for level in ("GZIP_LEVEL", "QUICK_LEVEL"):
        monkeypatch.setattr(compression, level, 0)


def make_image(root: Path, *, app: str | None = "shop:app", **options: Any) -> ImageConfig:
    return ImageConfig(root=root, project=root, name="shop", app=app, packer="staticx", image=ImageOptions(**options))


@pytest.fixture
def sandboxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the sandbox makes its folders."""
    folder = tmp_path / "sandboxes"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_program_that_keeps_its_contract_is_reported(tmp_path: Path, sandboxes: Path) -> None:
    said: list[str] = []
    image = build(tmp_path, "echo", command=("größe",), stdout="größe")
    report = smoke(image, StepContext(say=said.append))
    assert to_json(report) == json.loads((image.dist / "smoke.json").read_text(encoding="utf-8"))
    validate(to_json(report), "smoke.schema.json")
    assert report.passed
    assert report.runs[0].user == "65535:65535" != report.runs[1].user
    assert [check.name for check in report.runs[1].checks] == [
        "echo größe",
        "prints 'größe'",
        "nothing left in /tmp",
    ]
    assert said[0].endswith("): root read-only, no capabilities, no new privileges")
    size = json.loads((image.dist / "image.json").read_text(encoding="utf-8"))["size_bytes"]
    assert said[1:5] == [
        "  ok      no shell: 5 files",
        "  ok      no set-uid file: 5 files",
        f"  ok      within budget: {size / 1e6:.2f} MB, no budget",
        "as user 65535:65535",
    ]
    assert said[-1].startswith("not checked by sandbox: ")
    assert list(sandboxes.iterdir()) == []


@pytest.mark.parametrize(("requests", "is_said"), [((Request(),), False), ((Request(path="/ready"),), True)])
def test_requests_that_nobody_is_asked_are_told(
    tmp_path: Path, sandboxes: Path, requests: tuple[Request, ...], is_said: bool
) -> None:
    said: list[str] = []
    smoke(build(tmp_path, "echo", requests=requests), StepContext(say=said.append))
    assert ("smoke.requests are not sent: no smoke.port says where the program serves HTTP" in said) is is_said


def test_a_program_that_breaks_its_contract_fails_and_is_reported(tmp_path: Path, sandboxes: Path) -> None:
    image = build(tmp_path, "false", stdout="hello")
    with pytest.raises(SmokeError) as caught:
        smoke(image, StepContext(say=lambda line: None))
    assert str(caught.value) == (
        "false broke its contract:\n"
        "  false: exit code 1\n"
        "  prints 'hello': not found\n"
        "All results are in dist/pystatic/false/smoke.json."
    )
    report = json.loads((image.dist / "smoke.json").read_text(encoding="utf-8"))
    validate(report, "smoke.schema.json")
    assert report["passed"] is False
    assert list(sandboxes.iterdir()) == []


def test_a_program_that_does_not_end_fails(tmp_path: Path, sandboxes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (contract, runs):
        monkeypatch.setattr(module, "GRACE_SECONDS", 0.1)
    image = build(tmp_path, "sleep", command=("60",), timeout=0.2)
    with pytest.raises(SmokeError) as caught:
        smoke(image, StepContext(say=lambda line: None))
    assert caught.value.details[0] == "sleep 60: still running after 0.2 s"
    assert list(sandboxes.iterdir()) == []


@pytest.mark.parametrize(
    ("wanted", "seen"), [(1, None), (0, "false: exit code 1"), (3, "false: exit code 1, expected 3")]
)
def test_a_program_ends_with_the_code_that_is_wanted(
    tmp_path: Path, sandboxes: Path, wanted: int, seen: str | None
) -> None:
    image = build(tmp_path, "false", exit_code=wanted)
    if seen is None:
        assert smoke(image, StepContext(say=lambda line: None)).passed
        return
    with pytest.raises(SmokeError) as caught:
        smoke(image, StepContext(say=lambda line: None))
    assert caught.value.details == (seen,)


def shell(root: Path, script: str, **options: Any) -> ImageConfig:
    """An image that runs a script until TERM; env is the one of busybox's that starts another."""
    return build(root, "env", command=("/env", "sh", "-c", script), long_running=True, **options)


WAITS = "trap 'exit 0' TERM; {0}; while :; do sleep 0.02; done"


@pytest.mark.parametrize("stdout", ["waiting", None])
def test_a_program_that_runs_until_term_is_stopped(
    tmp_path: Path, sandboxes: Path, monkeypatch: pytest.MonkeyPatch, stdout: str | None
) -> None:
    monkeypatch.setattr(runs, "SETTLE_SECONDS", 0.3)
    said: list[str] = []
    report = smoke(
        shell(tmp_path, WAITS.format("sleep 0.2; echo waiting"), stdout=stdout), StepContext(say=said.append)
    )
    for run, line in zip(report.runs, [line for line in said if line.startswith("as user")], strict=True):
        assert [check.name for check in run.checks] == [
            *(["prints 'waiting'"] if stdout else []),
            "not root",
            "TERM ends it",
            "no errors logged",
            "nothing left in /tmp",
        ]
        if stdout:
            assert run.startup_ms is not None
            assert run.startup_ms >= 200
            assert line == f"as user {run.user}, ready after {run.startup_ms} ms"
        else:
            assert (run.startup_ms, line) == (None, f"as user {run.user}")
    assert list(sandboxes.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "options", "details"),
    [
        ("exit 3", {}, ["TERM ends it: it had ended by itself with exit code 3"]),
        (
            "exit 3",
            {"stdout": "waiting"},
            ["prints 'waiting': not found", "TERM ends it: it had ended by itself with exit code 3"],
        ),
        (
            "echo waiting",
            {"stdout": "waiting"},
            ["TERM ends it: it had ended by itself with exit code 0", LOG.format("env"), "| waiting"],
        ),
        (WAITS.format("true"), {"stdout": "waiting", "timeout": 0.3}, ["prints 'waiting': not found"]),
        (
            WAITS.format("echo '[ERROR] x'; touch /tmp/_MEIx"),
            {"stdout": "ERROR"},
            ["no errors logged: [ERROR] x", "nothing left in /tmp: _MEIx", LOG.format("env"), "| [ERROR] x"],
        ),
    ],
)
def test_a_program_that_does_not_run_until_term_fails(
    tmp_path: Path, sandboxes: Path, script: str, options: dict[str, Any], details: list[str]
) -> None:
    with pytest.raises(SmokeError) as caught:
        smoke(shell(tmp_path, script, **options), StepContext(say=lambda line: None))
    assert list(caught.value.details) == details
    assert list(sandboxes.iterdir()) == []


# Images made to break the contract, one for each check that is not broken above. No engine runs one as root.


def broken(image: ImageConfig) -> str:
    """The only check that an image does not pass."""
    with pytest.raises(SmokeError) as caught:
        smoke(image, StepContext(say=lambda line: None))
    report = json.loads((image.dist / "smoke.json").read_text(encoding="utf-8"))
    checks = [*report["checks"], *(check for run in report["runs"] for check in run["checks"])]
    [name] = {check["name"] for check in checks if not check["passed"]}
    assert caught.value.details[0].startswith(f"{name}: ")
    return caught.value.details[0]


def test_a_shell_in_an_image_is_found(tmp_path: Path, sandboxes: Path) -> None:
    (tmp_path / "any").touch()
    files = ImageOptions(files={"/bin/ash": "any"})
    assert broken(build(tmp_path, "echo", image_options=files)) == "no shell: bin/ash"


def test_a_set_uid_file_in_an_image_is_found(tmp_path: Path, sandboxes: Path) -> None:
    image = build(tmp_path, "echo")
    program = (tmp_path / "program/echo").read_bytes()
    folders = [entry(name, tarfile.DIRTYPE) for name in ("etc", "tmp")]
    before = require_result(image, Built)
    changed = make_changed(tar_of([*folders, (entry("echo"), program), entry("ping", mode=0o4755)]))
    (image.dist / "image.tar").write_bytes(write_archive(changed, image.references))
    built = replace(before, image_id=changed.image_id, digest=changed.digest)
    write_manifest(image, built, inputs="", outputs=[image.dist / "image.tar"])
    assert broken(image) == "no set-uid file: ping"


def test_an_image_over_budget_is_found(tmp_path: Path, sandboxes: Path) -> None:
    image = replace(build(tmp_path, "echo"), max_size=1)
    assert broken(image).startswith("within budget: ")


def serving(root: Path, path: str, script: str = "true", **options: Any) -> ImageConfig:
    """An image that serves its /etc, after a script, and is asked one request."""
    port = free_port()
    serve = WAITS.format(f"{script}; httpd -p 127.0.0.1:{port} -h /etc")
    command = ("/env", "sh", "-c", serve)
    return build(root, "env", command=command, port=port, requests=(Request(path=path),), timeout=5.0, **options)


def test_a_service_that_keeps_its_contract_passes(tmp_path: Path, sandboxes: Path) -> None:
    assert smoke(serving(tmp_path, "/passwd"), StepContext(say=lambda line: None)).passed


def test_a_wrong_answer_is_found(tmp_path: Path, sandboxes: Path) -> None:
    assert broken(serving(tmp_path, "/nowhere")) == "GET /nowhere: answered 404, expected 200"


def test_a_service_that_does_not_start_is_found(tmp_path: Path, sandboxes: Path) -> None:
    assert broken(serving(tmp_path, "/passwd", "exit 3")) == "answers: it ended with exit code 3"


def test_a_service_that_never_answers_is_found(tmp_path: Path, sandboxes: Path) -> None:
    image = serving(tmp_path, "/passwd")
    never = replace(image.smoke, command=("/env", "sh", "-c", WAITS.format("true")), timeout=0.5)
    assert broken(replace(image, smoke=never)) == "answers: none within 0.5 s"


def test_a_health_check_that_fails_is_found(tmp_path: Path, sandboxes: Path) -> None:
    """Busybox's env knows no --healthcheck."""
    options = ImageOptions(healthcheck="/health")
    assert broken(serving(tmp_path, "/passwd", image_options=options)).startswith("health check answers: exit code ")


def test_a_program_that_does_not_listen_to_term_fails(
    tmp_path: Path, sandboxes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (contract, runs):
        monkeypatch.setattr(module, "GRACE_SECONDS", 0.1)
    with pytest.raises(SmokeError) as caught:
        smoke(shell(tmp_path, "echo waiting; exec sleep 60", stdout="waiting"), StepContext(say=lambda line: None))
    # A busy machine takes longer to kill it.
    assert re.fullmatch(r"TERM ends it: exit code 137 after \d\.\d s", caught.value.details[0])


def test_the_executable_that_unpacks_itself_may_write_into_tmp_and_leave_nothing_of_that(
    tmp_path: Path, sandboxes: Path
) -> None:
    image = build(tmp_path, "touch", command=("/tmp/x",))
    assert smoke(image, StepContext(say=lambda line: None)).passed
    with pytest.raises(SmokeError) as caught:
        smoke(replace(image, smoke=replace(image.smoke, command=("/tmp/_MEIx",))), StepContext(say=lambda line: None))
    assert caught.value.details == ("nothing left in /tmp: _MEIx",)
    assert list(sandboxes.iterdir()) == []


def test_a_tree_may_write_into_tmp_where_it_is_given_one(tmp_path: Path, sandboxes: Path) -> None:
    image = build(tmp_path, "touch", layout="tree", command=("/tmp/x",))
    with pytest.raises(SmokeError) as caught:
        smoke(image, StepContext(say=lambda line: None))
    seen = ["touch /tmp/x: exit code 1", LOG.format("touch"), "| touch: /tmp/x: Read-only file system"]
    assert list(caught.value.details) == seen
    given = replace(image, smoke=replace(image.smoke, writable_tmp=True))
    assert smoke(given, StepContext(say=lambda line: None)).passed


def test_the_whole_log_of_the_run_that_failed_is_kept_until_the_next(tmp_path: Path, sandboxes: Path) -> None:
    script = "for n in $(seq 30); do echo line $n; done; echo https://me:secret@example.org/; exit 3"
    lines = "".join(f"line {n}\n" for n in range(1, 31))
    shop = build(tmp_path, "env", command=("/env", "sh", "-c", script))
    log = shop.work / "smoke.log"
    with pytest.raises(SmokeError):
        smoke(shop, StepContext(say=lambda line: None))
    assert log.read_text(encoding="utf-8") == f"{lines}https://***@example.org/\n"
    smoke(replace(shop, smoke=replace(shop.smoke, exit_code=3)), StepContext(say=lambda line: None))
    assert not log.exists()


def test_the_callers_values_are_hidden_in_what_is_shown_and_kept(
    tmp_path: Path, sandboxes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "größe-of-it")
    shop = build(tmp_path, "env", command=("/env", "sh", "-c", "echo key $KEY; exit 3"), env={"KEY": "$SHOP_KEY"})
    with pytest.raises(SmokeError) as caught:
        smoke(shop, StepContext(say=lambda line: None))
    assert caught.value.details[-1] == "| key ***"
    assert (shop.work / "smoke.log").read_text(encoding="utf-8") == "key ***\n"


def test_nothing_of_a_value_is_shown_where_an_answer_is_cut(
    tmp_path: Path, sandboxes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "65535:65535:nonroot:/:/sbin")
    shop = serving(tmp_path, "/passwd", env={"KEY": "$SHOP_KEY"})
    asked = replace(shop, smoke=replace(shop.smoke, requests=(Request(path="/passwd", text="me"),)))
    seen = "'root:x:0:0:root:/:/sbin/nologin\\nnonroot:x:***/nologin\\n'"
    assert broken(asked) == f"GET /passwd: answered {seen}, expected it to contain 'me'"


def test_checks_are_shown_in_columns() -> None:
    said: list[str] = []
    show(StepContext(say=said.append), [GOOD, BAD])
    assert said == ["  ok      not root: user 65535", "  FAILED  GET /: answered 500, expected 200"]


def test_the_random_user_is_nobody_known() -> None:
    users = {random_user() for _ in range(20)}
    assert len(users) > 1
    for user in users:
        uid, _, gid = user.partition(":")
        assert uid == gid
        assert int(uid) in RANDOM_USERS
    assert 0 not in RANDOM_USERS


@pytest.mark.parametrize(("app", "port"), [("shop:app", 8000), (None, None)])
def test_a_service_is_reached_at_its_first_port(tmp_path: Path, app: str | None, port: int | None) -> None:
    artifact = make_artifact(make_image(tmp_path, app=app), written=WRITTEN, ports=[8000, 9000])
    assert artifact.port == port
    assert artifact.entrypoint == "/shop"
    assert artifact.volumes == ()
    assert artifact.archive == tmp_path / "dist" / "pystatic" / "shop" / "image.tar"


def test_the_artifact_has_the_images_volumes(tmp_path: Path) -> None:
    image = make_image(tmp_path, volumes=("/data",))
    assert make_artifact(image, written=WRITTEN, ports=[]).volumes == ("/data",)


def test_the_servers_own_port_is_asked_whatever_is_exposed(tmp_path: Path) -> None:
    image = make_image(tmp_path, app="shop:app")
    image = replace(image, image=replace(image.image, ports=(443,)))
    assert make_artifact(image, written=WRITTEN, ports=[8000]).port == 8000


def test_a_service_without_a_port_cannot_be_asked(tmp_path: Path, sandboxes: Path) -> None:
    image = build(tmp_path, "sleep", app="shop:app")
    with pytest.raises(SmokeError) as caught:
        smoke(image, StepContext(say=lambda line: None))
    assert caught.value.details[0] == "answers: server.bind names no TCP port that could be asked"
    assert list(sandboxes.iterdir()) == []


def test_a_second_run_that_goes_as_the_first_is_one_line(tmp_path: Path, sandboxes: Path) -> None:
    said: list[str] = []
    smoke(build(tmp_path, "echo", command=("x",), stdout="x"), StepContext(say=said.append))
    place = next(n for n, line in enumerate(said) if line.startswith("as user") and "65535" not in line)
    assert said[place + 1] == "  ok      the same 3 checks: as before"


def test_the_checks_are_a_table_in_the_summary_of_a_job(
    tmp_path: Path, sandboxes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    smoke(build(tmp_path, "echo", command=("a|b",), stdout="a"), StepContext(say=lambda line: None))
    lines = (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines()
    place = lines.index("### smoke of echo in sandbox")
    assert lines[place + 2 : place + 5] == [
        "| as | check | | seen |",
        "|---|---|---|---|",
        "| image | no shell | ok | 5 files |",
    ]
    assert "| 65535:65535 | echo a\\|b | ok | exit code 0 |" in lines


SERVES = """
import os, socket

server = socket.create_server(("127.0.0.1", int(os.environ["PYSTATIC_SERVICE_PORT"])))
count = len(os.listdir("starts"))
open(f"starts/{count}", "x").close()
while True:
    with server.accept()[0] as connection:
        connection.sendall(f"start {count}\\n".encode())
"""


def with_service(image: ImageConfig, code: str) -> ImageConfig:
    (image.root / "starts").mkdir()
    (image.root / "cache.py").write_text(code, encoding="utf-8")
    command = (sys.executable, "-IS", "cache.py")
    return replace(image, services=(Service(name="cache", command=command, port=image.services[0].port),))


def asks(root: Path, port: int) -> ImageConfig:
    """An image of a program that asks a service."""
    image = build(root, "nc", command=("127.0.0.1", str(port)), stdout="start ")
    return replace(image, services=(Service(name="cache", command=("true",), port=port),))


def test_each_run_has_services_of_its_own(tmp_path: Path, sandboxes: Path) -> None:
    said: list[str] = []
    port = free_port()
    image = with_service(asks(tmp_path, port), SERVES)
    assert smoke(image, StepContext(say=said.append)).passed
    assert len(list((tmp_path / "starts").iterdir())) == 2
    assert said[1] == f"services: cache at 127.0.0.1:{port}; sandbox runs the image in this machine's network"


def test_an_image_is_run_in_the_network_of_the_machine_for_its_services_only(
    tmp_path: Path, sandboxes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    start = Sandbox.start

    def note(engine: Sandbox, artifact: Artifact, policy: Policy, arguments: Sequence[str]) -> Container:
        seen.append(policy.host_network)
        return start(engine, artifact, policy, arguments)

    monkeypatch.setattr(Sandbox, "start", note)
    image = asks(tmp_path, free_port())
    smoke(with_service(image, SERVES), StepContext(say=lambda line: None))
    with pytest.raises(SmokeError):
        smoke(replace(image, services=()), StepContext(say=lambda line: None))
    assert seen == [True, True, False, False]


def test_without_its_services_an_image_is_not_run(tmp_path: Path, sandboxes: Path) -> None:
    image = with_service(asks(tmp_path, free_port()), "raise SystemExit('no space left')\n")
    said: list[str] = []
    with pytest.raises(ServiceError) as caught:
        smoke(image, StepContext(say=said.append))
    assert "  | no space left\n" in str(caught.value)
    assert not any(line.startswith("as user") for line in said)
    assert not (image.dist / "smoke.json").exists()
