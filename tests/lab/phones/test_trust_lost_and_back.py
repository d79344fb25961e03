"""Phones of a lab lose trust and get it back, as the story tells (docs/story.md).

One lab: real HTTP, TFTP, TVS and signatures. The first phone asks the publisher first,
the second the subscriber.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from cucmsh.testing import Phone
from tests.rigs.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.loopback]

LOST = "trust list update failed"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("lab") / "lab"
    running = Lab(root, "--no-hold", "--phones", "8845:1,7965:1")
    yield running
    assert running.stop() == 0


def regenerate(lab: Lab, *units: str) -> None:
    for unit in units:
        done = lab.call(lab.publisher, f"set cert regen {unit}", "yes\n")
        assert f"Successfully Regenerated Certificate for {unit}" in done.stdout
    done = lab.call(lab.publisher, "utils service restart Cisco Tftp")
    assert done.returncode == 0


def set_up(lab: Lab, phone: Phone, **settings: int) -> None:
    """Change settings in the phone's file on its first node, and sign it there."""
    path = lab.publisher.tftp_directory / f"{phone.name}.cnf.xml"
    text = path.read_text()
    for name, value in settings.items():
        text = re.sub(f"<{name}>.</{name}>", f"<{name}>{value}</{name}>", text)
    path.write_text(text)
    assert lab.call(lab.publisher, "utils tftp sign").returncode == 0


def served_digest(lab: Lab) -> str:
    shown = lab.run("show itl")
    return str(shown["sha1"])


def page_of(phone: Phone) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(phone.page, timeout=15) as answer:
        return str(answer.read().decode(errors="replace"))


def last(shown: dict[str, Any]) -> str:
    return str(shown["status"][-1]).lower()


def the_first_boot_takes_the_list_on_faith(lab: Lab) -> None:
    first, second = lab.phones
    assert [first.model, second.model] == ["8845", "7965"]
    shown = first.show()
    assert shown["status"][-1].endswith("] ITL installed")
    assert shown["itl"] == served_digest(lab)
    assert shown["itl_server"] == "test10pub.joemar2.lab"
    assert shown["tvs"] == ["test10pub.joemar2.lab", "test10sub.joemar2.lab"]
    assert shown["alarms"][-1]["status"] == 3
    assert shown["directory"] == "Corporate Directory"
    other = second.show()
    assert other["itl_server"] == "test10sub.joemar2.lab"
    assert re.fullmatch(r"\d+:\d\d:\d\d[ap] ITL installed", other["status"][-1])
    assert len(other["itl"]) == 32  # MD5 on a 79xx
    assert other["directory"] == "Corporate Directory"
    assert other["alarms"] == []


def its_page_shows_its_messages(lab: Lab) -> None:
    for phone in lab.phones:
        assert "ITL installed" in page_of(phone)


def what_it_holds_is_in_its_flash(lab: Lab, phone: Phone) -> None:
    flash = lab.directory / "phones" / phone.name
    served = (lab.publisher.tftp_directory / "ITLFile.tlv").read_bytes()
    assert (flash / "ITLFile.tlv").read_bytes() == served
    plain = (lab.publisher.tftp_directory / f"{phone.name}.cnf.xml").read_bytes()
    assert (flash / "running.cnf.xml").read_bytes() == plain
    kept = json.loads((flash / "phone.json").read_text())
    assert kept["boots"][0][1] == "power on"


def a_changed_signed_file_is_run_after_a_restart(lab: Lab, phone: Phone) -> None:
    set_up(lab, phone, sshAccess=0)
    assert phone.ask("list")["name"] == phone.name
    assert phone.restart()["settings"]["sshAccess"] == "0"


def tvs_vouches_for_a_new_signer(lab: Lab, phone: Phone) -> None:
    regenerate(lab, "CallManager")
    shown = phone.restart()
    assert last(shown).endswith("trust list updated")
    assert any("A TVS of the held list" in reason for reason in shown["reasons"])
    assert shown["itl"] == served_digest(lab)
    assert shown["alarms"][-1]["status"] == 1


def without_tvs_the_old_list_stays_and_settings_are_ignored(
    lab: Lab, phone: Phone
) -> None:
    held = phone.show()["itl"]
    lab.run("lab tvs stop")
    regenerate(lab, "CallManager")
    set_up(lab, phone, spanToPCPort=0, webAccess=1)
    shown = phone.reset()
    assert last(shown).endswith(LOST)
    assert shown["itl"] == held != served_digest(lab)
    assert shown["settings"]["spanToPCPort"] == "1"
    assert shown["settings"]["webAccess"] == "0"
    assert shown["alarms"][-1]["status"] == 8
    assert phone.show()["directory"] == "Host Not Found"
    assert LOST in page_of(phone).lower()


def a_tvs_with_another_certificate_than_the_list_names_helps_nobody(
    lab: Lab, phone: Phone
) -> None:
    done = lab.call(lab.publisher, "set cert regen TVS", "yes\n")
    assert "Successfully Regenerated" in done.stdout
    lab.run("lab tvs start test10pub")
    shown = phone.reset()
    assert last(shown).endswith(LOST)
    assert any("not one of the held list" in reason for reason in shown["reasons"])
    assert phone.show()["directory"] == "Host Not Found"


def a_reset_brings_it_back(lab: Lab, phone: Phone) -> None:
    # The list names the new TVS only after a start.
    assert lab.call(lab.publisher, "utils service restart Cisco Tftp").returncode == 0
    ccm = f"{lab.passwords.ccm}\n"
    done = lab.call(lab.publisher, "utils itl reset localkey", ccm, seconds=60)
    assert done.returncode == 0, done.stdout
    shown = phone.restart()
    assert last(shown).endswith("trust list updated")
    assert shown["itl"] == served_digest(lab)
    assert shown["settings"]["spanToPCPort"] == "0", shown["reasons"]
    assert phone.show()["directory"] == "Corporate Directory"
    assert lab.phones[1].restart()["status"][-1].endswith(" Trust List Updated")


def an_erased_phone_takes_the_next_list_on_faith(lab: Lab) -> None:
    phone = lab.phones[1]
    shown = phone.erase()
    assert [line.split(" ", 1)[1] for line in shown["status"][-2:]] == [
        "Erasing CTL and ITL files",
        "ITL installed",
    ]
    assert shown["boots"][-1]["why"] == "lists erased"


def a_phone_without_power_does_nothing(lab: Lab, phone: Phone) -> None:
    before = phone.unplug()
    assert not before["is_plugged"]
    assert phone.restart()["boots"] == before["boots"]
    assert len(phone.plug()["boots"]) == len(before["boots"]) + 1


def its_clock_is_its_own(lab: Lab, phone: Phone) -> None:
    phone.set_clock(1234567890)
    assert "[11:31:" in phone.restart()["status"][-1]
    assert phone.set_clock(None)["now"] > 1234567890 + 86400


def test_phones_lose_trust_and_get_it_back(lab: Lab) -> None:
    """One story, since each step begins where the one before it ended."""
    the_first_boot_takes_the_list_on_faith(lab)
    its_page_shows_its_messages(lab)
    what_it_holds_is_in_its_flash(lab, lab.phones[0])
    a_changed_signed_file_is_run_after_a_restart(lab, lab.phones[0])
    tvs_vouches_for_a_new_signer(lab, lab.phones[0])
    without_tvs_the_old_list_stays_and_settings_are_ignored(lab, lab.phones[0])
    a_tvs_with_another_certificate_than_the_list_names_helps_nobody(lab, lab.phones[0])
    a_reset_brings_it_back(lab, lab.phones[0])
    an_erased_phone_takes_the_next_list_on_faith(lab)
    a_phone_without_power_does_nothing(lab, lab.phones[0])
    its_clock_is_its_own(lab, lab.phones[0])
