"""Looks for a regular expression in texts (``-m cucmsh.storage.search_worker``).

A process of its own: an expression can be made to take for ever, or all memory there
is, and then this process ends and no shell does. Opens no file.

Standard input: a line of JSON (``expression``, ``ignores_case``, ``sizes``), then the
texts, so many bytes each. Standard output and exit status:

* 0: JSON: ``found``, for each text the numbers of its lines, from 0; ``is_cut``,
  whether there are more
* 3: why the expression cannot be read
"""

from __future__ import annotations

import json
import re
import resource
import sys

SECONDS = 5  # of the processor here, of the wall clock in ``search``
MEMORY = 512 << 20  # bytes of address space; the texts are a sixteenth of it
MOST_LINES = 10_000
REFUSED = 3


def confine() -> None:
    """Limit this process to what looking through such texts takes."""
    for what, limit in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def look(request: bytes) -> tuple[int, str]:
    """The exit status and the answer to ``request``."""
    head, _, texts = request.partition(b"\n")
    asked = json.loads(head)
    try:
        flags = re.IGNORECASE if asked["ignores_case"] else re.NOFLAG
        expression = re.compile(asked["expression"], flags)
    except (re.error, OverflowError, RecursionError) as problem:
        return REFUSED, str(problem)
    found, left, at = [], MOST_LINES, 0
    for size in asked["sizes"]:
        numbers = []
        for number, line in enumerate(texts[at : at + size].splitlines()):
            text = line.decode("utf-8", "surrogateescape")
            if left and expression.search(text):
                numbers.append(number)
                left -= 1
        found.append(numbers)
        at += size
    return 0, json.dumps({"found": found, "is_cut": not left})


def main() -> int:
    """Answer what stands on standard input."""
    confine()
    status, answer = look(sys.stdin.buffer.read())
    sys.stdout.write(answer)
    return status


if __name__ == "__main__":
    sys.exit(main())
