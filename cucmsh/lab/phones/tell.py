"""A phone of the lab told to reset or restart: ``python -I -m cucmsh.lab.phones.tell``.

Its words are ``SOCKET VERB NAME``. What ``utils phone reset`` runs in the lab, where no
call manager sends a NOTIFY. It does not wait until the phone has started. Exit status 0
for told, 1 with a line on standard error otherwise.
"""

from __future__ import annotations

import json
import sys

from cucmsh.lab.unix_socket import connected

SECONDS = 10.0
LONGEST = 1 << 20


def tell(path: str, verb: str, phone: str) -> str:
    """Empty once it is told, else what is wrong."""
    try:
        with connected(path, SECONDS) as asking:
            asking.sendall(_request("list", phone))
            with asking.makefile("rb") as stream:
                answer = json.loads(stream.readline(LONGEST) or b"{}")
            (found,) = answer.get("phones") or [{}]
            if "error" in answer or not found:
                return str(answer.get("error", "the lab's phones broke off"))
            if not found["is_plugged"]:
                return f"{phone} has no power"
            asking.sendall(_request(verb, phone))
    except OSError as problem:
        return f"the lab has no phones: {problem.strerror}"
    except (ValueError, KeyError):
        return "the lab's phones broke off"
    return ""


def _request(verb: str, phone: str) -> bytes:
    return json.dumps({"verb": verb, "names": [phone]}).encode() + b"\n"


def main() -> int:
    path, verb, phone = sys.argv[1:]
    problem = tell(path, verb, phone)
    if problem:
        sys.stderr.write(f"{problem}\n")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
