"""``show ctl``: the printer of ``show itl``, and the words of a node without a CTL."""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path

import pytest

from cucmsh.errors import RefusedError
from cucmsh.layout import CTL_FILE
from tests.commands.calls import call
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

BLANK = Path(__file__).parents[1] / "vectors" / "cucm10-blank-record.ctl"
SEEN = """\
Length of CTL file: 0
CTL File not found. Please run CTLClient plugin or run the CLI - utils ctl.. to \
generate the CTL file.
Error parsing the CTL File.
"""


def test_a_ctl_is_printed_as_an_itl_is(cluster: MadeCluster) -> None:
    cluster.site.tftp.write(CTL_FILE, raw := BLANK.read_bytes(), 0o644)
    shown = call(cluster.site, "show ctl")
    assert shown.lines[0] == "The checksum value of the CTL file:"
    assert f"{sha1(raw).hexdigest()}(SHA1)" in shown.lines
    assert f"Length of CTL file: {len(raw)}" in shown.lines
    assert "\tParse CTL File" in shown.lines
    assert "\tCTL Record #:1" in shown.lines
    assert "The CTL file was verified successfully." in shown.lines
    assert shown.status == 0


def test_without_one_it_says_what_the_original_says(cluster: MadeCluster) -> None:
    shown = call(cluster.site, "show ctl")
    assert (shown.text, shown.status) == (SEEN, 1)


def test_what_is_none_is_named(cluster: MadeCluster) -> None:
    cluster.site.tftp.write(CTL_FILE, b"no list", 0o644)
    with pytest.raises(RefusedError, match=r"^Error parsing the CTL File\.\n"):
        call(cluster.site, "show ctl")
