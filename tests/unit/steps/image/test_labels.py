from __future__ import annotations

from typing import Any

import pytest

from pystatic_tasks.steps.image.labels import project_labels
from pystatic_tasks.system.git import Git

REMOTE = Git(revision="abc123", commit_time=1, remote="https://git.example/shop.git")


def test_a_project_is_labelled_by_what_it_says_of_itself() -> None:
    project = {
        "name": "shop",
        "description": "Sells größere things.",
        "license": "MIT",
        "authors": [{"name": "Ada", "email": "ada@example.org"}, {"email": "bob@example.org"}],
        "urls": {
            "Homepage": "https://shop.example",
            "Documentation": "https://docs.example",
            "Source": "https://code.example/shop",
        },
    }
    assert project_labels(project, "1.4", REMOTE) == {
        "org.opencontainers.image.title": "shop",
        "org.opencontainers.image.description": "Sells größere things.",
        "org.opencontainers.image.version": "1.4",
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.authors": "Ada, bob@example.org",
        "org.opencontainers.image.url": "https://shop.example",
        "org.opencontainers.image.documentation": "https://docs.example",
        "org.opencontainers.image.source": "https://code.example/shop",
        "org.opencontainers.image.revision": "abc123",
    }


def test_labels_have_one_line_as_dockerfiles_want_them() -> None:
    project = {"name": "shop", "description": "Sells\n  things.\x1b", "authors": [{"name": "A\nB"}]}
    assert project_labels(project, "1", Git()) == {
        "org.opencontainers.image.title": "shop",
        "org.opencontainers.image.description": "Sells things.",
        "org.opencontainers.image.version": "1",
        "org.opencontainers.image.authors": "A B",
    }


def test_texts_have_no_credentials() -> None:
    project = {
        "description": "See https://ada:sesame@shop.example/x.",
        "authors": [{"name": "https://ada:s@x.example"}],
    }
    assert project_labels(project, "1", Git()) == {
        "org.opencontainers.image.description": "See https://***@shop.example/x.",
        "org.opencontainers.image.version": "1",
        "org.opencontainers.image.authors": "https://***@x.example",
    }


@pytest.mark.parametrize("wrong", [3, ["x"], "x", {"name": 3}, True])
@pytest.mark.parametrize("key", ["urls", "authors", "license", "description"])
def test_what_a_project_spells_wrongly_breaks_nothing(key: str, wrong: Any) -> None:
    labels = project_labels({"name": "shop", key: wrong}, "", Git())
    assert labels["org.opencontainers.image.title"] == "shop"
    assert all(isinstance(text, str) for text in labels.values())


def test_who_says_nothing_gets_no_labels() -> None:
    assert project_labels({}, "", Git()) == {}


def test_the_remote_stands_in_for_a_source() -> None:
    assert project_labels({}, "", REMOTE)["org.opencontainers.image.source"] == "https://git.example/shop.git"


def test_labels_have_plain_addresses_or_none() -> None:
    urls = {
        "Homepage": "https://me:secret@shop.example/?token=secret#x",
        "Documentation": "http://docs.example",
        "Source": "ssh://git@code.example/shop.git",
    }
    assert project_labels({"urls": urls}, "", REMOTE) == {
        "org.opencontainers.image.url": "https://shop.example/",
        "org.opencontainers.image.source": "https://git.example/shop.git",
        "org.opencontainers.image.revision": "abc123",
    }


@pytest.mark.parametrize("key", ["Source Code", "source-code", "GitHub", "repository", "Sources", "CODE"])
def test_a_source_is_known_by_its_usual_names(key: str) -> None:
    labels = project_labels({"urls": {key: "https://code.example"}}, "", REMOTE)
    assert labels["org.opencontainers.image.source"] == "https://code.example"


def test_docs_is_short_for_documentation() -> None:
    labels = project_labels({"urls": {"Docs": "https://docs.example"}}, "", Git())
    assert labels == {"org.opencontainers.image.documentation": "https://docs.example"}
