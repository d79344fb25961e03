"""Makes system calls of the shell fail, from its first question on (strace(1)).

``strace`` is attached while the program waits for its first answer, so that no call of
the start-up is counted. Its counters are for each thread: the n-th call of a name is
that of the first thread that gets there.
"""

from __future__ import annotations

import subprocess

from tests.faults.cluster import ANSWERS, RESET, Cluster, Result
from tests.rigs.waiting import until

QUESTION = "password :"


def call_with(
    cluster: Cluster, *inject: str, line: str = RESET, answers: str = ANSWERS
) -> Result:
    """Run a command on the publisher with calls that fail.

    Args:
        cluster: the cluster.
        inject: such as ``fsync:error=EIO:when=1``.
        line: the command; it asks for a password first.
        answers: a line each.
    """
    running = cluster.start_words(cluster.words(line), None)
    until(lambda: QUESTION in running.said, "it does not ask")
    log = cluster.folder / "said" / "strace"
    log.unlink(missing_ok=True)
    words = ["strace", "-f", "-b", "execve", "-o", str(log), "-e"]
    names = sorted({entry.partition(":")[0] for entry in inject})
    words.append(f"trace={','.join(names)}")
    for entry in inject:
        words += ["-e", f"inject={entry}"]
    words += ["-p", str(running.process.pid)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracing:
        assert tracing.stderr is not None
        line = tracing.stderr.readline()
        assert "attached" in line, line
        running.answer(answers)
        result = running.end()
        tracing.stderr.read()
    return result


def was_injected(cluster: Cluster) -> bool:
    """Whether a call of the last ``call_with`` really failed."""
    log = cluster.folder / "said" / "strace"
    return "(INJECTED)" in log.read_text()
