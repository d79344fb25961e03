"""``show`` and ``set tls min-version``: TVS has its own floor; no reboot is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.config.settings import read_settings
from cucmsh.errors import CancelledError, ServiceError, UsageError
from cucmsh.services.site import Site
from cucmsh.services.tvs.tls_minimum import PresentSettings
from tests.commands.calls import call
from tests.services.callers import called
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

CONTINUE = "Do you want to continue (yes/no) ? "
YES = (CONTINUE, "yes")


@pytest.fixture
def site(cluster: MadeCluster) -> Site:
    """A node as a session opens it: by its file."""
    cluster.write_configurations()
    now = cluster.site
    settings = read_settings(now.settings.path)
    return called(Site(settings, now.clock, now.backends))


def test_configured_floor_is_shown(site: Site) -> None:
    lines = call(site, "show tls min-version").lines
    assert lines[0] == "Configured TLS minimum version: 1.2"


def test_floor_is_set_in_the_originals_words_and_no_reboot_is_said(site: Site) -> None:
    path = Path(site.settings.path)
    path.write_text(path.read_text() + "# kept\n")
    site.follow(read_settings(str(path)))
    called = call(site, "set tls min-version 1.0", [YES])
    box = "*" * 100
    assert box in called.lines
    assert "Warning: This will set the minimum TLS to 1.0. " in called.text
    assert "Successfully set minimum TLS version to 1.0" in called.lines
    assert "reboot" not in called.text
    assert read_settings(str(path)).tvs.tls_minimum == "1.0"
    assert "# kept\n" in path.read_text()
    # The session knows what it wrote, and so does a TVS that runs.
    assert "1.0" in call(site, "show tls min-version").text
    assert PresentSettings(site)().tls_minimum == "1.0"
    call(site, "set tls min-version 1.1", [YES])
    assert read_settings(str(path)).tvs.tls_minimum == "1.1"


def test_phones_that_would_be_refused_are_named(site: Site) -> None:
    call(site, "set tls min-version 1.0", [YES])
    assert "79xx and 894x" in call(site, "set tls min-version 1.2", [YES]).text
    assert "No phone is known" in call(site, "set tls min-version 1.3", [YES]).text
    below = call(site, "set tls min-version 1.1", [YES])
    assert "security level is 0" in below.text
    strict = call(site, "set tls min-version 1.3", [YES], helpful=False)
    assert "No phone is known" not in strict.text


def test_no_changes_nothing(site: Site) -> None:
    before = Path(site.settings.path).read_bytes()
    with pytest.raises(CancelledError):
        call(site, "set tls min-version 1.0", [(CONTINUE, "no")])
    assert Path(site.settings.path).read_bytes() == before


@pytest.mark.parametrize("version", ["1.4", "1", "TLS1.2", "1.2 1.3"])
def test_other_versions_are_wrong_use(site: Site, version: str) -> None:
    with pytest.raises(UsageError):
        call(site, f"set tls min-version {version}")


def test_node_without_tvs_has_none(site: Site) -> None:
    node = site.node._replace(services=("tftp",))
    bare = site.with_settings(site.settings._replace(node=node))
    with pytest.raises(ServiceError, match="does not run Cisco Trust Verification"):
        call(bare, "show tls min-version")
    with pytest.raises(ServiceError):
        call(bare, "set tls min-version 1.0")


def test_configuration_that_cannot_be_edited_stays(site: Site) -> None:
    path = Path(site.settings.path)
    path.write_text(f"tvs = 1\n{path.read_text()}")
    before = path.read_bytes()
    outdated = with_present_stamp(site)
    with pytest.raises(Exception, match="tvs"):
        call(outdated, "set tls min-version 1.0", [YES])
    assert path.read_bytes() == before


def with_present_stamp(site: Site) -> Site:
    """The session does not know that its file is another."""
    return site.with_settings(site.settings._replace(stamp=None))
