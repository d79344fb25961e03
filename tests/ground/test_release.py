"""Releases are profiles; the ones that are not built are refused in words."""

from pathlib import Path

import pytest

from cucmsh.config.settings import parse_settings
from cucmsh.errors import ConfigurationError
from cucmsh.pki.model import Unit
from cucmsh.release import PROFILES, READY, profile_of

CONFIGURATION = """\
release = "{release}"
[node]
name = "pub"
[[cluster.nodes]]
name = "pub"
role = "publisher"
services = []
[cluster]
"""
ROOT = Path(__file__).parents[2]


def configured(release: str) -> str:
    text = CONFIGURATION.format(release=release)
    text = text.replace("[cluster]\n", "")
    return parse_settings(text.encode(), "/etc/x.toml").profile.release


def test_the_release_of_the_document_can_be_configured() -> None:
    assert configured("10.0") == "10.0"
    profile = profile_of("10.0")
    assert (profile.signer, profile.reset_signer) == ("CallManager", "ITLRecovery")
    assert profile.version == "10.0.1.10000-24"


@pytest.mark.parametrize("release", [p.release for p in PROFILES if p.why_not])
def test_a_release_that_is_not_built_is_refused_with_the_reason(release: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        configured(release)
    assert refused.value.message.startswith("/etc/x.toml: release: ")
    assert f"cannot be had yet, only {', '.join(READY)}: " in refused.value.message


def test_a_release_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'9\.1' is none of 10\.0\b"):
        configured("9.1")


def test_profiles_name_units_that_there_are() -> None:
    for profile in PROFILES:
        assert Unit(profile.signer)
        assert Unit(profile.reset_signer)
        assert all(profile.days_of(unit) > 0 for unit in Unit)
    assert READY


def test_only_one_module_knows_a_release_by_its_number() -> None:
    numbers = [f'"{profile.release}"' for profile in PROFILES]
    knowing = {
        path.relative_to(ROOT).as_posix()
        for path in [*ROOT.glob("cucmsh/**/*.py"), *ROOT.glob("commands/*.py")]
        if any(number in path.read_text() for number in numbers)
    }
    assert knowing == {
        "cucmsh/release.py",
    }
