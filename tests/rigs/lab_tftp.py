"""The lab's TFTP server as a process: `lab_tftp.py HOST PORT DIRECTORY`, until SIGTERM.

Stands in for tftpd-hpa, which starts as root only.
"""

import signal
import sys
from pathlib import Path

from cucmsh.tftp.server import TftpServer


def main() -> None:
    host, port, directory = sys.argv[1:]
    server = TftpServer(host, int(port), Path(directory))
    server.start()
    signal.sigwait([signal.SIGTERM])
    server.stop()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    main()
