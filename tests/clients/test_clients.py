"""Real clients, unmodified from PyPI, drive `admin:` through SSH.

See docs/clients.md#the-clients.

Each does the same: log in, turn the pager off, show the list, regenerate a certificate
after its question, reset with a hidden password, save the key file with `file get`,
leave a question by Ctrl-C, and exit.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncssh
import netmiko
import paramiko_expect
import pexpect
import pytest

from tests.clients.doors import (
    CANCELLED,
    GET,
    REGEN,
    REGENERATED,
    RESET,
    RESTARTED,
    SENT,
    SHOWN,
    UNPAGED,
    Door,
    as_pattern,
)

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]
VIEWED = "viewed.xml"
SECONDS = 30
PROMPT = "admin:"


def test_pexpect(door: Door) -> None:
    program, *words = door.ssh
    child = pexpect.spawn(program, words, encoding="utf-8", timeout=SECONDS)
    if door.password:
        child.expect("assword:")
        child.sendline(door.password)
    child.expect_exact(f"\r\n{PROMPT}")

    def call(line: str) -> str:
        child.sendline(line)
        child.expect_exact(f"\r\n{PROMPT}")
        return str(child.before)

    before = door.serial()
    assert UNPAGED in call("set cli pagination off")
    assert SHOWN in call("show itl")
    child.sendline(REGEN)
    child.expect_exact("(yes|no)?")
    assert REGENERATED in call("yes")
    child.sendline(RESET)
    child.expect_exact("password :")
    assert RESTARTED in call(door.lab.passwords.ccm)
    child.sendline(GET)
    child.expect_exact("[y/n]? ")
    child.send("y")
    for question, answer in door.answers:
        child.expect_exact(question)
        child.sendline(answer)
    child.expect_exact(f"\r\n{PROMPT}")
    assert SENT in str(child.before)
    child.sendline(RESET)
    child.expect_exact("password :")
    child.sendintr()
    child.expect_exact(f"{CANCELLED}\r\n{PROMPT}")
    child.sendline("exit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    door.check(before)


def test_paramiko_expect(door: Door) -> None:
    client = door.paramiko_client()
    with client, paramiko_expect.SSHClientInteraction(client, SECONDS) as interact:

        def call(line: str, question: str = PROMPT) -> str:
            interact.send(line)
            assert interact.expect(f".*{as_pattern(question)}") == 0
            return str(interact.current_output_clean)

        before = door.serial()
        assert interact.expect(PROMPT) == 0
        assert call("set cli pagination off") == f"set cli pagination off\n{UNPAGED}\n"
        assert SHOWN in call("show itl")
        call(REGEN, "(yes|no)? ")
        assert REGENERATED in call("yes")
        call(RESET, "password :")
        assert RESTARTED in call(door.lab.passwords.ccm)
        call(GET, "[y/n]? ")
        answer = "y"
        for question, following in door.answers:
            call(answer, question)
            answer = following
        assert SENT in call(answer)
        call(RESET, "password :")
        interact.send("\x03", newline="")
        assert interact.expect(PROMPT) == 0
        assert CANCELLED in interact.current_output_clean
        interact.send("exit")
        interact.expect()
        assert interact.channel.recv_exit_status() == 0
    door.check(before)


def test_netmiko(door: Door) -> None:
    session = netmiko.ConnectHandler(
        device_type="generic",
        host=door.host,
        port=door.port,
        username=door.user,
        password=door.password,
        use_keys=bool(door.key),
        key_file=door.key or None,
        ssh_strict=True,
        alt_host_keys=True,
        alt_key_file=str(door.known_hosts),
        read_timeout_override=SECONDS,
    )

    def call(line: str, question: str = PROMPT, *, is_shown: bool = True) -> str:
        pattern = rf"{as_pattern(question)}\s*$"
        output = session.send_command(line, expect_string=pattern, cmd_verify=is_shown)
        return str(output)

    before = door.serial()
    assert session.find_prompt() == PROMPT
    assert UNPAGED in call("set cli pagination off")
    assert SHOWN in call("show itl")
    call(REGEN, "(yes|no)? ")
    assert REGENERATED in call("yes")
    call(RESET, "password :")
    assert RESTARTED in call(door.lab.passwords.ccm, is_shown=False)
    call(GET, "[y/n]? ")
    answer = "y"
    for question, following in door.answers:
        call(answer, question, is_shown=False)
        answer = following
    assert SENT in call(answer)
    call(RESET, "password :")
    session.write_channel("\x03")
    assert CANCELLED in session.read_until_pattern(rf"{PROMPT}$")
    session.write_channel("exit\n")
    channel: Any = session.remote_conn
    assert channel.recv_exit_status() == 0
    session.disconnect()
    door.check(before)


# What a CUCM trace collector in use offers, and nothing newer
# (docs/clients.md#the-clients).
OLDER: dict[str, Any] = {
    "server_host_key_algs": ["rsa-sha2-256"],
    "encryption_algs": ["aes256-ctr", "aes128-cbc"],
    "kex_algs": ["diffie-hellman-group14-sha256"],
}


async def _drive(door: Door) -> int | None:
    options = asyncssh.SSHClientConnectionOptions(
        username=door.user,
        password=door.password or None,
        client_keys=[door.key] if door.key else None,
        known_hosts=str(door.known_hosts),
        agent_path=None,
        config=None,
        **({} if door.key else OLDER),
    )
    async with (
        asyncssh.connect(door.host, door.port, options=options) as connection,
        connection.create_process(term_type="vt100", term_size=(80, 24)) as process,
    ):

        async def wait_for(pattern: str) -> str:
            return str(await process.stdout.readuntil(re.compile(pattern)))

        async def call(line: str, question: str = PROMPT) -> str:
            process.stdin.write(f"{line}\n")
            return await wait_for(rf"{as_pattern(question)}$")

        await wait_for(rf"(?m)^\s*{PROMPT}\s*$")
        assert UNPAGED in await call("set cli pagination off")
        assert SHOWN in await call("show itl")
        await call(REGEN, "(yes|no)? ")
        assert REGENERATED in await call("yes")
        await call(RESET, "password :")
        assert RESTARTED in await call(door.lab.passwords.ccm)
        await call(GET, "[y/n]? ")
        answer = "y"
        for question, following in door.answers:
            await call(answer, question)
            answer = following
        assert SENT in await call(answer)
        await call(RESET, "password :")
        process.stdin.write("\x03")
        assert CANCELLED in await wait_for(rf"{PROMPT}$")
        process.stdin.write("exit\n")
        await process.wait_closed()
        return process.exit_status


# cryptography warns of the key exchange that this client would be left with.
@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
def test_asyncssh(door: Door) -> None:
    before = door.serial()
    assert asyncio.run(asyncio.wait_for(_drive(door), 4 * SECONDS)) == 0
    door.check(before)


@pytest.mark.skipif(
    sys.version_info >= (3, 13),
    reason="LOUD: the last unicon without pyATS has no wheel for this Python",
)
def test_unicon(door: Door) -> None:
    """Cisco's own, with its `vos` plugin; it warns a lot: a process of its own."""
    before = door.serial()
    told = {
        "start": " ".join(door.ssh),
        "password": door.password,
        "ccm": door.lab.passwords.ccm,
        "answers": door.answers,
        "viewed": VIEWED,
    }
    viewed = door.lab.publisher.tftp_directory / VIEWED
    viewed.write_text("".join(f"line {number}\n" for number in range(50)))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", Path(__file__).with_name("by_unicon.py")],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
        timeout=4 * SECONDS,
    )
    viewed.unlink()
    assert done.returncode == 0, done.stdout + done.stderr
    door.check(before)
