"""rsyslogd with a socket and files of its own, for servers that log to ``/dev/log``.

A server is started in a mount namespace whose ``/dev`` holds nothing but that socket,
so that the machine's own is neither needed nor touched. Needs root.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rigs.loopback import free_port
from tests.rigs.waiting import until

CONFIGURATION = """\
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/dev/log")
action(type="omfile" file="{folder}/syslog")
action(type="omfile" file="{folder}/old-form" template="RSYSLOG_TraditionalFileFormat")
"""
# What a server has besides: the two ways in over the network.
NETWORK = """\
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="{udp}")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{tcp}")
template(name="all" type="string"
    string="%HOSTNAME%|%programname%|%procid%|%syslogfacility-text%|%syslogseverity-text%|%msgid%|%structured-data%|%msg%\\n")
action(type="omfile" file="{folder}/messages" template="all")
"""
INSIDE = 'mount --bind "$0" /dev && exec "$@"'


class Rsyslog:
    """What it wrote, and the words that make a server log to it.

    Attributes:
        syslog: the file in the form of Debian 12.
        old_form: the same in the form without year and zone.
        socket: the one that stands at ``/dev/log`` elsewhere.
        ports: of ``udp`` and ``tcp``, for who asked for them.
        messages: host, program, pid, facility, severity, id, data and text of each;
            for the same.
    """

    def __init__(self, folder: Path) -> None:
        self._dev = folder / "dev"
        self.syslog = folder / "syslog"
        self.old_form = folder / "old-form"
        self.socket = self._dev / "log"
        self.ports: dict[str, int] = {}
        self.messages = folder / "messages"

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
def rsyslog(folder: Path, *, network: bool = False) -> Iterator[Rsyslog]:
    """A daemon of its own, for the body; ``network``: it has ports, too."""
    made = Rsyslog(folder)
    socket = folder / "dev/log"
    socket.parent.mkdir(parents=True)
    (socket.parent / "null").touch()
    configuration = folder / "rsyslog.conf"
    text = CONFIGURATION.format(folder=folder)
    if network:
        made.ports = {way: free_port() for way in ("udp", "tcp")}
        text += NETWORK.format(folder=folder, **made.ports)
    configuration.write_text(text)
    words = ["/usr/sbin/rsyslogd", "-n", "-iNONE", "-f", str(configuration)]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        until(socket.exists, "rsyslogd does not listen")
        yield made
    finally:
        process.terminate()
        process.wait()
