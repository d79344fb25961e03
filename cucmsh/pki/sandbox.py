"""Opens a key file that came from outside, by a process that can be killed.

``sandbox_worker`` does the work in a process of its own, with limits on time and
memory. This module hands it the file, by a function that the caller gives, and checks
its answer: the size, the key, and that key and certificate belong together.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from cucmsh.errors import (
    CertificateError,
    KeyFileError,
    ServiceError,
    WrongPasswordError,
)
from cucmsh.pki.credential import Credential, read_imported, read_with_certificates
from cucmsh.pki.model import Certificate
from cucmsh.pki.pkcs12_limits import MAX_KEY_FILE_SIZE, too_large
from cucmsh.pki.sandbox_worker import (
    ANY,
    LEGACY,
    MAX_ANSWER,
    OTHER_FORM,
    REFUSED,
    SECONDS,
    SOUND,
    WRONG_PASSWORD,
)
from cucmsh.secret import Secret

# -I: nothing of the environment, the working directory or the user's own site.
OPENER = (sys.executable, "-I", "-m", "cucmsh.pki.sandbox_worker")
# Characters of a refusal that are shown, and of its advice, which may hold a command.
MAX_REASON, MAX_ADVICE = 200, 400
_STOPPED = {128 + signal.SIGKILL, 128 + signal.SIGXCPU}


# Runs words with bytes on standard input and kills them after so many seconds; gives
# the exit status (128 + n for signal n) and what they wrote.
Feed = Callable[[Sequence[str], bytes, float], tuple[int, bytes]]


class ImportedKey(NamedTuple):
    """What a key file from outside holds.

    Attributes:
        credential: the key and its certificate.
        is_legacy: as in ``pkcs12_limits.Protection``.
        is_der: the file is DER and nothing else, no BER, PEM, base64 or padding.
    """

    credential: Credential
    is_legacy: bool
    is_der: bool = True


def open_in_sandbox(
    raw: bytes,
    password: Secret,
    feed: Feed,
    opener: Sequence[str] = OPENER,
    seconds: float = SECONDS,
) -> ImportedKey:
    """The key in ``raw``, which ``password`` opens.

    Args:
        raw: the file, as it came.
        password: goes to the opener's standard input, and nowhere else.
        feed: how to run it.
        opener: what to run.
        seconds: until it is killed.

    Raises:
        WrongPasswordError: the file opens with another password.
        KeyFileError: refused by ``pkcs12_limits`` or ``pkcs12``; not open in time;
            an opener that failed, or answered what cannot be.
    """
    kind, pem = _opened(raw, password, feed, opener, seconds)
    with _usable():
        return ImportedKey(read_imported(pem), kind == LEGACY, kind != OTHER_FORM)


def open_any_in_sandbox(
    raw: bytes, password: Secret, known: Iterable[Certificate], feed: Feed
) -> tuple[Credential, ...]:
    """The key in ``raw``, PKCS#12 or PEM, once with each certificate that it has.

    Args:
        raw: the file, as it came.
        password: see ``open_in_sandbox``; empty for a key in PEM that has none.
        known: certificates that may be the key's, besides those in the file.
        feed: how to run the opener.

    Raises:
        WrongPasswordError: the file opens with another password.
        KeyFileError: as ``open_in_sandbox``; or the key has no certificate at all.
    """
    _, pem = _opened(raw, password, feed, (*OPENER, ANY), SECONDS)
    with _usable():
        return read_with_certificates(pem, known)


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except CertificateError as problem:
        raise KeyFileError(
            f"the key file is not usable: {problem.message}", problem.advice
        ) from problem


def _opened(
    raw: bytes, password: Secret, feed: Feed, opener: Sequence[str], seconds: float
) -> tuple[bytes, bytes]:
    """The opener's word for the file, and what it took out of it."""
    if len(raw) > MAX_KEY_FILE_SIZE:
        raise too_large(len(raw))
    try:
        secret = password.reveal().encode()
    except UnicodeEncodeError as problem:
        raise WrongPasswordError(
            "the password is no text in UTF-8, which the passwords of key files are",
            "Type it again.",
        ) from problem
    try:
        status, answer = feed(opener, b"%d\n%b%b" % (len(secret), secret, raw), seconds)
    except ServiceError as problem:
        raise KeyFileError(
            f"the key file cannot be opened: {problem.message}"
        ) from problem
    if status in _STOPPED:
        raise KeyFileError(
            f"the key file took longer than {seconds:g} seconds to open and was "
            "given up",
            "Take the file from a server that you trust.",
        )
    if status in (REFUSED, WRONG_PASSWORD):
        raise _refusal(answer, is_wrong=status == WRONG_PASSWORD)
    kind, _, pem = answer.partition(b"\n")
    if (
        status != 0
        or kind not in (SOUND, OTHER_FORM, LEGACY)
        or len(answer) > MAX_ANSWER
    ):
        raise KeyFileError(
            f"the key file cannot be opened: its opener failed (exit status {status})",
            f"Try it: {' '.join(OPENER)} must end with exit status 2.",
        )
    return kind, pem


def _refusal(answer: bytes, *, is_wrong: bool) -> KeyFileError:
    """Two lines: what is wrong, what to do. Only what can be shown is."""
    message, _, advice = answer.decode(errors="replace").partition("\n")
    error = WrongPasswordError if is_wrong else KeyFileError
    return error(
        _shown(message, MAX_REASON) or "the key file does not open",
        _shown(advice, MAX_ADVICE),
    )


def _shown(text: str, most: int) -> str:
    return "".join(letter for letter in text[:most] if letter.isprintable())
