"""Story case 7, typed: a rename takes trust from phones, and a reset brings it back.

And with ``keep_trust`` on it takes nothing from anybody. What phones hold is read from
their pages, certificates are read by openssl.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cucmsh.testing import Node
from tests.rigs.lab import CUCMSH, Lab
from tests.rigs.terminal import Prompt
from tests.story.test_phones import NEW, Looked, served, sha1
from tests.story.test_story import reset_local

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]

RECOVERY = "ITLRECOVERY_test10pub.joemar2.lab"
ADDRESS = "Would you like to change the network ip address at this time [yes]:: "
CONTINUE = "Do you want to continue [yes/no]? "


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path / "cluster", "--phones", "8845:1")
    yield made
    assert made.stop() == 0


def name_in(node: Node, unit: str) -> str:
    """The CN of one of its certificates, as openssl reads it."""
    file = node.home / "security" / unit / f"{unit}.pem"
    words = ["openssl", "x509", "-noout", "-subject", "-nameopt", "multiline", "-in"]
    done = subprocess.run([*words, file], capture_output=True, check=True, text=True)
    (line,) = [at for at in done.stdout.splitlines() if "commonName" in at]
    return line.partition("=")[2].strip()


def rename(shell: Prompt, name: str) -> str:
    """As the original's transcript goes; what was said after the last answer."""
    shell.send("set network hostname\r")
    said = shell.answer("Enter the hostname:: ", name)
    assert "ctrl-c: To quit the input.\n\n            *** W A R N I N G ***\n" in said
    shell.answer(ADDRESS, "no")
    said = shell.answer(CONTINUE, "yes")
    assert said.splitlines()[1] == (
        "Warning: Do not close this window until command finishes."
    )
    assert f"Hostname: {name}" in said.splitlines()
    return shell.await_prompt()


def test_rename_loses_trust_and_a_reset_brings_it_back(
    lab: Lab, shell: Prompt, tmp_path: Path
) -> None:
    publisher, subscriber = lab.publisher, lab.subscriber
    shell.call("lab phone restart all")
    held = served(lab, publisher, tmp_path, "test10pub.joemar2.lab")
    assert Looked(lab, NEW).itl == sha1(held)
    assert "TVS of test10sub[STOPPED]" in shell.call("lab tvs stop")
    preview = shell.call("utils itl preview hostname newpub")
    assert preview.rstrip().endswith("Somebody is locked out.")

    # Refused and quit before anything is asked or changed.
    for line, why in (
        ("set network hostname test10sub", "is another node of this cluster"),
        ("set network hostname -x", "dash"),
        (f"set network hostname {'a' * 64}", "64 characters, more than 63"),
        ("set network domain joemar2.lab", "is the name of this node already"),
    ):
        assert why in shell.call(line)
    shell.send("set network hostname newpub\r")
    shell.answer(ADDRESS, "yes")
    assert "please type no" in shell.answer(ADDRESS, "no")
    shell.await_text(CONTINUE)
    shell.send("\x03")
    assert "Control-C pressed" in shell.await_prompt()
    assert served(lab, publisher, tmp_path, "test10pub.joemar2.lab") == held

    said = rename(shell, "new--pub")
    for number, script in enumerate(
        ("ahostname_callback.sh", "clm_notify_hostname.sh", "regenerate_all_certs.sh")
    ):
        assert (
            f"calling {number + 1} of 3 component notification script: {script}" in said
        )
    assert "updating server table from:'test10pub', to: 'new--pub'\nRows: 1\n" in said
    assert "cluster update successfull" in said
    assert "Cisco Tftp service restarted on host new--pub" in said
    assert "hostnamectl set-hostname new--pub" in said
    for unit in ("CallManager", "TVS", "tomcat", "ipsec"):
        assert name_in(publisher, unit) == "new--pub.joemar2.lab"
    assert name_in(publisher, "ITLRecovery") == RECOVERY
    refused = served(lab, publisher, tmp_path, "new--pub.joemar2.lab")
    assert "Trust List update failed" in shell.call("lab phone reset all")
    assert Looked(lab, NEW).itl == sha1(held)
    assert verify(refused, held, tmp_path) == 1

    # The same session goes on, under the new name; the old one is an alias.
    assert "new--pub" in shell.call("show network cluster test10pub")
    reset_local(lab, shell)
    recovered = served(lab, publisher, tmp_path, RECOVERY)
    assert recovered == served(lab, subscriber, tmp_path, RECOVERY)
    assert verify(recovered, held, tmp_path) == 0
    shell.call(f"lab phone reset {NEW}")
    assert Looked(lab, NEW).itl == sha1(recovered)
    shell.call("lab tvs start")
    assert shell.quit() == 0


def verify(offered: bytes, held: bytes, folder: Path) -> int:
    """The status of ``cucmsh verify --against``."""
    for name, raw in (("offered", offered), ("held", held)):
        (folder / f"{name}.tlv").write_bytes(raw)
    words = ["verify", "offered.tlv", "--against", "held.tlv"]
    done = subprocess.run(
        [*CUCMSH, *words], cwd=folder, capture_output=True, check=False
    )
    return done.returncode


def test_keep_trust_loses_nobody_and_names_outlive_the_lab(
    open_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    lab = open_lab()
    nodes = [lab.publisher, lab.subscriber]
    for node in nodes:
        text = node.config.read_text()
        node.config.write_text(text.replace("keep_trust = false", "keep_trust = true"))
        assert lab.call(node, "utils service restart Cisco Tftp").returncode == 0
    held = {at.name: lab.fetch(at, "ITLFile.tlv", tmp_path / "held") for at in nodes}
    answers = "no\nyes\n"
    for node, name in zip(nodes, ("newpub", "newsub"), strict=True):
        done = lab.call(node, f"set network hostname {name}", answers, 60)
        assert done.returncode == 0, done.stdout + done.stderr
    lab.call(lab.publisher, "lab hold off")
    done = lab.call(lab.subscriber, "set network domain other.org", "y\n", 60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lab.call(lab.publisher, "utils service restart Cisco Tftp").returncode == 0
    for node in nodes:
        now = lab.fetch(node, "ITLFile.tlv", tmp_path / "now")
        assert now != held[node.name]
        assert verify(now, held[node.name], tmp_path) == 0
    names = ["newpub", "newsub"]
    for node in nodes:
        shown = json.loads(as_json(node, "-c", "show network cluster", "--json"))[
            "result"
        ]
        assert [at["name"] for at in shown["nodes"]] == names
        full_names = [at["full_name"] for at in shown["nodes"]]
        assert full_names == ["newpub.joemar2.lab", "newsub.other.org"]
    listed = as_json(lab.publisher, "node", "list")
    assert [line.split()[0] for line in listed.splitlines()[1:3]] == names
    assert "fail" not in as_json(lab.publisher, "doctor")
    assert name_in(lab.subscriber, "TVS") == "newsub.other.org"
    # The lab writes its configurations anew at each start, under the names of now.
    assert lab.stop() == 0
    again = open_lab()
    shown = json.loads(
        as_json(again.publisher, "-c", "show network cluster", "--json")
    )["result"]
    assert [at["name"] for at in shown["nodes"]] == names
    assert again.call(again.publisher, "lab node stop newsub").returncode == 0


def as_json(node: Node, *words: str) -> str:
    done = subprocess.run(
        [*CUCMSH, "--config", str(node.config), *words],
        capture_output=True,
        check=False,
        text=True,
    )
    return done.stdout
