"""Hosts that take a connection and say nothing: it is told, and Ctrl-C leads back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.lab import Lab, prompt_of
from tests.rigs.terminal import Prompt

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]


@pytest.fixture(scope="module")
def silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def person(lab: Lab, silent_port: int, tmp_path: Path) -> Iterator[Prompt]:
    """At the publisher, after the editor came; the way to its subscriber is silent."""
    configuration = tmp_path / "cucmsh.toml"
    port = lab.subscriber.ssh.port
    text = lab.publisher.config.read_text()
    assert text.count(str(port)) == 1
    # Of the lab only where the lab put it: a copy is any node's, without its commands.
    for labs in (f'[lab]\ndirectory = "{lab.root}"\n', 'packs = ["cucmsh.lab.pack"]\n'):
        assert text.count(labs) == 1
        text = text.replace(labs, "")
    configuration.write_text(text.replace(str(port), str(silent_port)))
    shell = prompt_of(configuration)
    shell.send("\x01")
    shell.await_text("\x1b[?2004h")
    yield shell
    shell.child.close(force=True)


def press_control_c(person: Prompt) -> None:
    person.send("\x03")
    person.await_text("Control-C pressed")
    person.send("show version active\r")
    person.await_text("Active Master Version")


def test_show_network_cluster(person: Prompt) -> None:
    person.send("show network cluster\r")
    person.await_text("test10pub Publisher callmanager DBPub authenticated")
    person.await_text("Waiting for test10sub...")
    press_control_c(person)


def test_a_reset_that_looks_for_its_nodes(lab: Lab, person: Prompt) -> None:
    before = lab.digests()
    person.send("utils itl reset localkey\r")
    person.answer("password :", lab.passwords.ccm)
    person.await_text("Still looking: not every node answers at once...")
    press_control_c(person)
    assert lab.digests() == before


def test_a_fetch_of_a_recovery_key(lab: Lab, person: Prompt, silent_port: int) -> None:
    before = lab.digests()
    person.send(f"utils itl reset remotekey 127.0.0.1:{silent_port} joe /x.p12\r")
    person.answer("password :", "secret")
    person.await_text("Waiting for 127.0.0.1...")
    press_control_c(person)
    assert lab.digests() == before
    assert "secret" not in person.seen


def test_a_file_on_its_way_out(lab: Lab, person: Prompt, silent_port: int) -> None:
    before = lab.digests()
    person.send("file get tftp ITLRecovery.p12\r")
    person.answer("[y/n]?", "y")
    person.answer("SFTP server IP:", "127.0.0.1")
    person.answer("SFTP server port [22]:", str(silent_port))
    person.answer("User ID:", "joe")
    person.answer("Password:", "secret")
    person.answer("Download directory:", "/x")
    person.await_text("Waiting for 127.0.0.1...")
    press_control_c(person)
    assert lab.digests() == before


def test_nobody_waits_for_them_at_the_end(person: Prompt) -> None:
    person.send("show network cluster\r")
    person.await_text("Waiting for test10sub...")
    press_control_c(person)
    person.send("quit\r")
    person.child.expect_exact("quit")
    person.child.timeout = 3  # a login is given 15 seconds
    assert person.await_end() == 0
