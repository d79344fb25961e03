"""``doctor`` and lists by a phone's own name, which its phone gets first."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.nodes.health.named_lists import examine_named_lists
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

PHONE = "SEP001122AABBCC"
NAME = f"ITL{PHONE}.tlv"


@pytest.fixture
def folder(cluster: MadeCluster) -> Path:
    return Path(cluster.site.node.tftp_directory)


def test_links_and_copies_of_the_present_list_are_well(
    cluster: MadeCluster, folder: Path
) -> None:
    (folder / NAME).symlink_to("ITLFile.tlv")
    (folder / "ITLSEP001122AABBCD.tlv").write_bytes(cluster.publisher.raw)
    # Names that no phone asks for.
    (folder / "ITLSEP001122aabbcc.tlv").write_bytes(b"old")
    (folder / f"{NAME}.bak").write_bytes(b"old")
    (found,) = examine_named_lists(cluster.site)
    assert (found.level, found.what[-3:]) == (Level.OK, ": 2")


def test_copy_goes_stale_at_the_next_start_and_a_link_does_not(
    cluster: MadeCluster, folder: Path
) -> None:
    (folder / NAME).write_bytes(cluster.publisher.raw)
    (folder / "ITLSEP001122AABBCD.tlv").symlink_to("ITLFile.tlv")
    cluster.clock.pass_seconds(60)
    cluster.publisher.start()
    stale, well = examine_named_lists(cluster.site)
    assert stale.level is Level.FAIL
    assert stale.what == (
        f"{NAME} is another list (signer CN=test10pub.joemar2.lab), and {PHONE} gets "
        "it instead of the ITL"
    )
    assert "ln -sf ITLFile.tlv" in stale.advice
    assert well.level is Level.OK


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("empty", "is empty"),
        ("junk", "is no trust list"),
        ("dangling", "is no file that can be read"),
        ("folder", "is no file that can be read"),
        ("huge", "is no trust list"),
    ],
)
def test_what_is_no_list_is_told(
    cluster: MadeCluster, folder: Path, kind: str, says: str
) -> None:
    place = folder / NAME
    if kind == "dangling":
        place.symlink_to("gone")
    elif kind == "folder":
        place.mkdir()
    else:
        raw = {"empty": b"", "junk": b"junk", "huge": b"\0" * 200_000}[kind]
        place.write_bytes(raw)
    (found,) = examine_named_lists(cluster.site)
    assert says in found.what


def test_copy_that_tftp_does_not_give_is_no_trouble(
    cluster: MadeCluster, folder: Path
) -> None:
    """Its name is rewritten: `r ^/?ITLSEP[0-9A-F]{12}\\.tlv$ ITLFile.tlv`."""
    (folder / NAME).write_bytes(b"old")
    cluster.publisher.service.lies_with = cluster.publisher.raw
    (found,) = examine_named_lists(cluster.site)
    assert found.level is Level.OK


def test_nothing_is_said_where_there_is_none(cluster: MadeCluster) -> None:
    assert [*examine_named_lists(cluster.site)] == []
