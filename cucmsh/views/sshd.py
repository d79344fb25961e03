"""What root runs once, so that sshd gives administrators `admin:`: a script. Pure.

Two accounts, one user id. The node's account (`cucmsh`) owns keys and lists, takes
a key, and is how other nodes come in. The administrator's (`admin`) is a second name
for that user id, whose shell and forced command are our login program and whose home is
root's. So the prompt has the node's rights without a second program in between: sudo
would run setuid, with a PAM session and a relaying terminal, before each prompt, and
would have to be told to pass on what the client asked for. sshd matches the name, so
the node's account is not touched by what the other is denied.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cucmsh.errors import REINSTALL
from cucmsh.layout import (
    AUTHORIZED_KEYS,
    DEFAULT_CONFIGURATION,
    LOGIN_HOMES,
    LOGIN_PROGRAMS,
    SSH_FOLDER,
    SSHD_DROP_IN,
    SUDOERS,
)
from cucmsh.services.nodes.health.logins import (
    FOR_ALL,
    FORCED,
    LOGIN_PROGRAM,
    MOST_SESSIONS,
    NO_VARIABLE,
    REQUIRED,
)

PROGRAM = """\
#!{python} -I
try:
    from cucmsh.__main__ import {function}
except Exception as problem:
    text = " ".join(f"{{type(problem).__name__}}: {{problem}}".split())
    raise SystemExit(f"cucmsh cannot be loaded: {{text}}. {advice}") from None
{function}({configuration})
"""


class Logins(NamedTuple):
    """Whose login is made.

    Attributes:
        administrator: the name that logs in.
        account: the node's account.
        home: keys and state of the node.
        tftp_directory: what TFTP serves.
        configuration: path of the node's configuration; empty for the default one.
        python: the interpreter of the environment in which cucmsh is installed.
        may: what the account may do as root: an argv list each.
    """

    administrator: str
    account: str
    home: str
    tftp_directory: str
    configuration: str
    python: str
    may: Sequence[Sequence[str]]


def script(logins: Logins) -> str:
    """For root's sh; run again, it changes nothing more."""
    return "".join(f"{line}\n" for line in _lines(logins))


def drop_in(administrator: str) -> str:
    """The settings of sshd for the account."""
    lines = [
        "# Made by `cucmsh init --sshd`. The first setting wins: keep this file first.",
        *(f"{name} {value}" for name, value in FOR_ALL.items()),
        f"Match User {administrator}",
        f"    {FORCED} {LOGIN_PROGRAMS}/{LOGIN_PROGRAM}",
        *(f"    {name} {value}" for name, value in REQUIRED.items()),
        f"    MaxSessions {MOST_SESSIONS}",
        "    # A list of accepted variables can be replaced, but not emptied.",
        f"    AcceptEnv {NO_VARIABLE}",
    ]
    return "".join(f"{line}\n" for line in lines)


def program(python: str, function: str, configuration: str = "") -> str:
    """A program of root's that starts ours: ``main`` or ``login``."""
    argument = repr(configuration) if configuration else ""
    return PROGRAM.format(
        python=python, function=function, configuration=argument, advice=REINSTALL
    )


def _lines(logins: Logins) -> Iterator[str]:
    name, account = logins.administrator, logins.account
    home, shell = f"{LOGIN_HOMES}/{name}", f"{LOGIN_PROGRAMS}/{LOGIN_PROGRAM}"
    folder = (logins.configuration or DEFAULT_CONFIGURATION).rpartition("/")[0]
    folders = shlex.join([folder, logins.tftp_directory])
    yield f"# Logins of {name} at the admin: prompt. Read it; root gives it to sh."
    yield "set -eu"
    yield "umask 022"
    yield ""
    yield f"# {account}, the node's account: owns keys and lists, logs in by key."
    yield f"id -u {account} >/dev/null 2>&1 ||"
    yield f"    useradd --create-home --shell /bin/sh --password '*' {account}"
    yield f"install -d -o {account} -g {account} -m 700 {shlex.quote(logins.home)}"
    yield f"install -d -o {account} -g {account} {folders}"
    yield ""
    yield "# The programs: root's property."
    yield from _file(f"{LOGIN_PROGRAMS}/cucmsh", program(logins.python, "main"), "755")
    yield from _file(
        shell, program(logins.python, "login", logins.configuration), "755"
    )
    yield ""
    yield f"# {name}: the same user id, another shell, and a home that is root's."
    yield f"install -d -m 755 {LOGIN_HOMES} {home} {home}/{SSH_FOLDER}"
    yield f"id -u {name} >/dev/null 2>&1 ||"
    yield "    useradd --password '*' --non-unique \\"
    yield f'        --uid "$(id -u {account})" --gid "$(id -g {account})" \\'
    yield f"        --no-create-home --home-dir {home} --shell {shell} {name}"
    yield f'[ "$(id -u {name})" = "$(id -u {account})" ] || {{'
    yield f"    echo '{name} is an account of its own: choose another --user' >&2"
    yield "    exit 1"
    yield "}"
    yield ""
    if logins.may:
        yield "# What the account may do as root, and nothing else."
        yield from _file(f"{SUDOERS}.new", permission(account, logins.may), "440")
        yield f"visudo -q -c -f {SUDOERS}.new"
        yield f"mv {SUDOERS}.new {SUDOERS}"
        yield ""
    yield "# sshd: the prompt, and no other way through that account."
    yield from _file(SSHD_DROP_IN.format(name=name), drop_in(name), "644")
    yield "/usr/sbin/sshd -t"
    yield "if [ -d /run/systemd/system ]; then systemctl reload ssh; fi"
    yield ""
    yield f"echo 'Now give {name} a password (passwd {name}), or a key in'"
    yield f"echo '{home}/{AUTHORIZED_KEYS}. Then look: cucmsh doctor'"


def permission(account: str, may: Sequence[Sequence[str]]) -> str:
    """A line of sudoers(5): the account may run these argv lists as root, as they are.

    A program alone would be permitted with any arguments; two quotes stand for none.
    """
    commands = [
        [*map(_escaped, words), *([] if words[1:] else ['""'])] for words in may
    ]
    return f"{account} ALL=(root) NOPASSWD: {', '.join(map(' '.join, commands))}\n"


def _escaped(word: str) -> str:
    """As sudoers(5) wants it."""
    return "".join(f"\\{char}" if char in '\\,:= "*?[]!#' else char for char in word)


def _file(path: str, text: str, mode: str) -> Iterator[str]:
    yield f"cat > {path} <<'END'"
    yield from text.splitlines()
    yield "END"
    yield f"chmod {mode} {path}"
