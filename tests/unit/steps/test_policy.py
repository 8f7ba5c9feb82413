from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config.model import ImageConfig, Service, Smoke
from pystatic_tasks.engines import Policy
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.policy import make_policy

SHOP = ImageConfig(root=Path("/shop"), project=Path("/shop"), name="shop", app="shop:app", smoke=Smoke(memory=1))


def test_smoke_and_run_let_it_do_the_same() -> None:
    policy = make_policy(SHOP, user="1:1", step="smoke")
    assert policy == Policy(
        user="1:1",
        writable_tmp=False,
        memory_bytes=1,
        env={"PYSTATIC_TRIAL": "1"},
        owner=f"{socket.gethostname()}:/shop/build/pystatic/shop:smoke",
    )
    assert replace(make_policy(SHOP, user="1:1", step="run"), owner=policy.owner) == policy


def test_a_packer_or_the_configuration_may_want_a_writable_tmp() -> None:
    for config in (replace(SHOP, packer="staticx"), replace(SHOP, smoke=Smoke(writable_tmp=True))):
        assert make_policy(config, user="1:1", step="run").writable_tmp


def test_variables_of_the_call_go_before_those_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    config = replace(SHOP, smoke=Smoke(env={"A": "1", "B": "$TOKEN"}))
    policy = make_policy(config, user="1:1", step="run", env={"A": "2"}, publish=("127.0.0.1", 80))
    assert policy.env == {"A": "2", "B": "secret", "PYSTATIC_TRIAL": "1"}
    assert policy.publish == ("127.0.0.1", 80)


def test_with_services_it_is_in_the_network_of_the_machine() -> None:
    config = replace(SHOP, services=(Service(name="db", command=("db",), port=1),))
    assert make_policy(config, user="1:1", step="run").host_network


def test_a_variable_that_the_caller_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(ConfigError, match=r"the variable TOKEN is not set"):
        make_policy(replace(SHOP, smoke=Smoke(env={"B": "$TOKEN"})), user="1:1", step="run")
