from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import uvicorn

from pystatic_tasks.in_image.errors import SettingsError
from pystatic_tasks.in_image.servers.uvicorn.settings import WITHOUT_EFFECT, configure, known_names, options


def refused(settings: Mapping[str, Any] | None = None, arguments: Sequence[str] = (), **environment: str) -> str:
    with pytest.raises(SettingsError) as caught:
        configure(settings or {}, environment, arguments)
    return str(caught.value)


def test_the_defaults_fit_for_containers() -> None:
    assert configure({}) == {"host": "0.0.0.0", "port": 8000, "workers": 1, "timeout_graceful_shutdown": 8}


def test_each_source_goes_before_the_one_below() -> None:
    project = {"workers": 3}
    assert configure(project)["workers"] == 3
    assert configure(project, {"WEB_CONCURRENCY": "4"})["workers"] == 4
    both = {"WEB_CONCURRENCY": "4", "UVICORN_WORKERS": "5"}
    assert configure(project, both)["workers"] == 5
    assert configure(project, both, ["--workers", "6"])["workers"] == 6
    assert configure({}, {"PORT": "81", "UVICORN_PORT": "82"})["port"] == 82


def test_the_environment_of_this_process_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PORT": "81", "WEB_CONCURRENCY": "7", "UVICORN_HOST": "::1", "UVICORN_APP": "x:y"}.items():
        monkeypatch.setenv(name, value)
    assert configure({}, {}, []) == configure({})


def test_empty_variables_are_none() -> None:
    assert configure({}, {"PORT": "", "WEB_CONCURRENCY": "", "UVICORN_PORT": ""}) == configure({})


@pytest.mark.parametrize("where", [{"uds": "/run/shop.sock"}, {"fd": 3}])
def test_port_goes_before_another_kind_of_listener(where: dict[str, Any]) -> None:
    assert configure(where, {"PORT": "81"}) == {**configure({}), "port": 81}


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("UVICORN_LOG_LEVEL", "debug", {"log_level": "debug"}),
        ("UVICORN_ACCESS_LOG", "false", {"access_log": False}),
        ("UVICORN_LIMIT_CONCURRENCY", "9", {"limit_concurrency": 9}),
        ("UVICORN_WS_PING_INTERVAL", "1.5", {"ws_ping_interval": 1.5}),
        ("UVICORN_HEADERS", "A:b C:d:e", {"headers": [("A", "b"), ("C", "d:e")]}),
        ("UVICORN_LOG_CONFIG", "/in/the/image.json", {"log_config": "/in/the/image.json"}),
    ],
)
def test_variables_are_read_as_uvicorns_command_line_does(name: str, value: str, setting: dict[str, Any]) -> None:
    assert configure({}, {name: value}) == {**configure({}), **setting}


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        ([], {}),
        (["--no-access-log", "--proxy-headers"], {"access_log": False, "proxy_headers": True}),
        (["--host=::1", "--port", "81"], {"host": "::1", "port": 81}),
        (["--header", "A:b", "--header", "C:d"], {"headers": [("A", "b"), ("C", "d")]}),
        (["--root-path", "/api"], {"root_path": "/api"}),
    ],
)
def test_arguments_are_uvicorns_own(arguments: list[str], setting: dict[str, Any]) -> None:
    assert configure({}, {}, arguments) == {**configure({}), **setting}


@pytest.mark.parametrize(
    "settings",
    [
        {"headers": [["A", "b"]], "forwarded_allow_ips": ["10.0.0.1"], "log_config": {"version": 1}},
        {"http": "h11", "ws": "none", "loop": "asyncio", "lifespan": "on", "interface": "asgi3"},
        {"server_header": False, "limit_max_requests": 1000, "ssl_certfile": "/tls/cert.pem"},
    ],
)
def test_what_is_configured_is_taken_by_uvicorn(settings: dict[str, Any]) -> None:
    chosen = configure(settings)
    config = uvicorn.Config("shop:app", **{**chosen, "log_config": None})
    for name in settings.keys() - {"headers", "log_config"}:
        assert getattr(config, name) == settings[name]


@pytest.mark.parametrize("port", ["abc", "0", "65536", "²"])
def test_port_must_be_a_port(port: str) -> None:
    assert refused(PORT=port) == f"PORT = '{port}' is not a valid port; ports range from 1 to 65535."


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("worker", "; did you mean 'workers'?"),
        ("log-level", "; did you mean 'log_level'?"),
        ("bind", "."),
    ],
)
def test_an_unknown_setting_is_told_with_the_nearest(name: str, hint: str) -> None:
    assert refused({name: 1}) == f"server.{name} is not a setting of uvicorn{hint}"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("port", "http", "server.port = 'http' is refused by uvicorn: 'http' is not a valid integer."),
        (
            "ws_ping_interval",
            "soon",
            "server.ws_ping_interval = 'soon' is refused by uvicorn: 'soon' is not a valid float.",
        ),
        (
            "lifespan",
            "never",
            "server.lifespan = 'never' is refused by uvicorn: 'never' is not one of 'auto', 'on', 'off'.",
        ),
        ("port", 70000, "server.port = 70000 is refused: ports go from 1 to 65535."),
        ("workers", 0, "server.workers = 0 is refused: there must be one at least."),
        ("host", ["a", "b"], "server.host = ['a', 'b'] is refused: it must be one value."),
        (
            "headers",
            ["A"],
            """server.headers = ['A'] is refused: each header must be ["name", "value"] or "name:value".""",
        ),
        (
            "headers",
            [["A", 1]],
            """server.headers = [['A', 1]] is refused: each header must be ["name", "value"] or "name:value".""",
        ),
    ],
)
def test_a_value_that_is_refused_is_told_with_its_reason(name: str, value: object, text: str) -> None:
    assert refused({name: value}) == text


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"WEB_CONCURRENCY": "many"}, "WEB_CONCURRENCY = 'many' is refused by uvicorn: 'many' is not a valid integer."),
        ({"UVICORN_PORT": "x"}, "UVICORN_PORT = 'x' is refused by uvicorn: 'x' is not a valid integer."),
        ({"UVICORN_RELOAD": "1"}, "UVICORN_RELOAD has no effect here: the code in an image does not change."),
    ],
)
def test_a_variable_that_is_refused_is_named(environment: dict[str, str], text: str) -> None:
    assert refused(None, (), **environment) == text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reload", "the code in an image does not change"),
        ("reload_dirs", "the code in an image does not change"),
        ("app", "the program has its own application"),
        ("factory", "the program has its own application"),
        ("ssl_context_factory", "it is a function, which a setting cannot hold"),
        ("timeout_worker_healthcheck", "workers are replaced when they end, and not asked before"),
    ],
)
def test_settings_that_have_no_effect_here_are_refused(name: str, reason: str) -> None:
    assert refused({name: "x"}) == f"server.{name} has no effect here: {reason}."


@pytest.mark.parametrize("value", ["false", "0", "no", "off"])
@pytest.mark.parametrize("name", ["reload", "factory"])
def test_what_is_off_anyway_may_be_off(name: str, value: str) -> None:
    assert configure({name: False}) == configure({})
    assert configure({}, {f"UVICORN_{name.upper()}": value}) == configure({})


@pytest.mark.parametrize("name", ["reload_dirs", "reload_delay", "app"])
def test_only_switches_are_off(name: str) -> None:
    assert refused({name: False}).startswith(f"server.{name} has no effect here: ")


def test_a_key_needs_its_certificate() -> None:
    text = "ssl_keyfile is set and ssl_certfile is not; uvicorn needs the certificate as well."
    assert refused({"ssl_keyfile": "/tls/key.pem"}) == text
    assert refused(None, (), UVICORN_SSL_KEYFILE="/tls/key.pem") == text
    both = {"ssl_keyfile": "/tls/key.pem", "ssl_certfile": "/tls/cert.pem"}
    assert configure(both) == {**configure({}), **both}


def test_an_argument_without_effect_is_refused() -> None:
    text = "The command line: factory has no effect here: the program has its own application."
    assert refused(arguments=["--factory"]) == text


def test_another_application_is_refused() -> None:
    text = "The command line names an application ('other:app'); this program has its own."
    assert refused(arguments=["--workers", "2", "other:app"]) == text


def test_an_unknown_argument_ends_with_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/shop"])
    with pytest.raises(SystemExit) as caught:
        configure({}, {}, ["--wrokers=2"])
    assert caught.value.code == 2
    assert "--wrokers" in capsys.readouterr().err.splitlines()[-1]


def test_the_version_may_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        configure({}, {}, ["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"Running uvicorn {uvicorn.__version__} with ")


def test_every_option_of_the_command_line_is_a_setting_or_known_to_have_no_effect() -> None:
    assert set(options()) <= known_names() | set(WITHOUT_EFFECT) | {"version"}
