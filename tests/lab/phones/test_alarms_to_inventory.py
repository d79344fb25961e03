"""A lab phone's alarm, through a real SIP server and its mirror, into the inventory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path

import pytest

from cucmsh.testing import Node
from tests.rigs.kamailio import kamailio
from tests.rigs.lab import CUCMSH, SECONDS, Lab
from tests.rigs.loopback import LOOPBACK, free_port
from tests.rigs.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.loopback]


@contextmanager
def listener(node: Node, port: int) -> Iterator[None]:
    """`cucmsh phones listen` of a node; at the end it has written what it heard."""
    words = [*CUCMSH, "--config", str(node.config), "phones", "listen"]
    words += ["--listen", f"{LOOPBACK}:{port}"]
    with subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            assert "Listening" in process.stderr.readline()
            yield
        finally:
            process.terminate()
            assert process.wait(SECONDS) == 0


def test_the_inventory_says_what_the_phone_told(tmp_path: Path) -> None:
    sip, hep = free_port(), free_port()
    lab = Lab(tmp_path / "lab", "--phones", "8845:1", "--sip", f"{LOOPBACK}:{sip}")
    try:
        node, (phone,) = lab.publisher, lab.phones
        first = lab.call(node, f"lab phone show {phone.name}").stdout
        assert f"SIP at {LOOPBACK}:{sip}: Connection refused" in first
        with kamailio(tmp_path, hep, sip), listener(node, hep):
            assert lab.call(node, f"lab phone reset {phone.name}").returncode == 0
            until(lambda: "8845" in shown(lab, node), "the claims are not there")
        later = lab.call(node, f"lab phone show {phone.name}").stdout
        assert "SIP at" not in later
        (row,) = (line for line in shown(lab, node).splitlines() if "SEP" in line)
        digest = sha1(lab.fetch(node, "ITLFile.tlv", tmp_path / "list")).hexdigest()
        # It says so, as anybody could: neither shown nor asked for.
        assert row.split()[:3] == [phone.name, "8845", "-"]
        said = f"said by an alarm: {digest[:8]}, not confirmed"
        assert row.endswith(f"  unknown; {said}")
    finally:
        lab.stop()


def shown(lab: Lab, node: Node) -> str:
    return lab.call(node, "show itl phones").stdout
