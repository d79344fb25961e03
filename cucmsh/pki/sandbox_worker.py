"""Opens one key file in a process of its own (``-m cucmsh.pki.sandbox_worker``).

A PKCS#12; with the word ``any`` behind the module's name a key in PEM, too, which may
come without a certificate.

Standard input: the password's length in bytes, a line feed, the password, the file.
Standard output and exit status:

* 0: ``sound``, ``form`` or ``legacy``, a line feed, the key and its certificate as PEM;
  ``form``: the file was something else than plain DER
* 3: the reason of a refusal, a line feed, what to do about it; 4: the same, where the
  file opens with another password
* 2: the input is not of that form

A hostile file can keep OpenSSL busy, eat memory, or worse, here and nowhere else
(docs/security.md T27). The limits are in force before the first byte is read or
``cryptography`` imported. Opens no file and leaves none: no core dump either.
"""

from __future__ import annotations

import ctypes
import resource
import sys

from cucmsh.errors import KeyFileError, WrongPasswordError

SECONDS = 10  # of the processor here, of the wall clock in ``sandbox``
# Bytes of address space. Opening a 4,096-bit key takes 40 MiB (measured).
MEMORY = 256 << 20
MAX_ANSWER = 16 * 1024  # bytes; a 4,096-bit key and its certificate have 5,200
SOUND, OTHER_FORM, LEGACY = b"sound", b"form", b"legacy"
REFUSED, WRONG_PASSWORD, MISUSED = 3, 4, 2
ANY = "any"  # of the command line
_PR_SET_DUMPABLE = 4  # prctl(2): no core dump, and /proc/PID is root's


def confine(seconds: int = SECONDS) -> None:
    """Limit this process to what opening a key file takes."""
    for what, limit in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, MAX_ANSWER),
    ):
        resource.setrlimit(what, (limit, limit))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def open_one(request: bytes, *, takes_pem: bool = False) -> tuple[int, bytes]:
    """The exit status and the answer to ``request``."""
    length, _, rest = request.partition(b"\n")
    if not length.isdigit() or len(length) > 5:
        return MISUSED, b""
    password, raw = rest[: int(length)], rest[int(length) :]
    try:
        kind, pem = (_open_any if takes_pem else _open)(raw, password.decode())
    except KeyFileError as refusal:
        is_wrong = isinstance(refusal, WrongPasswordError)
        status = WRONG_PASSWORD if is_wrong else REFUSED
        return status, f"{refusal.message}\n{refusal.advice}".encode()
    return 0, kind + b"\n" + pem


def _open(raw: bytes, password: str) -> tuple[bytes, bytes]:
    from cucmsh.pki import pkcs12, pkcs12_limits, wrapping  # noqa: PLC0415 - after confine()

    inner = wrapping.unwrap(raw)
    try:
        seen = pkcs12_limits.inspect(inner)
    except pkcs12_limits.UnreadableKeyFileError as unreadable:
        # OpenSSL has the last word on what a PKCS#12 is; the limits hold anyway.
        try:
            return LEGACY, pkcs12.open_bundle(inner, password).credential.to_pem()
        except KeyFileError:
            raise unreadable from None
    bundle = pkcs12.open_bundle(inner[: seen.size], password)
    is_der = bundle.is_der and raw == inner[: seen.size]
    kind = LEGACY if seen.is_legacy else SOUND if is_der else OTHER_FORM
    return kind, bundle.credential.to_pem()


def _open_any(raw: bytes, password: str) -> tuple[bytes, bytes]:
    from cucmsh.pki import pem_key  # noqa: PLC0415 - after confine()

    if pem_key.is_pem_key(raw):
        return SOUND, pem_key.open_pem(raw, password)
    return _open(raw, password)


def main() -> int:
    confine()
    takes_pem = sys.argv[1:] == [ANY]
    status, answer = open_one(sys.stdin.buffer.read(), takes_pem=takes_pem)
    sys.stdout.buffer.write(answer)
    return status


if __name__ == "__main__":
    sys.exit(main())
