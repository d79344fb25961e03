"""Releases are profiles; one that nobody knows is refused in words."""

from pathlib import Path

import pytest

from cucmsh.config.settings import parse_settings
from cucmsh.errors import ConfigurationError
from cucmsh.pki.model import Unit
from cucmsh.release import NEW_RELEASE, PROFILES, RELEASES, profile_of

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


@pytest.mark.parametrize("release", ["12.5", "15"])
def test_from_12_on_the_publishers_recovery_key_signs(release: str) -> None:
    profile = profile_of(configured(release))
    assert (profile.signer, profile.reset_signer) == ("ITLRecovery", "CallManager")
    assert profile.publisher_signs
    assert profile.reset_signers == ("CallManager", "ITLRecovery")


def test_what_is_new_is_signed_as_12_5_and_what_names_no_release_as_10() -> None:
    text = CONFIGURATION.replace('release = "{release}"\n', "")
    text = text.replace("[cluster]\n", "")
    assert parse_settings(text.encode(), "/etc/x.toml").profile.release == "10.0"
    assert not profile_of("10.0").publisher_signs
    assert profile_of("10.0").reset_signers == ("ITLRecovery",)
    assert profile_of(NEW_RELEASE).publisher_signs


def test_a_release_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"none of 10\.0, 12\.5, 15$"):
        configured("9.1")


def test_profiles_name_units_that_there_are() -> None:
    for profile in PROFILES:
        assert Unit(profile.signer)
        assert Unit(profile.reset_signer)
        assert all(profile.days_of(unit) > 0 for unit in Unit)
    assert RELEASES == ("10.0", "12.5", "15")


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
