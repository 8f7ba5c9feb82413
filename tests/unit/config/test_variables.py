from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.config.model import ImageConfig, Observe, Smoke
from pystatic_tasks.config.variables import caller_values, caller_variables, hide_in_files, resolved, with_names
from pystatic_tasks.errors import ConfigError


def test_a_value_is_the_callers_where_it_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "größe")
    variables = {"KEY": "$SHOP_KEY", "PRICE": "$5", "TEXT": "a $SHOP_KEY"}
    assert resolved(variables, "smoke.env") == {"KEY": "größe", "PRICE": "$5", "TEXT": "a $SHOP_KEY"}
    config = ImageConfig(root=tmp_path, project=tmp_path, smoke=Smoke(env=variables))
    assert list(caller_variables(config)) == [("SHOP_KEY", "größe")]


def test_a_variable_that_the_caller_has_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    with pytest.raises(ConfigError) as caught:
        resolved({"KEY": "$SHOP_KEY"}, "observe.env")
    assert str(caught.value) == (
        'tool.pystatic-tasks.observe.env.KEY = "$SHOP_KEY", but the variable SHOP_KEY is not set.\n'
        "Set it in your environment: export SHOP_KEY=…"
    )


def test_the_callers_values_and_credentials_are_hidden_in_what_programs_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "größe-of-it")
    config = ImageConfig(root=tmp_path, project=tmp_path, observe=Observe(env={"KEY": "$SHOP_KEY"}))
    log = tmp_path / "log"
    log.write_text("key größe-of-it, https://me:secret@host.example", encoding="utf-8")
    hide_in_files(config, [log, tmp_path / "gone"])
    assert log.read_text(encoding="utf-8") == "key ***, https://***@host.example"


def test_the_callers_values_are_those_of_both_exercises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "größe")
    monkeypatch.setenv("SHOP_TOKEN", "maß")
    smoke, observe = Smoke(env={"KEY": "$SHOP_KEY", "MODE": "test"}), Observe(env={"TOKEN": "$SHOP_TOKEN"})
    config = ImageConfig(root=tmp_path, project=tmp_path, smoke=smoke, observe=observe)
    assert caller_values(config) == ["größe", "maß"]


@pytest.mark.parametrize(
    ("address", "passwords"),
    [
        ("postgresql://shop:s%40same/12@db.example/shop", ["s%40same/12", "s@same/12"]),
        ("redis://:opensesame@db.example", ["opensesame"]),
        ("postgresql://shop:opensesame@a.example,postgresql://shop:opensimsim@b.example", ["opensesame", "opensimsim"]),
        ("postgresql://postgres:postgres@127.0.0.1/postgres", []),
        ("postgresql://shop:sesame@127.0.0.1/shop", []),
        ("postgresql://shop@db.example/shop", []),
        ("https://ghp-opensesame@git.example/x", ["ghp-opensesame"]),
        ("HTTPS://ghp-opensesame:@git.example/x", ["ghp-opensesame"]),
        ("ssh://gitolite@git.example/x", []),
    ],
)
def test_a_password_or_token_in_an_address_is_hidden_by_itself_too_unless_it_is_a_name_or_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, passwords: list[str]
) -> None:
    monkeypatch.setenv("SHOP_DATABASE", address)
    config = ImageConfig(root=tmp_path, project=tmp_path, smoke=Smoke(env={"DATABASE": "$SHOP_DATABASE"}))
    assert caller_values(config) == [address, *passwords]


def test_a_password_in_an_address_makes_no_path_unnamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE", "postgresql://shop:opensesame@db.example/shop")
    config = ImageConfig(root=tmp_path, project=tmp_path, smoke=Smoke(env={"DATABASE": "$SHOP_DATABASE"}))
    assert list(with_names(config, ["/srv/opensesame/x"])) == [("/srv/opensesame/x", "/srv/opensesame/x")]
