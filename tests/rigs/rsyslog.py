"""rsyslogd with a socket and files of its own, for servers that log to ``/dev/log``.

A server is started in a mount namespace whose ``/dev`` holds nothing but that socket,
so that the machine's own is neither needed nor touched. Needs root.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rigs.waiting import until

CONFIGURATION = """\
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/dev/log")
action(type="omfile" file="{folder}/syslog")
action(type="omfile" file="{folder}/old-form" template="RSYSLOG_TraditionalFileFormat")
"""
INSIDE = 'mount --bind "$0" /dev && exec "$@"'


class Rsyslog:
    """What it wrote, and the words that make a server log to it.

    Attributes:
        syslog: the file in the form of Debian 12.
        old_form: the same in the form without year and zone.
    """

    def __init__(self, folder: Path) -> None:
        self._dev = folder / "dev"
        self.syslog = folder / "syslog"
        self.old_form = folder / "old-form"

    def inside(self, argv: list[str]) -> list[str]:
        """The argv in a namespace where ``/dev/log`` is this daemon's."""
        return ["unshare", "--mount", "/bin/sh", "-c", INSIDE, str(self._dev), *argv]

    def wait_for(self, text: str) -> None:
        """Until both files hold that text."""
        files = (self.syslog, self.old_form)

        def is_there() -> bool:
            return all(each.exists() and text in each.read_text() for each in files)

        until(is_there, f"rsyslogd never wrote {text}")


@contextmanager
def rsyslog(folder: Path) -> Iterator[Rsyslog]:
    """A daemon of its own, for the body."""
    made = Rsyslog(folder)
    socket = folder / "dev/log"
    socket.parent.mkdir(parents=True)
    (socket.parent / "null").touch()
    configuration = folder / "rsyslog.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder))
    words = ["/usr/sbin/rsyslogd", "-n", "-iNONE", "-f", str(configuration)]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        until(socket.exists, "rsyslogd does not listen")
        yield made
    finally:
        process.terminate()
        process.wait()
