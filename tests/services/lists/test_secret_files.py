"""A key under another name is never signed, never brought, and named by doctor."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.errors import RefusedError, StoreError
from cucmsh.layout import RECOVERY_FILE, SECURITY_PASSWORD, adopted_file
from cucmsh.services.files import open_file, read_text
from cucmsh.services.lists.phone_files import choose, named
from cucmsh.services.lists.secret_files import is_key_name
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.lists.update_replicas import push
from cucmsh.services.nodes.health.exposure import exposures
from cucmsh.services.nodes.health.replica_files import file_findings
from cucmsh.services.site import Site
from cucmsh.storage.store import MAX_FILE_SIZE
from tests.services.adoption.elsewhere import credential
from tests.services.made_cluster import MadeCluster
from tests.services.replica_boxes import Box, with_boxes

NAME = "SEP1.cnf.xml"
ADOPTED = adopted_file("0123456789abcdef0123456789abcdef")
FILES = (
    *(RECOVERY_FILE, "security/CallManager/private.pem", SECURITY_PASSWORD),
    *(ADOPTED, f"earlier/1/{ADOPTED}"),
)


def linked(source: Path, target: Path) -> None:
    os.link(source, target)


def symlinked(source: Path, target: Path) -> None:
    target.symlink_to(source)


def copied(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def copied_with_more(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes() + b"\n")


WAYS: tuple[Callable[[Path, Path], None], ...]
WAYS = (linked, symlinked, copied, copied_with_more)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(str(tmp_path / "branch1"), "branch1", 7001)


@pytest.fixture
def site(cluster: MadeCluster, box: Box) -> Site:
    key = credential("old.example").to_pem()
    for name in (ADOPTED, f"earlier/1/{ADOPTED}"):
        cluster.site.home.write(name, key)
    return with_boxes(cluster, box)


def named_by_doctor(site: Site) -> list[str]:
    return [what for what, _ in exposures(site) if "TFTP serves" in what]


@pytest.mark.thorough
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("file", FILES)
def test_key_under_a_phone_s_name_is_not_signed_and_is_named(
    site: Site, file: str, way: Callable[[Path, Path], None]
) -> None:
    path = Path(site.tftp.root, NAME)
    way(Path(site.settings.home, file), path)
    for choice in (choose(site), choose(site, [NAME]), named(site, [str(path)])):
        report = sign_files(site, choice)
        assert [name for name, _ in report.failed] == [NAME], report
        assert report.signed == ()
    assert not Path(site.tftp.root, f"{NAME}.sgn").exists()
    (told,) = named_by_doctor(site)
    assert str(path) in told


@pytest.mark.thorough
@pytest.mark.parametrize("way", [linked, copied])
@pytest.mark.parametrize("file", FILES)
def test_key_under_a_signed_file_s_name_is_not_brought(
    site: Site, box: Box, file: str, way: Callable[[Path, Path], None]
) -> None:
    way(Path(site.settings.home, file), Path(site.tftp.root, f"{NAME}.sgn"))
    assert push(site).problems == {}
    assert os.listdir(box.files.root) == ["ITLFile.tlv"]
    assert len(named_by_doctor(site)) == 1


def test_key_that_an_earlier_version_signed_is_not_brought_and_taken_back(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its signed file has the key in it."""
    nothing_is_secret = "cucmsh.services.lists.secret_files.Secrets.why_kept"
    with monkeypatch.context() as patch:
        patch.setattr(nothing_is_secret, lambda *_: "")
        copied(Path(site.settings.home, RECOVERY_FILE), Path(site.tftp.root, NAME))
        sign_files(site, choose(site))
        push(site)
        assert f"{NAME}.sgn" in os.listdir(box.files.root)
    Path(site.tftp.root, NAME).unlink()
    assert push(site).problems == {}
    assert os.listdir(box.files.root) == ["ITLFile.tlv"]
    (told,) = named_by_doctor(site)
    assert f"{NAME}.sgn" in told


@pytest.mark.parametrize("way", [linked, copied])
@pytest.mark.parametrize("file", FILES)
def test_key_under_a_phone_s_name_is_neither_shown_nor_sent(
    site: Site, file: str, way: Callable[[Path, Path], None]
) -> None:
    way(Path(site.settings.home, file), Path(site.tftp.root, NAME))
    with pytest.raises(RefusedError, match="neither shown nor sent"):
        open_file(site, NAME)
    with pytest.raises(RefusedError, match="neither shown nor sent"):
        read_text(site, NAME)


def test_link_to_a_folder_of_the_home_is_named(site: Site) -> None:
    Path(site.tftp.root, "files").symlink_to(Path(site.settings.home, "security"))
    (told,) = named_by_doctor(site)
    assert "the link leads to a secret" in told


def test_certificates_and_files_of_phones_are_no_keys(site: Site) -> None:
    certificate = Path(site.settings.home, "security/TVS/TVS.pem")
    copied(certificate, Path(site.tftp.root, "ca.pem"))
    Path(site.tftp.root, NAME).write_bytes(b"<device/>")
    assert sign_files(site, choose(site)).signed == (NAME,)
    assert named_by_doctor(site) == []


def test_closed_folder_of_the_home_lets_no_file_out(
    site: Site, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in there would not be known again under another name."""
    copied(Path(site.settings.home, RECOVERY_FILE), Path(site.tftp.root, NAME))
    monkeypatch.setattr(os, "open", _closing("ITLRecovery", os.open))
    uses: tuple[Callable[[Site], object], ...] = (push, exposed, choose)
    for use in uses:
        with pytest.raises(StoreError, match="there may be keys in it"):
            use(site)
    assert os.listdir(box.files.root) == []


def test_lost_and_found_of_the_home_s_file_system_is_no_secret(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(site.settings.home, "lost+found").mkdir()
    monkeypatch.setattr(os, "open", _closing("lost+found", os.open))
    assert push(site).problems == {}


def exposed(site: Site) -> list[tuple[str, str]]:
    return list(exposures(site))


def _closing(folder: str, real: Callable[..., int]) -> Callable[..., int]:
    """``os.open`` for an account that may not read that folder."""

    def opened(path: str, *words: int, **named: int) -> int:
        if path == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *words, **named)

    return opened


def test_key_at_the_start_of_a_large_file_is_not_sent_and_is_named(site: Site) -> None:
    key = Path(site.settings.home, "security/CallManager/private.pem").read_bytes()
    Path(site.tftp.root, NAME).write_bytes(key + bytes(MAX_FILE_SIZE))
    with pytest.raises(RefusedError, match="holds a private key"):
        open_file(site, NAME)
    assert len(named_by_doctor(site)) == 1


@pytest.mark.parametrize("name", ["a.p12", "a/b.PFX", "ITLRecovery.p12.1", "c.key"])
def test_key_is_told_by_its_name_everywhere(site: Site, box: Box, name: str) -> None:
    assert is_key_name(name)
    for root in (site.tftp.root, box.files.root):
        path = Path(root, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"nothing that looks like one")
    assert choose(site, [name]).refused == ((name, "such a file is never signed"),)
    assert len(named_by_doctor(site)) == 1
    found = list(file_findings(site, box.node, box.files, box.account))
    (told,) = [each.what for each in found if "by its name a key" in each.what]
    assert name in told


@pytest.mark.parametrize("file", FILES)
def test_key_that_others_may_read_is_named(site: Site, file: str) -> None:
    path = Path(site.settings.home, file)
    told = (f"{path} is open to others", f"Run `chmod 0600 {path}`.")
    assert told not in exposed(site)
    path.chmod(0o640)
    assert told in exposed(site)


@pytest.mark.parametrize("name", ["a.p12.d/SEP1.cnf.xml", "ca.pem", "key.xml"])
def test_other_names_are_no_keys(name: str) -> None:
    assert not is_key_name(name)
