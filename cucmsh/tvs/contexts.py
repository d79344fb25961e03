"""What a TVS shows itself with, and which versions of TLS it speaks.

Two Pythons have two defaults: Debian's serves RSA key exchange and has no least
version, one from source serves neither RSA key exchange nor TLS 1.1. So the least
version and the cipher list are always set. Level 2 of OpenSSL refuses what no current
peer offers; TLS 1.0 and 1.1 sign with MD5 and SHA-1, which level 0 alone allows.
"""

from __future__ import annotations

import os
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from cucmsh.errors import CertificateError

TlsMinimum = Literal["1.0", "1.1", "1.2", "1.3"]

_LEVEL_2 = "DEFAULT:@SECLEVEL=2"
_LEVEL_0 = "DEFAULT:@SECLEVEL=0"
_VERSIONS: dict[TlsMinimum, ssl.TLSVersion] = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_Stamp = tuple[int, int, int, int]

# OpenSSL keeps each session for a client that may come back with its number, and phones
# never do; Python has no switch for that. A context takes them along when it goes.
HANDSHAKES_PER_CONTEXT = 1_000


class Identity(NamedTuple):
    """What the server shows itself with.

    Attributes:
        pair: a PEM file with the private key and its certificate. Looked at before
            each handshake: another pair that is put there is served from then on.
        tls_minimum: "1.2"; or "1.0" for 79xx and 894x phones. It and "1.1" are the
            protocol and OpenSSL's security level 0, of this server alone.
        present_minimum: asked before each handshake, where it may change while the
            server runs; None: it stays.
    """

    pair: Path
    tls_minimum: TlsMinimum = "1.2"
    present_minimum: Callable[[], TlsMinimum] | None = None


class Contexts:
    """The context of the next handshake: fresh where the pair's file is another.

    Args:
        identity: the pair and the least version.
        log: takes one line where a pair cannot be served. The one before stays.

    Raises:
        CertificateError: there is no pair that can be served to begin with.
    """

    def __init__(self, identity: Identity, log: Callable[[str], None]) -> None:
        self._identity = identity
        self._log = log
        self._seen = self._stamp()
        self._context = server_context(identity)
        self._handshakes = 0

    def for_handshake(self) -> ssl.SSLContext:
        stamp = self._stamp()
        present = self._identity.present_minimum
        minimum = present() if present else self._identity.tls_minimum
        if minimum != self._identity.tls_minimum:
            self._identity = self._identity._replace(tls_minimum=minimum)
            self._renew(f"It speaks TLS {minimum} or newer from now on.")
        if stamp != self._seen:
            self._seen = stamp
            self._renew("It serves another certificate from now on.")
        elif self._handshakes >= HANDSHAKES_PER_CONTEXT:
            self._renew("")
        self._handshakes += 1
        return self._context

    def _renew(self, done: str) -> None:
        self._handshakes = 0
        try:
            self._context = server_context(self._identity)
        except CertificateError as problem:
            self._log(f"{problem.message} It goes on with the one before.")
        else:
            if done:
                self._log(done)

    def _stamp(self) -> _Stamp | None:
        """Of the pair's file; another one has another, None stands for no file."""
        try:
            found = os.stat(self._identity.pair)
        except OSError:
            return None
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def server_context(identity: Identity) -> ssl.SSLContext:
    """A context with the pair in it.

    No context that is in use is ever changed: one whose new key does not fit loses both
    halves of its pair. Clients are not asked for a certificate: OpenSSL would check it,
    and phones' certificates have issuers that nobody here knows.

    Raises:
        CertificateError: the file cannot be read, holds no pair, or one that security
            level 2 refuses (RSA below 2048 bits).
    """
    context = _with_pair(identity.pair)
    if identity.tls_minimum in ("1.0", "1.1"):
        context.set_ciphers(_LEVEL_0)
    with warnings.catch_warnings():  # an old version is named, and meant
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[identity.tls_minimum]
    return context


def _with_pair(pair: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(_LEVEL_2)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    try:
        context.load_cert_chain(pair, password=_no_password)
    except ssl.SSLError as problem:
        raise CertificateError(
            f"{pair} cannot be served by TVS: {_why(problem)}.", _ADVICE
        ) from problem
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or "its key has a password"
        raise CertificateError(
            f"{pair} cannot be read by TVS: {reason}.", _ADVICE
        ) from problem
    return context


_ADVICE = (
    "Make another with `set cert regen TVS`, and look at `cucmsh doctor`; the account "
    "that runs TVS must be able to read it."
)


def _no_password() -> str:
    """Asked for by OpenSSL, which would ask at the terminal else."""
    raise ValueError


def _why(problem: ssl.SSLError) -> str:
    reasons = {
        "KEY_VALUES_MISMATCH": "the key belongs to another certificate",
        "KEY_TYPE_MISMATCH": "the key belongs to another certificate",
        "EE_KEY_TOO_SMALL": "the key is too small; RSA keys have 2048 bits at least",
        "CA_MD_TOO_WEAK": "its certificate is signed with a digest that is too weak",
        "NO_START_LINE": "it is no PEM file",
    }
    reason = problem.reason or ""
    return reasons.get(reason, "it holds no key with its certificate")


def client_context(*, is_old: bool) -> ssl.SSLContext:
    """A context that takes any certificate: the list that is held says who is TVS.

    Args:
        is_old: TLS 1.0 and nothing newer, else TLS 1.2 or newer.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if is_old:
        context.set_ciphers(_LEVEL_0)
        with warnings.catch_warnings():  # an old version is named, and meant
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1
    else:
        context.set_ciphers(_LEVEL_2)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


_SAID = {
    "UNSUPPORTED_PROTOCOL": "it speaks no version of TLS that is allowed here",
    "NO_PROTOCOLS_AVAILABLE": "it speaks no version of TLS that is allowed here",
    "VERSION_TOO_LOW": "it speaks no version of TLS that is allowed here",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it allows no version of TLS that is spoken here",
    "NO_SHARED_CIPHER": "it offers no cipher that is allowed here",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "it offers no signature that is allowed here",
    "HTTP_REQUEST": "it speaks HTTP, not TLS",
    "HTTPS_PROXY_REQUEST": "it speaks HTTP, not TLS",
    "WRONG_VERSION_NUMBER": "what it sends is no TLS",
    "UNKNOWN_PROTOCOL": "what it sends is no TLS",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not take this server's certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not take this server's certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not take this server's certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it does not take this server's certificate",
    "TLSV1_ALERT_NO_RENEGOTIATION": "it does not negotiate anew",
}


def reason_of(problem: ssl.SSLError) -> str:
    """Why a handshake or a connection broke, in words about the other side."""
    reason = problem.reason or "TLS broke"
    return _SAID.get(reason, reason.lower().replace("_", " "))
