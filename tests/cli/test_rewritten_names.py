"""Folders behind the rewrite rules of a real tftpd-hpa, as provision_sccp has them."""

from pathlib import Path

import pytest

from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import Member

pytestmark = pytest.mark.loopback

PHONE = "SEP001122334455.cnf.xml"
ASKED = {
    f"settings/{PHONE}": PHONE,
    "wallpapers/320x212x12/List.xml": "Desktops/320x212x12/List.xml",
    "firmware/7941/SCCP41.9-4-2SR3-1S.loads": "SCCP41.9-4-2SR3-1S.loads",
}
SERVED_AS = (
    '\n[signing]\nserved_as = { settings = "", wallpapers = "Desktops", '
    '"firmware/*" = "" }\n'
)
RULES = r"""
r ^(SEP[0-9A-F]{12}\.cnf\.xml)(\.sgn)?$ settings/\1\2
r ^Desktops/(.+)$ wallpapers/\1
r ^(SCCP41[^/]+\.loads)$ firmware/7941/\1
"""
LOADS = r"r ^(SCCP41[^/]+\.loads)(\.sgn)?$ firmware/7941/\1\2"


def doctor(node: Member) -> str:
    return node.call("doctor").stdout


def test_phones_get_signed_files_under_the_names_they_ask_for(
    publisher: Member, tmp_path: Path
) -> None:
    tftp = publisher.tftp
    for name in ASKED:
        path = tftp.directory / name
        path.parent.mkdir(parents=True)
        path.write_text(f"<{name}/>")
    done = publisher.call(
        *("init", "publisher", *publisher.init_options, "--secrets-fd", "FD"),
        secrets=f"{SECURITY}\n{CCM}\n",
    )
    assert done.returncode == 0, done.stderr
    tftp.rewrite_with(RULES)
    assert tftp.do("start") == 0
    # Nothing is declared: the device's file is signed as what no phone asks for.
    assert f"warn  phones ask for {PHONE} without a folder" in doctor(publisher)

    publisher.config.write_text(publisher.config.read_text() + SERVED_AS)
    assert publisher.call("-c", "utils tftp sign").returncode == 0
    # The rule for firmware knows no signed files, and doctor asks TFTP.
    told = doctor(publisher)
    assert "ok    files that phones take: 3\n" in told
    assert "without a folder" not in told
    assert "fail  the TFTP service does not give firmware/7941/" in told
    assert told.count("TFTP service does not give") == 1
    tftp.rewrite_with(RULES + LOADS)
    assert tftp.do("restart") == 0
    assert "TFTP service does not give" not in doctor(publisher)

    held = tmp_path / "ITLFile.tlv"
    tftp.fetch("ITLFile.tlv", held)
    for asked in ASKED.values():
        path = tmp_path / f"{asked}.sgn"
        path.parent.mkdir(parents=True, exist_ok=True)
        tftp.fetch(f"{asked}.sgn", path)
        done = publisher.call("verify", str(path), "--against", str(held))
        assert done.returncode == 0, done.stdout
        assert "A phone with the held list accepts it" in done.stdout
    taken = ("--against", str(held), "--as", f"settings/{PHONE}.sgn")
    done = publisher.call("verify", str(tmp_path / f"{PHONE}.sgn"), *taken)
    assert done.returncode == 1
