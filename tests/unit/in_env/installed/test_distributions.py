from __future__ import annotations

from pathlib import Path

from support import install_distribution

from pystatic_tasks.in_env.installed.distributions import installed_distributions


def test_what_is_left_of_a_distribution_is_none(tmp_path: Path) -> None:
    install_distribution(tmp_path, "shop", "shop.py")
    (tmp_path / "gone-1.0.dist-info").mkdir()
    (tmp_path / "gone-1.0.dist-info" / "RECORD").write_text("gone.py,,\n", encoding="utf-8")
    (tmp_path / "old.egg-info").write_text("Metadata-Version: 1.0\nName: old\nVersion: 1.0\n", encoding="utf-8")
    assert {each.metadata["Name"] for each in installed_distributions([str(tmp_path)])} == {"shop", "old"}
