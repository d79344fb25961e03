"""Why a login to a new node does not work as it must, and what an administrator does.

Runs only harmless commands there: an echo, ``ls -ld`` of a folder, ``sudo -n -l``.
"""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from cucmsh.config.model import Node, ServiceCommands
from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    ServiceError,
    StoreError,
)
from cucmsh.layout import AUTHORIZED_KEYS, SSH_FOLDER
from cucmsh.remote.ssh.causes import OTHER_ROOT, cause_of_answer, cause_of_words
from cucmsh.services.backends import Backends, Link
from cucmsh.services.deadlines import WAY_SECONDS
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.nodes.service_status import CANNOT_RUN

WRITABLE = (5, 8)  # where the letters of group and others say it in `drwxrwxrwx`
READABLE = (7, 9)  # for others: to be listed, and to be entered
SUDO_CAUSES = (
    (
        "must have a tty",
        "sudo wants a terminal there (requiretty)",
        "As root there, in /etc/sudoers.d/cucmsh: Defaults:{user} !requiretty",
    ),
    (
        "no new privileges",
        "nothing may become root in that session (no_new_privs)",
        "Take NoNewPrivileges away from the unit of its sshd.",
    ),
    (
        "may not run sudo",
        "sudo knows no such permission there",
        "As root there, in /etc/sudoers.d/cucmsh: {line}",
    ),
    (
        "not allowed",
        "sudo permits other words there",
        "As root there, in /etc/sudoers.d/cucmsh: {line}",
    ),
    (
        "password is required",
        "the line for sudo is missing there, or asks for a password",
        "As root there, in /etc/sudoers.d/cucmsh: {line}",
    ),
)


class Folder(NamedTuple):
    """A folder as ``ls -ld`` shows it: ``drwxr-xr-x`` and its owner."""

    mode: str
    owner: str

    @property
    def is_open(self) -> bool:
        """Whether group or others may write to it."""
        return any(self.mode[at] == "w" for at in WRITABLE)

    @property
    def is_shown(self) -> bool:
        """Whether every account may read what is in it."""
        first, last = READABLE
        return self.mode[first] == "r" and self.mode[last] in "xt"


def require_answers(link: Link, node: Node) -> None:
    """Refuse an account that does not run the commands it is sent.

    Raises:
        ServiceError: with the cause, and what mends it.
    """
    token = os.urandom(8).hex()
    done = link.run(("echo", token), WAY_SECONDS)
    if done.output == token:
        return
    if token in done.output:  # after the output of a start-up file
        if not node.is_member:  # its SFTP tells whether it matters
            return
        cause = cause_of_words(done.output)
    else:
        cause = cause_of_answer(done.output, done.stderr, done.status)
    user = node.ssh.user if node.ssh else ""
    raise ServiceError(
        f"{node.name}: {cause.what}", cause.advice.replace("ACCOUNT", user)
    )


def look_at(link: Link, path: str) -> Folder | None:
    """Mode and owner of a folder there; None if it cannot be seen."""
    try:
        done = link.run(("ls", "-ld", path), WAY_SECONDS)
    except CucmshError:
        return None
    words = done.output.split()
    is_folder = done.status == 0 and len(words) > 2 and len(words[0]) >= 10
    return Folder(words[0], words[2]) if is_folder else None


def why_key_is_refused(link: Link) -> str:
    """What sshd's StrictModes (sshd_config(5)) objects to in the account; or empty."""
    for path in (".", SSH_FOLDER, AUTHORIZED_KEYS):
        found = look_at(link, path)
        if found and found.is_open:
            name = "its home directory" if path == "." else f"~/{path}"
            return f"others may write to {name} ({found.mode}; StrictModes)"
    return ""


def why_not_written(
    backends: Backends, link: Link, node: Node, problem: CucmshError
) -> CucmshError:
    """``problem`` with its cause, if it is found: owner, mode, or a chroot."""
    directory = node.tftp_directory
    user = node.ssh.user if node.ssh else ""
    if isinstance(problem, MissingFileError):
        if not has_root(backends, link):
            return MissingFileError(
                f"{directory} is not there on {node.name}: {OTHER_ROOT.what}",
                OTHER_ROOT.advice,
            )
        return MissingFileError(
            f"the TFTP directory {directory} is not there on {node.name}",
            f"Make it: install -d -o {user} {directory}; or name the right one with "
            "--tftp-directory.",
        )
    if not isinstance(problem.__cause__, PermissionError):
        return problem
    found = look_at(link, directory)
    if found is None:
        return problem
    return StoreError(
        f"{user!r} may not write to {directory} on {node.name}: it belongs to "
        f"{found.owner} ({found.mode})",
        f"As root there: chown {user} {directory}",
    )


def why_not_served(link: Link, node: Node, problem: CucmshError) -> CucmshError:
    """``problem`` with its cause, if it is found: a folder's mode, or dnsmasq."""
    if not isinstance(problem, ConnectionFailedError):
        return problem
    found = look_at(link, node.tftp_directory)
    if found and not found.is_shown:
        return ConnectionFailedError(
            f"{problem.message}: other accounts may not read {node.tftp_directory} "
            f"({found.mode})",
            f"There: chmod o+rx {node.tftp_directory}",
        )
    if "error 2," in problem.message:  # dnsmasq's; tftpd-hpa has 0 for that, atftpd 1
        user = node.ssh.user if node.ssh else ""
        return ConnectionFailedError(
            f"{problem.message}: dnsmasq with tftp-secure serves its own user's files "
            "only",
            f"Take tftp-secure out of its configuration, or set user={user} there, "
            "and restart it.",
        )
    return problem


def look_at_sudo(link: Link, node: Node, commands: ServiceCommands) -> Finding:
    """Whether sudo permits the restart."""
    words = commands.restart[2:]
    asked = link.run(("sudo", "-n", "-l", *words), WAY_SECONDS)
    wanted = " ".join(commands.restart)
    if asked.status == 0:
        return Finding(Level.OK, f"the account may run: {wanted}")
    user = node.ssh.user if node.ssh else ""
    said = asked.stderr or asked.output
    line = f"{user} ALL=(root) NOPASSWD: {shlex.join(words)}"
    what, advice = (
        f"sudo says {said.splitlines()[0] if said else 'nothing'!r}",
        f"As root there, in /etc/sudoers.d/cucmsh: {line}",
    )
    if asked.status in CANNOT_RUN:
        what, advice = "there is no sudo there", "As root there: apt-get install sudo"
    for sign, cause, mend in SUDO_CAUSES:
        if sign in said:
            what, advice = cause, mend.format(user=user, line=line)
            break
    return Finding(Level.FAIL, f"the account MAY NOT run: {wanted}; {what}", advice)


def has_root(backends: Backends, link: Link) -> bool:
    """Whether SFTP shows the machine's own files, and not those of a chroot."""
    try:
        return bool(backends.store_on(link, "/etc").names())
    except CucmshError:
        return False
