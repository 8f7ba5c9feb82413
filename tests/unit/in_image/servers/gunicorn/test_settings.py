from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from gunicorn.config import Config

from pystatic_tasks.in_image.errors import SettingsError
from pystatic_tasks.in_image.servers.gunicorn import settings as server_settings
from pystatic_tasks.in_image.servers.gunicorn.settings import address_of, binds, configure, exposed_ports


def refused(settings: Mapping[str, Any] | None = None, arguments: Sequence[str] = (), **environment: str) -> str:
    with pytest.raises(SettingsError) as caught:
        configure(settings or {}, environment, arguments)
    return str(caught.value)


def listens(bind: Any, **environment: str) -> list[str]:
    return binds(configure({"bind": bind}, environment))


def test_the_defaults_fit_for_containers() -> None:
    config = configure({}, {})
    assert config.settings["bind"].get() == ["0.0.0.0:8000"]
    assert config.workers == 2
    assert config.graceful_timeout < 10
    assert config.control_socket_disable is True
    assert config.preload_app is True


def test_a_project_may_load_its_application_in_each_worker() -> None:
    assert configure({"preload_app": False}, {}).preload_app is False


def test_the_heartbeat_needs_no_writable_root() -> None:
    assert configure({}, {}).worker_tmp_dir == "/dev/shm"


def test_without_shared_memory_the_heartbeat_stays_where_gunicorn_puts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_settings, "HEARTBEAT_FOLDER", "/nowhere")
    assert configure({}, {}).worker_tmp_dir is None


def test_each_source_goes_before_the_one_below() -> None:
    project = {"workers": 3}
    assert configure(project, {}).workers == 3
    assert configure(project, {"WEB_CONCURRENCY": "4"}).workers == 4
    assert configure(project, {"WEB_CONCURRENCY": "4", "GUNICORN_CMD_ARGS": "--workers 5"}).workers == 5
    both = {"WEB_CONCURRENCY": "4", "GUNICORN_CMD_ARGS": "--workers 5"}
    assert configure(project, both, ["--workers", "6"]).workers == 6


def test_the_environment_of_this_process_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "81")
    monkeypatch.setenv("WEB_CONCURRENCY", "7")
    config = configure({}, {})
    assert (binds(config), config.workers) == (["0.0.0.0:8000"], 2)


def test_empty_variables_are_none() -> None:
    config = configure({}, {"PORT": "", "WEB_CONCURRENCY": "", "GUNICORN_CMD_ARGS": ""})
    assert (binds(config), config.workers) == (["0.0.0.0:8000"], 2)


def test_arguments_may_hold_blanks_in_quotes() -> None:
    config = configure({}, {"GUNICORN_CMD_ARGS": """--access-logformat '%(h)s "%(r)s"' --access-logfile -"""})
    assert config.access_log_format == '%(h)s "%(r)s"'
    assert config.accesslog == "-"


@pytest.mark.parametrize(
    ("bind", "there"),
    [
        ("127.0.0.1:8000", ["127.0.0.1:81"]),
        ("[::]:8000", ["[::]:81"]),
        ("localhost", ["localhost:81"]),
        ("[::1]", ["[::1]:81"]),
        (":8000", [":81"]),
        (["127.0.0.1:8000", "0.0.0.0:9000"], ["127.0.0.1:81"]),
        ("unix:/run/shop.sock", ["0.0.0.0:81"]),
        (["unix:/run/shop.sock", "127.0.0.1:8000"], ["127.0.0.1:81"]),
    ],
)
def test_port_keeps_the_address_that_the_project_listens_on(bind: Any, there: list[str]) -> None:
    assert listens(bind, PORT="81") == there


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "80 ", "1.5", "²", "٣"])
def test_port_must_be_a_port(port: str) -> None:
    assert refused(PORT=port) == f"PORT = '{port}' is not a valid port; ports range from 1 to 65535."


@pytest.mark.parametrize(
    ("workers", "reason"),
    [("many", "invalid literal for int() with base 0: 'many'"), ("-1", "Value must be positive: -1")],
)
def test_web_concurrency_must_be_a_number_of_workers(workers: str, reason: str) -> None:
    assert refused(WEB_CONCURRENCY=workers) == f"WEB_CONCURRENCY = '{workers}' is refused by gunicorn: {reason}"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("worker", "; did you mean 'workers'?"),
        ("control-socket", "; did you mean 'control_socket'?"),
        ("acesslog", "; did you mean 'accesslog'?"),
        ("zzzzzz", "."),
    ],
)
def test_an_unknown_setting_is_told_with_the_nearest(name: str, hint: str) -> None:
    assert refused({name: 1}) == f"server.{name} is not a setting of gunicorn{hint}"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "workers",
            "two",
            "server.workers = 'two' is refused by gunicorn: invalid literal for int() with base 0: 'two'",
        ),
        ("timeout", -1, "server.timeout = -1 is refused by gunicorn: Value must be positive: -1"),
        ("user", "nobody-here", "server.user = 'nobody-here' is refused by gunicorn: No such user: 'nobody-here'"),
        ("preload_app", "perhaps", "server.preload_app = 'perhaps' is refused by gunicorn: Invalid boolean: perhaps"),
    ],
)
def test_a_value_that_gunicorn_refuses_is_told_with_its_reason(name: str, value: object, text: str) -> None:
    assert refused({name: value}) == text


@pytest.mark.parametrize(
    ("bind", "reason"),
    [
        ("0.0.0.0:http", "'http' is not a valid port number."),
        ("0.0.0.0:99999", "ports go from 1 to 65535."),
        ("fd://x", "'x' is not a valid file descriptor."),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_refused(bind: str, reason: str) -> None:
    assert refused({"bind": bind}) == f"server.bind = '{bind}' is not a valid address: {reason}"


@pytest.mark.parametrize("where", ["GUNICORN_CMD_ARGS", "The command line"])
def test_another_application_is_refused(where: str) -> None:
    text = f"{where} names an application ('other:app'); this program has its own."
    if where == "GUNICORN_CMD_ARGS":
        assert refused(GUNICORN_CMD_ARGS="--workers 2 other:app") == text
    else:
        assert refused(arguments=["other:app"]) == text


def test_a_configuration_file_is_refused() -> None:
    text = "config has no effect here: the program reads no configuration file."
    assert refused(GUNICORN_CMD_ARGS="-c gunicorn.conf.py") == f"GUNICORN_CMD_ARGS: {text}"
    assert refused(arguments=["--config", "gunicorn.conf.py"]) == f"The command line: {text}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("config", "the program reads no configuration file"),
        ("wsgi_app", "the program has its own application"),
    ],
)
def test_settings_that_have_no_effect_here_are_refused(name: str, reason: str) -> None:
    assert refused({name: "x"}) == f"server.{name} has no effect here: {reason}."


def test_an_argument_that_gunicorn_refuses_is_named() -> None:
    reason = "is refused by gunicorn: No such user: 'nobody-here'"
    assert refused(GUNICORN_CMD_ARGS="--user nobody-here") == f"GUNICORN_CMD_ARGS: user = 'nobody-here' {reason}"


def test_quotes_must_be_closed() -> None:
    assert refused(GUNICORN_CMD_ARGS="--name 'shop") == (
        """GUNICORN_CMD_ARGS = "--name 'shop" cannot be split into arguments: No closing quotation."""
    )


def test_an_unknown_argument_ends_with_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/shop"])
    with pytest.raises(SystemExit) as caught:
        configure({}, {}, ["--wrokers=2"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == "shop: error: unrecognized arguments: --wrokers=2"


@pytest.mark.parametrize(
    ("bind", "ports"),
    [
        ("0.0.0.0:8000", [8000]),
        (["0.0.0.0:9000", "[::]:8000", "127.0.0.1:8000"], [8000, 9000]),
        ("unix:/run/shop.sock", []),
        ("fd://3", []),
        (["unix:/run/shop.sock", "0.0.0.0:80"], [80]),
        ("0.0.0.0", [8000]),
    ],
)
def test_the_ports_are_those_that_are_listened_on(bind: Any, ports: list[int]) -> None:
    assert exposed_ports(configure({"bind": bind}, {})) == ports


@pytest.mark.parametrize(
    ("bind", "tcp"),
    [("0.0.0.0:80", True), ("[::1]:80", True), ("unix:/x", False), ("unix:///x", False), ("fd://3", False)],
)
def test_only_what_has_a_port_is_tcp(bind: str, tcp: bool) -> None:
    assert isinstance(address_of(bind), tuple) is tcp


def test_one_address_is_a_list_of_one() -> None:
    config = Config()
    config.set("bind", "0.0.0.0:80")
    assert binds(config) == ["0.0.0.0:80"]
