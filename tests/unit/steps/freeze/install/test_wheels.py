from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support import install_distribution

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.install.wheels import install_again

from ..conftest import PYPROJECT, write

SYSTEM = '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "{}"\n'
USUAL = "flit_core.buildapi"
# In place of flit's, which is not installed for tests.
BACKEND = """\
import pathlib
def build_wheel(folder):
    pathlib.Path(folder, "shop-1.0-py3-none-any.whl").write_text("wheel")
    return "shop-1.0-py3-none-any.whl"
"""


@dataclass
class Installer:
    """A build environment, of which pip's place is taken by one who puts a build system where it is wanted."""

    folder: Path
    backend: str = BACKEND
    asked: list[list[str]] = field(default_factory=list)

    @property
    def site(self) -> Path:
        return self.folder / "lib/python3.12/site-packages"

    def install(self, requirements: Sequence[str]) -> None:
        self.asked.append(list(requirements))
        if requirements[0] == "--target":
            package = Path(requirements[1], "flit_core")
            package.mkdir(parents=True)
            (package / "buildapi.py").write_text(self.backend, encoding="utf-8")

    def again(self, image: ImageConfig) -> bool:
        context = StepContext(say=print, python=self.folder / "bin/python", install=self.install)
        return install_again(image, context, [image.root], {})


@pytest.fixture
def installer(tmp_path: Path, shop: ImageConfig, monkeypatch: pytest.MonkeyPatch) -> Installer:
    """One with the project installed."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("HOME", str(tmp_path))
    made = Installer(tmp_path / "environment")
    (made.folder / "bin").mkdir(parents=True)
    (made.folder / "bin/python").symlink_to(sys.executable)
    install_distribution(made.site, "shop", "shop.py", origin=shop.root.as_uri())
    write(shop.root, pyproject_toml=PYPROJECT + SYSTEM.format(USUAL))
    return made


def test_the_build_system_is_installed_once(installer: Installer, shop: ImageConfig) -> None:
    wheel = str(shop.work / "wheels/shop-1.0-py3-none-any.whl")
    assert installer.again(shop)
    assert installer.again(shop)
    first, *others = installer.asked
    assert (first[0], first[2:]) == ("--target", ["flit_core"])
    assert others == [["--no-deps", "--force-reinstall", wheel]] * 2


def test_what_was_installed_is_still_known_by_its_folder(installer: Installer, shop: ImageConfig) -> None:
    noted = installer.site / "shop-1.0.dist-info/direct_url.json"
    noted.write_text(json.dumps({"url": shop.root.as_uri(), "dir_info": {}, "was": "here"}), encoding="utf-8")
    assert installer.again(shop)
    assert json.loads(noted.read_text(encoding="utf-8")) == {"url": shop.root.as_uri(), "dir_info": {}}


@pytest.mark.parametrize(
    "system",
    [
        # Plugins, what comes from elsewhere, and code of the project's own may do what only an installer prepares.
        SYSTEM.format(USUAL).replace('"]', '", "idna"]'),
        SYSTEM.format(USUAL).replace('"]', ' @ file:///srv/flit"]'),
        SYSTEM.format(USUAL) + "[tool.hatch.build.hooks.custom]\n",
        "",
        SYSTEM.format("maturin"),
        SYSTEM.format(USUAL) + 'backend-path = ["."]\n',
        f'[build-system]\nbuild-backend = "{USUAL}"\n',
        '[build-system]\nrequires = ["setuptools"]\n',
    ],
)
def test_only_usual_build_systems_are_kept(installer: Installer, shop: ImageConfig, system: str) -> None:
    write(shop.root, pyproject_toml=PYPROJECT + system)
    assert not installer.again(shop)
    assert installer.asked == []


@pytest.mark.parametrize("program", ["setup.py", "hatch_build.py", "pdm_build.py"])
def test_an_installer_runs_what_a_project_has_for_its_build(
    installer: Installer, shop: ImageConfig, program: str
) -> None:
    (shop.root / program).touch()
    assert not installer.again(shop)
    assert installer.asked == []


def test_who_builds_in_another_way_has_an_installer_do_it(
    installer: Installer, shop: ImageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_NO_BUILD_ISOLATION", "1")
    assert not installer.again(shop)
    assert installer.asked == []


def test_a_build_that_fails_is_told_by_an_installer(installer: Installer, shop: ImageConfig) -> None:
    installer.backend = "raise SystemExit(3)\n"
    assert not installer.again(shop)
    assert [each[0] for each in installer.asked] == ["--target"]


def test_what_is_imported_from_its_folder_is_not_built(installer: Installer, shop: ImageConfig) -> None:
    noted = installer.site / "shop-1.0.dist-info/direct_url.json"
    noted.write_text(json.dumps({"url": shop.root.as_uri(), "dir_info": {"editable": True}}), encoding="utf-8")
    assert not installer.again(shop)


def test_what_is_not_installed_is_not_built(tmp_path: Path, installer: Installer, shop: ImageConfig) -> None:
    install_distribution(installer.site, "other", "other.py", origin=tmp_path.as_uri())
    (installer.site / "shop-1.0.dist-info/direct_url.json").unlink()
    assert not installer.again(shop)
