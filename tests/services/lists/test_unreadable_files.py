"""What cannot be read here is not gone here: a replica keeps it, and is pending."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cucmsh.errors import StoreError
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.lists.update_replicas import push
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.nodes.health.replica_files import file_findings
from cucmsh.services.site import Site
from tests.services.made_cluster import MadeCluster
from tests.services.replica_boxes import Box, BoxHome, with_boxes

pytestmark = pytest.mark.thorough

FILES = ("SEP1.cnf.xml", "Desktops/List.xml", "dsp45.sbn", "firmware/boot.bin")
BROUGHT = {
    "SEP1.cnf.xml.sgn",
    "Desktops/List.xml.sgn",
    "dsp45.sbn",
    "firmware/boot.bin",
}


@pytest.fixture
def box(tmp_path: Path) -> Box:
    box = Box(str(tmp_path / "branch1"), "branch1", 7001)
    box.node = box.node._replace(bring=("*.sbn", "firmware/*"))
    return box


@pytest.fixture
def site(cluster: MadeCluster, box: Box) -> Site:
    """A publisher whose replica has all."""
    made = with_boxes(cluster, box)
    for name in FILES:
        path = Path(made.tftp.root, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"<{name}/>".encode())
    sign_files(made, choose(made))
    assert push(made).problems == {}
    assert there(box) == BROUGHT
    return made


def there(box: Box) -> set[str]:
    """What the replica serves, but the list."""
    return set(box.files.tree()) - {"ITLFile.tlv"}


@contextmanager
def unreadable(site: Site, name: str, number: int) -> Iterator[None]:
    """The file or folder of the TFTP directory is there and gives that error."""
    folder, _, last = name.rpartition("/")
    place = os.path.realpath(os.path.join(site.tftp.root, folder))
    real = os.open

    def opened(path: str, flags: int, mode: int = 0o777, **named: int) -> int:
        if path == last and os.path.realpath(f"/proc/self/fd/{named['dir_fd']}") == (
            place
        ):
            raise OSError(number, os.strerror(number))
        return real(path, flags, mode, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", opened)
        yield


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE])
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("SEP1.cnf.xml.sgn", "SEP1.cnf.xml.sgn"),
        ("Desktops", "Desktops/List.xml.sgn"),
        ("dsp45.sbn", "dsp45.sbn"),
        ("firmware", "firmware/boot.bin"),
    ],
)
def test_replica_keeps_it_and_is_pending_until_it_is_read_again(
    site: Site, box: Box, name: str, kept: str, number: int
) -> None:
    before = box.files.read(kept)
    for _ in range(2):  # the records of the first push must not forget it either
        with unreadable(site, name, number):
            problem = push(site).problems["branch1"]
        assert kept in problem
        assert box.files.read(kept) == before
    assert push(site).problems == {}
    assert there(box) == BROUGHT
    os.unlink(os.path.join(site.tftp.root, kept))
    assert push(site).problems == {}
    assert there(box) == BROUGHT - {kept}


@pytest.mark.parametrize("name", ["SEP2.cnf.xml.sgn", "apps45.sbn"])
def test_new_file_that_cannot_be_read_is_pending_and_keeps_none_from_the_others(
    site: Site, box: Box, name: str
) -> None:
    Path(site.tftp.root, name).write_bytes(b"new")
    Path(site.tftp.root, "cnu45.sbn").write_bytes(b"new too")
    with unreadable(site, name, errno.EIO):
        done = push(site)
    assert name in done.problems["branch1"]
    assert there(box) == BROUGHT | {"cnu45.sbn"}


@pytest.mark.parametrize("name", ["SEP1.cnf.xml.sgn", "dsp45.sbn"])
def test_doctor_says_that_it_cannot_be_read_and_not_that_it_is_gone(
    site: Site, box: Box, name: str
) -> None:
    with unreadable(site, name, errno.EIO):
        found = list(file_findings(site, box.node, box.files, box.account))
    (fault,) = [each for each in found if name in each.what]
    assert fault.what.startswith(f"branch1 is not brought 1 file ({name}): {name}: ")
    assert fault.level is Level.FAIL


def test_file_whose_name_no_store_takes_is_named_escaped(site: Site) -> None:
    path = os.path.join(site.tftp.root.encode(), b"ringt\xf6ne.sbn")
    Path(os.fsdecode(path)).write_bytes(b"ding")
    problem = push(site).problems["branch1"]
    assert "ringt\\udcf6ne.sbn" in problem
    assert problem.isprintable()


def test_firmware_with_the_name_of_a_signed_file_is_no_problem(
    site: Site, box: Box
) -> None:
    with open(os.path.join(site.tftp.root, "image.sgn"), "wb") as file:
        file.truncate((1 << 20) + 1)
    assert push(site).problems == {}
    assert there(box) == BROUGHT


@pytest.mark.parametrize("record", ["files", "plain"])
def test_record_that_cannot_be_read_now_is_not_written_anew(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch, record: str
) -> None:
    """Else nobody would take away any more what is gone here."""
    for name in ("SEP1.cnf.xml", "SEP1.cnf.xml.sgn", "dsp45.sbn"):
        os.unlink(os.path.join(site.tftp.root, name))
    real = BoxHome.read

    def read(self: BoxHome, name: str) -> bytes:
        if name.endswith(f"/{record}"):
            raise StoreError(f"{name}: Input/output error")
        return real(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(BoxHome, "read", read)
        assert "Input/output error" in push(site).problems["branch1"]
    assert push(site).problems == {}
    assert there(box) == BROUGHT - {"SEP1.cnf.xml.sgn", "dsp45.sbn"}
