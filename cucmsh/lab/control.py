"""The lab's service manager, asked, as ``python -I -m cucmsh.lab.control``.

Its words are ``SOCKET SERVICE VERB``; the service is ``tftp`` or ``tvs``.

What the commands of a lab node's services run, in place of systemctl. The node's
process does the work, so killing the asker leaves no service down. Exit status 0 for
done (for ``status``: it runs), 1 with a line on standard error otherwise. ``serve`` is
a start without the hooks, for a lab that was put back.
"""

from __future__ import annotations

import os
import socket
import sys

NOT_RUNNING = "not running"  # what a node answers of a service
VERBS = ("start", "stop", "restart", "status")
SERVE = "serve"


def bound_name(path: str) -> tuple[str, int]:
    """A short name for a Unix socket, which may have 107 bytes only.

    Returns:
        The name, through a descriptor of its folder, and that descriptor.
    """
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    return f"/proc/self/fd/{folder}/{os.path.basename(path)}", folder


def ask(path: str, service: str, verb: str) -> str:
    """The node's answer: empty for done, else what is wrong."""
    name, folder = bound_name(path)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.connect(name)
            asking.sendall(f"{service} {verb}".encode())
            asking.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := asking.recv(4096):
                answer += piece
    except OSError as problem:
        return f"the node does not run: {problem.strerror}"
    finally:
        os.close(folder)
    text = answer.decode()
    return "" if text == "done" else text or "the node ended"


def main() -> int:
    path, service, verb = sys.argv[1:]
    problem = ask(path, service, verb)
    if problem:
        sys.stderr.write(f"{problem}\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
