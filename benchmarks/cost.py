"""What a program costs, its children included: run by ``fan_out`` as a small parent.

    python -I -S cost.py WORDS...

A process begins its peak of memory with that of its parent, so the parent has to be
small. Passes standard input and output on; the figures go to descriptor 3 as JSON:
``wall`` and ``cpu`` in seconds, ``rss`` of the largest process in MiB, ``status``.
"""

import json
import os
import resource
import sys
import time


def main() -> int:
    before = time.perf_counter()
    child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
    _, status = os.waitpid(child, 0)
    wall = time.perf_counter() - before
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "rss": used.ru_maxrss / 1024,
        "status": os.waitstatus_to_exitcode(status),
    }
    os.write(3, json.dumps(figures).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
