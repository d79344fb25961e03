"""What a client of sshd asked for: the prompt, or one line. Parses no command.

sshd starts an account's shell without arguments, or with ``-c STRING`` (sshd(8)).
STRING is what the client asked for; with a forced command it is that command, and the
client's is in ``SSH_ORIGINAL_COMMAND``. A subsystem comes as the command that the
server's configuration has for it, so sftp, the new scp, and rsync look like any other
line: they are recognized only to say what to do instead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from cucmsh.errors import UsageError

ASKED = "SSH_ORIGINAL_COMMAND"  # sshd sets it for a forced command
TRANSFERS = frozenset({"internal-sftp", "rsync", "scp", "sftp", "sftp-server"})
INSTEAD = (
    "sftp, scp and rsync do not work here: give one command, or log in and use "
    "`file get`, which sends files to an SFTP server"
)


def requested(argv: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """The one line to run; None for the prompt.

    Args:
        argv: of this process: the program's path, and what sshd put behind it.
        environment: as sshd made it.

    Raises:
        UsageError: arguments that no sshd gives a login shell.
    """
    program, *rest = argv
    match rest:
        case []:
            return environment.get(ASKED)
        case ["-c", string] if _is_program(string, program):
            return environment.get(ASKED)
        case ["-c", string]:
            return string
    raise UsageError("a login shell takes no words but -c COMMAND")


def is_transfer(line: str) -> bool:
    """Whether a client wants to move files rather than to run a command."""
    first = line.split(maxsplit=1)[:1]
    return bool(first) and os.path.basename(first[0]) in TRANSFERS


def _is_program(string: str, program: str) -> bool:
    """Whether it is our own path: the forced command, run through our shell."""
    return os.path.isabs(string) and os.path.realpath(string) == os.path.realpath(
        program
    )
