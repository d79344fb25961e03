"""syslog-ng with a socket, ports and a file of its own.

It cannot be installed beside rsyslog, so ``tests/run`` unpacks it with its libraries.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.rigs.loopback import LOOPBACK, free_port, listens
from tests.rigs.waiting import until

DEBIAN = Path(__file__).parents[2] / ".venv-test/debian"
LIBRARIES = ("x86_64-linux-gnu", "syslog-ng", "syslog-ng/3.38")
CONFIGURATION = """\
@version: 3.38
options {{ keep-hostname(yes); }};
source s_local {{ unix-dgram("{folder}/log"); }};
source s_udp {{ syslog(transport("udp") ip("127.0.0.1") port({udp})); }};
source s_tcp {{ syslog(transport("tcp") ip("127.0.0.1") port({tcp})); }};
source s_tls {{ syslog(transport("tls") ip("127.0.0.1") port({tls}) tls(
    key-file("{key}") cert-file("{certificate}") peer-verify(optional-untrusted))); }};
destination d_all {{ file("{folder}/messages"
    template("$HOST|$PROGRAM|$PID|$FACILITY|$LEVEL|$MSGID|$SDATA|$MSG\\n")); }};
destination d_stock {{ file("{folder}/stock"); }};
log {{ source(s_local); source(s_udp); source(s_tcp); source(s_tls);
    destination(d_all); destination(d_stock); }};
"""


class SyslogNg(NamedTuple):
    """One daemon.

    Attributes:
        socket: the local one.
        ports: of ``udp``, ``tcp`` and ``tls``.
        messages: host, program, pid, facility, level, id, data and text of each.
        stock: the file as Debian's configuration writes it.
    """

    socket: Path
    ports: dict[str, int]
    messages: Path
    stock: Path

    def wait_for(self, text: str) -> list[str]:
        """Until both files hold that text; the messages so far."""

        def is_there() -> bool:
            files = (self.messages, self.stock)
            return all(each.exists() and text in each.read_text() for each in files)

        until(is_there, f"syslog-ng never wrote {text}")
        return self.messages.read_text().splitlines()


@contextmanager
def syslog_ng(folder: Path, key: Path, certificate: Path) -> Iterator[SyslogNg]:
    """A daemon of its own, for the body."""
    folder.mkdir()
    ports = {way: free_port() for way in ("udp", "tcp", "tls")}
    configuration = folder / "syslog-ng.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=folder, key=key, certificate=certificate, **ports)
    )
    libraries = DEBIAN / "usr/lib"
    words = [
        *(DEBIAN / "usr/sbin/syslog-ng", "--foreground", "--no-caps", "--stderr"),
        *("--cfgfile", configuration, "--persist-file", folder / "persist"),
        *("--control", folder / "control", "--pidfile", folder / "pid"),
        *("--module-path", libraries / "syslog-ng/3.38"),
    ]
    path = ":".join(str(libraries / each) for each in LIBRARIES)
    said = folder / "stderr"
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            [str(word) for word in words],
            env={"LD_LIBRARY_PATH": path},
            stderr=stderr,
        )
    try:
        socket = folder / "log"

        def is_up() -> bool:  # the port of TLS is the last that it opens
            return process.poll() is not None or listens(LOOPBACK, ports["tls"])

        until(is_up, "syslog-ng does not listen")
        assert process.poll() is None, said.read_text()
        yield SyslogNg(socket, ports, folder / "messages", folder / "stock")
    finally:
        process.terminate()
        process.wait()
