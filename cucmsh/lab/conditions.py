"""How a process of the lab shall behave: values that its owner sends it.

And the failures that can be asked for by name (docs/lab.md#failures-by-name). Each is
made by the lab's own servers, or by a limit of the kernel: what the tool then meets is
real.
"""

from __future__ import annotations

from typing import NamedTuple

PAGE = "page"  # and the web page
BACKUP = "backup"  # how the SFTP server is called beside the nodes
MOST_DELAY = 60_000  # milliseconds

DISK_FULL = "disk-full"
LOGIN_REFUSED = "login-refused"
READ_BACK_DIFFERS = "read-back-differs"
RESTART_FAILS = "restart-fails"
SFTP_FULL = "sftp-full"
SFTP_REFUSES = "sftp-refuses"
TFTP_SILENT = "tftp-silent"
WRONG_HOST_KEY = "wrong-host-key"


class Failure(NamedTuple):
    """One that can be asked for.

    Attributes:
        name: what is typed.
        of_nodes: a node has it.
        of_backup: the backup server has it.
        what: what then happens, for people.
    """

    name: str
    of_nodes: bool
    of_backup: bool
    what: str


FAILURES = (
    Failure(
        DISK_FULL,
        of_nodes=True,
        of_backup=False,
        what="what others and log-ins do there can write no file (a kernel limit)",
    ),
    Failure(
        LOGIN_REFUSED,
        of_nodes=True,
        of_backup=False,
        what="the key of the other nodes is not accepted",
    ),
    Failure(
        READ_BACK_DIFFERS,
        of_nodes=True,
        of_backup=False,
        what="TFTP gives ITLFile.tlv with its last byte changed",
    ),
    Failure(
        RESTART_FAILS,
        of_nodes=True,
        of_backup=False,
        what="Cisco Tftp stops and does not start again",
    ),
    Failure(
        SFTP_FULL,
        of_nodes=False,
        of_backup=True,
        what="no file can be written there: no space is left",
    ),
    Failure(
        SFTP_REFUSES,
        of_nodes=False,
        of_backup=True,
        what="the password is not accepted",
    ),
    Failure(
        TFTP_SILENT,
        of_nodes=True,
        of_backup=False,
        what="TFTP, and its HTTP, run and answer nobody",
    ),
    Failure(
        WRONG_HOST_KEY,
        of_nodes=True,
        of_backup=True,
        what="another SSH host key is shown",
    ),
)


class Conditions(NamedTuple):
    """What one process is told.

    Attributes:
        delay_ms: before each connection, to SSH, HTTP or TVS, and each TFTP request is
            answered.
        failures: names of those it shall have.
        cut_off: the configuration files of nodes that no other node reaches, nor they
            any other.
        prompt: the process whose prompt is the publisher's; 0 without one.
    """

    delay_ms: int = 0
    failures: frozenset[str] = frozenset()
    cut_off: frozenset[str] = frozenset()
    prompt: int = 0
