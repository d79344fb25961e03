"""A signed file's name is the one that phones ask for, folders or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.layout import LIST_FILE
from cucmsh.pki.certificates import read_certificate
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.lists.asked_names import asked_name, without_folder
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.lists.verify_file import SignedInspection, inspect
from cucmsh.services.nodes.health.doctor import examine
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.site import Site
from cucmsh.trustlist.signed import decode_signed
from tests.services.made_cluster import MadeCluster

PHONE = "SEP001122334455.cnf.xml"
SERVED_AS = (("settings", ""), ("wallpapers", "Desktops"), ("firmware/*", ""))


@pytest.fixture
def site(cluster: MadeCluster) -> Site:
    path = Path(cluster.site.tftp.root, "settings", PHONE)
    path.parent.mkdir()
    path.write_bytes(b"<device/>")
    return cluster.site


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        (PHONE, PHONE),
        (f"settings/{PHONE}", PHONE),
        (f"settings/old/{PHONE}", f"old/{PHONE}"),
        (f"Settings/{PHONE}", f"Settings/{PHONE}"),
        ("settings", "settings"),
        ("wallpapers/320x212x12/List.xml", "Desktops/320x212x12/List.xml"),
        ("firmware/7941/SCCP41.loads", "SCCP41.loads"),
        ("firmware/SCCP41.loads", "firmware/SCCP41.loads"),
    ],
)
def test_declared_folder_is_replaced_by_what_it_is_served_as(
    name: str, asked: str
) -> None:
    assert asked_name(name, SERVED_AS) == asked


def test_folder_with_the_most_parts_counts() -> None:
    served_as = (("a", "x"), ("a/b", ""), ("*/b", "y"))
    assert asked_name("a/b/f", served_as) == "f"
    assert asked_name("a/c/f", served_as) == "x/c/f"
    assert asked_name("c/b/f", served_as) == "y/f"


def test_devices_are_asked_for_without_a_folder() -> None:
    assert without_folder(f"settings/{PHONE}") == PHONE
    for name in (PHONE, "Desktops/320x212x12/List.xml", "a/SEP1.cnf.xml", "a/dial.xml"):
        assert without_folder(name) == ""


def verified(site: Site, path: Path, asked: str = "") -> bool:
    held = str(Path(site.tftp.root, LIST_FILE))
    found = inspect(str(path), held, SignatureVerifier(), read_certificate, asked)
    assert isinstance(found, SignedInspection)
    return found.is_good


@pytest.mark.thorough
def test_sign_verify_and_doctor_judge_by_one_rule(site: Site, tmp_path: Path) -> None:
    """Undeclared, no phone takes the file, whoever is asked; declared, all say so."""
    raw = Path(site.tftp.root, "settings", f"{PHONE}.sgn")
    elsewhere = tmp_path / raw.name

    def told() -> str:
        return "\n".join(f"{at.level} {at.what}" for at in examine(site))

    report = sign_files(site, choose(site))
    assert report.misplaced == (f"settings/{PHONE}",)
    elsewhere.write_bytes(raw.read_bytes())
    assert not verified(site, raw)
    assert not verified(site, elsewhere)
    assert verified(site, elsewhere, f"settings/{PHONE}.sgn")
    assert "files that phones take" not in told()
    assert f"warn phones ask for {PHONE} without a folder" in told()

    site.settings = site.settings._replace(served_as=SERVED_AS)
    assert sign_files(site, choose(site)).signed == (f"settings/{PHONE}",)
    assert decode_signed(raw.read_bytes()).header.file_name == f"{PHONE}.sgn"
    elsewhere.write_bytes(raw.read_bytes())
    assert verified(site, raw)
    assert verified(site, elsewhere)
    assert "ok files that phones take: 1" in told()
    assert "without a folder" not in told()
    assert sign_files(site, choose(site)).unchanged == (f"settings/{PHONE}",)


def test_file_can_be_named_as_phones_ask_for_it(site: Site) -> None:
    assert choose(site, [PHONE]).names == ()
    site.settings = site.settings._replace(served_as=SERVED_AS)
    assert choose(site, [PHONE]).names == (f"settings/{PHONE}",)
    assert choose(site, [f"settings/{PHONE}"]).names == (f"settings/{PHONE}",)


@pytest.mark.thorough
def test_rule_that_does_not_know_signed_files_is_a_failure(site: Site) -> None:
    """The stand-in for TFTP rewrites nothing: what is asked for is not found."""
    site.settings = site.settings._replace(served_as=SERVED_AS)
    sign_files(site, choose(site))
    failures = [at.what for at in examine(site) if at.level is Level.FAIL]
    assert any(f"does not give settings/{PHONE}.sgn" in what for what in failures)


@pytest.mark.thorough
def test_two_files_that_are_asked_for_by_one_name_are_named(site: Site) -> None:
    site.settings = site.settings._replace(served_as=SERVED_AS)
    Path(site.tftp.root, PHONE).write_bytes(b"<other/>")
    sign_files(site, choose(site))
    warnings = [at.what for at in examine(site) if at.level is Level.WARN]
    both = f"phones ask for {PHONE} and settings/{PHONE} by one name, {PHONE}"
    assert both in warnings
