"""Kamailio that takes every REGISTER and REFER, and mirrors all it sees by HEP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.rigs.loopback import LOOPBACK, free_port
from tests.rigs.waiting import until

CONFIGURATION = """\
#!KAMAILIO
debug=0
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
listen=udp:{host}:{port}
listen=tcp:{host}:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "siptrace.so"
modparam("siptrace", "duplicate_uri", "sip:{host}:{hep}")
modparam("siptrace", "hep_mode_on", 1)
modparam("siptrace", "hep_version", 3)
modparam("siptrace", "trace_to_database", 0)
modparam("siptrace", "trace_on", 1)
modparam("siptrace", "trace_mode", 1)
request_route {{
    if (method == "REGISTER") {{ sl_send_reply("200", "OK"); exit; }}
    sl_send_reply("202", "Accepted");
}}
"""


@contextmanager
def kamailio(folder: Path, hep_port: int, port: int = 0) -> Iterator[int]:
    """For the body; gives its port, UDP and TCP.

    Args:
        folder: for its files.
        hep_port: where HEP packets go, on 127.0.0.1.
        port: where it listens; 0 for any.
    """
    port = port or free_port()
    configuration = folder / "kamailio.cfg"
    configuration.write_text(
        CONFIGURATION.format(host=LOOPBACK, port=port, hep=hep_port)
    )
    words = ["/usr/sbin/kamailio", "-DD", "-E", "-f", str(configuration)]
    words += ["-Y", str(folder), "-m", "16", "-M", "4", "-w", str(folder)]
    log = (folder / "kamailio.log").open("wb")
    process = subprocess.Popen(
        words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        until(lambda: _answers(port, process, folder), "Kamailio does not answer")
        yield port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        log.close()


def _answers(port: int, process: subprocess.Popen[bytes], folder: Path) -> bool:
    assert process.poll() is None, (folder / "kamailio.log").read_text()
    with socket.socket() as asking:
        return asking.connect_ex((LOOPBACK, port)) == 0
