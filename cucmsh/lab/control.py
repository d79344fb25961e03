"""The lab's service manager, asked, as ``python -I -m cucmsh.lab.control``.

Its words are ``SOCKET SERVICE VERB``; the service is ``tftp`` or ``tvs``.

What the commands of a lab node's services run, in place of systemctl. The node's
process does the work, so killing the asker leaves no service down. Exit status 0 for
done (for ``status``: it runs), 1 with a line on standard error otherwise. ``serve`` is
a start without the hooks, for a lab that was put back.
"""

from __future__ import annotations

import sys
from socket import SHUT_WR

from cucmsh.lab.unix_socket import connected

NOT_RUNNING = "not running"  # what a node answers of a service
VERBS = ("start", "stop", "restart", "status")
SERVE = "serve"


def ask(path: str, service: str, verb: str) -> str:
    """The node's answer: empty for done, else what is wrong."""
    try:
        with connected(path) as asking:
            asking.sendall(f"{service} {verb}".encode())
            asking.shutdown(SHUT_WR)
            answer = b""
            while piece := asking.recv(4096):
                answer += piece
    except OSError as problem:
        return f"the node does not run: {problem.strerror}"
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
