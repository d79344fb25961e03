"""The story as phones live it: typed at the prompt, looked at from outside.

What a phone holds is read from its page with curl, what nodes serve is fetched through
TFTP, and openssl judges the lists.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.testing import Node
from tests.rigs.lab import Lab
from tests.rigs.terminal import Prompt
from tests.story.test_story import assert_openssl_verifies, reset_local

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]

CONFIGURATION = "/CGI/Java/Serviceability?adapter=device.statistics.configuration"
NEW, OLD = "SEP02C188450001", "SEP02C179650001"  # both ask the publisher first


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(
        tmp_path_factory.mktemp("phones") / "cluster", "--phones", "8845:2,7965:1"
    )
    yield made
    assert made.stop() == 0


class Looked:
    """A phone's page, as curl fetches it.

    Attributes:
        itl: its digest in lower-case hexadecimal digits.
        ssh: whether its running configuration allows SSH, ``Yes`` or ``No``.
        messages: without their times.
    """

    def __init__(self, lab: Lab, name: str) -> None:
        described = json.loads((lab.root / "lab.json").read_text())
        page = next(x["page"] for x in described["phones"] if x["name"] == name)
        base = page[: page.index(name) + len(name)]
        network = _curl(base + CONFIGURATION)
        signature = re.search(r"(?i)ITL signature</B>.*?<B>([0-9A-F ]+)</B>", network)
        allowed = re.search(r"SSH access enabled</B>.*?<B>(\w+)</B>", network)
        self.ssh = allowed[1] if allowed else ""
        self.itl = signature[1].replace(" ", "").lower() if signature else ""
        status = html.unescape(_curl(page))
        lines = re.findall(r"<TD>\[?\d+:\d\d:\d\d[^<]*", status)
        self.messages = [re.split(r"\]\s|[ap] ", line, maxsplit=1)[1] for line in lines]


def _curl(url: str) -> str:
    words = ["curl", "--silent", "--show-error", "--fail", "--max-time", "15", url]
    done = subprocess.run(words, capture_output=True, check=True, text=True)
    return done.stdout


def served(lab: Lab, node: Node, folder: Path, signer: str) -> bytes:
    """The node's list, through TFTP, when openssl found it to be the signer's."""
    raw = lab.fetch(node, "ITLFile.tlv", folder / f"{node.name}.tlv")
    assert_openssl_verifies(raw, signer, folder)
    return raw


def sha1(raw: bytes) -> str:
    return hashlib.sha1(raw).hexdigest()


def md5(raw: bytes) -> str:
    return hashlib.md5(raw).hexdigest()


def polled(shell: Prompt, state: str) -> str:
    """The phones of that state in the inventory, after each page was asked for."""
    assert "Asked: 3; 3 show their list" in shell.call("lab phone poll")
    return shell.call(f"show itl phones {state}")


def regenerate(shell: Prompt) -> None:
    """A new key for CallManager, and TFTP starts with it."""
    shell.send("set cert regen CallManager\r")
    shell.answer("(yes|no)? ", "yes")
    shell.await_prompt()
    shell.call("utils service restart Cisco Tftp")


def allow_ssh(lab: Lab, shell: Prompt) -> None:
    """Change a setting of the phone, and sign its file."""
    path = lab.publisher.tftp_directory / f"{NEW}.cnf.xml"
    text = path.read_text()
    changed = text.replace("<sshAccess>1<", "<sshAccess>0<")
    assert changed != text
    path.write_text(changed)
    assert "Executed command unsuccessfully" not in shell.call("utils tftp sign")


def test_tvs_vouches_for_a_signer_that_is_new_to_them(
    lab: Lab, shell: Prompt, tmp_path: Path
) -> None:
    first = served(lab, lab.publisher, tmp_path, "test10pub.joemar2.lab")
    assert "lab phone poll" in shell.call("show itl phones")  # nothing is known yet
    shell.call("lab phone restart all")
    assert Looked(lab, NEW).itl == sha1(first)
    assert Looked(lab, OLD).itl == md5(first)
    assert "ITL installed" in Looked(lab, NEW).messages

    shell.call("lab hold off")
    regenerate(shell)
    second = served(lab, lab.publisher, tmp_path, "test10pub.joemar2.lab")
    assert second != first
    shell.call("lab phone reset all")
    assert Looked(lab, NEW).itl == sha1(second)
    assert Looked(lab, NEW).messages[-1] == "Trust List updated"
    assert Looked(lab, OLD).itl == md5(second)


def test_phones_lose_trust_and_get_it_back(
    lab: Lab, shell: Prompt, tmp_path: Path
) -> None:
    shell.call("lab hold off")
    shell.call("lab phone restart all")
    held = served(lab, lab.publisher, tmp_path, "test10pub.joemar2.lab")
    assert Looked(lab, NEW).itl == sha1(held)

    assert "TVS of test10sub[STOPPED]" in shell.call("lab tvs stop")
    regenerate(shell)
    refused = served(lab, lab.publisher, tmp_path, "test10pub.joemar2.lab")
    assert refused != held
    allow_ssh(lab, shell)
    assert "Trust List update failed" in shell.call("lab phone reset all")
    lost = Looked(lab, NEW)
    assert lost.itl == sha1(held)  # the old list stays
    assert lost.messages[-1] == "Trust List update failed"
    assert lost.ssh == "No"  # and so does the old configuration
    old = Looked(lab, OLD)
    assert old.itl == md5(held)
    assert "Trust List Update Failed" in old.messages
    assert old.messages[-1] == f"TFTP Error : {OLD}.cnf.xml.sgn"
    assert "Directory: Host Not Found" in shell.call(f"lab phone show {NEW}")
    mismatches = polled(shell, "mismatch")
    assert NEW in mismatches
    assert OLD in mismatches

    recovery = "ITLRECOVERY_test10pub.joemar2.lab"
    reset_local(lab, shell)
    recovered = served(lab, lab.publisher, tmp_path, recovery)
    assert recovered == served(lab, lab.subscriber, tmp_path, recovery)
    shell.call(f"lab phone reset {NEW} {OLD}")
    found = Looked(lab, NEW)
    assert found.itl == sha1(recovered)
    assert found.messages[-1] == "Trust List updated"
    assert found.ssh == "Yes"
    assert Looked(lab, OLD).itl == md5(recovered)
    matches = polled(shell, "match")
    assert NEW in matches
    assert OLD in matches
    shell.call("lab tvs start")
    shown = shell.call(f"lab phone show {NEW}")
    assert "Host Not Found" not in shown
    assert sha1(recovered) in shown
    assert shown.rstrip().endswith("Trust List updated")
