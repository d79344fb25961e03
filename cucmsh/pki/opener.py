"""Opens one PKCS#12 in a process of its own: ``python -I -m cucmsh.pki.opener``.

Standard input: the password's length in bytes, a line feed, the password, the file.
Standard output and exit status:

* 0: ``sound`` or ``legacy``, a line feed, the key and its certificate as PEM
* 3: the reason of a refusal, a line feed, what to do about it
* 2: the input is not of that form

A hostile file can keep OpenSSL busy, eat memory, or worse, here and nowhere else
(threats-and-faults.md T27). The limits are in force before the first byte is read or
``cryptography`` imported. Opens no file and leaves none: no core dump either.
"""

from __future__ import annotations

import ctypes
import resource
import sys

from cucmsh.errors import KeyFileError

SECONDS = 10  # of the processor here, of the wall clock in ``foreign``
# Bytes of address space. Opening a 4,096-bit key takes 40 MiB (measured).
MEMORY = 256 << 20
MAX_ANSWER = 16 * 1024  # bytes; a 4,096-bit key and its certificate have 5,200
SOUND, LEGACY = b"sound", b"legacy"
REFUSED, MISUSED = 3, 2
_PR_SET_DUMPABLE = 4  # prctl(2): no core dump, and /proc/PID is root's


def confine(seconds: int = SECONDS) -> None:
    """Give up what opening a key file does not take."""
    for what, limit in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, MAX_ANSWER),
    ):
        resource.setrlimit(what, (limit, limit))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def open_one(request: bytes) -> tuple[int, bytes]:
    """The exit status and the answer to ``request``."""
    from cucmsh.pki.gate import inspect  # noqa: PLC0415 - after confine()
    from cucmsh.pki.pkcs12 import read_key_file  # noqa: PLC0415

    length, _, rest = request.partition(b"\n")
    if not length.isdigit() or len(length) > 5:
        return MISUSED, b""
    password, raw = rest[: int(length)], rest[int(length) :]
    try:
        kind = LEGACY if inspect(raw).is_legacy else SOUND
        credential = read_key_file(raw, password.decode())
    except KeyFileError as refusal:
        return REFUSED, f"{refusal.message}\n{refusal.advice}".encode()
    return 0, kind + b"\n" + credential.to_pem()


def main() -> int:
    confine()
    status, answer = open_one(sys.stdin.buffer.read())
    sys.stdout.buffer.write(answer)
    return status


if __name__ == "__main__":
    sys.exit(main())
