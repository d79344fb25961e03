"""TLS towards servers of others: verified, unless the configuration says otherwise."""

from __future__ import annotations

import ssl

from cucmsh.errors import ConfigurationError


def client_context(*, verify: bool, ca_file: str) -> ssl.SSLContext:
    """What a connection to such a server is made with.

    Args:
        verify: whether its certificate must be trusted, and name it.
        ca_file: PEM, of those who are trusted; empty for the system's.

    Raises:
        ConfigurationError: that file cannot be read, or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as problem:  # an SSLError is one, too
        said = problem.strerror or "it holds no certificate"
        raise ConfigurationError(f"{ca_file}: {said}") from problem
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def why_not(problem: OSError) -> str:
    """What a failed connection says of itself, for people."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {problem.verify_message}"
    if isinstance(problem, ssl.SSLError):
        return f"TLS: {problem.reason or problem}".replace("_", " ").lower()
    if isinstance(problem, TimeoutError):
        return "it does not answer"
    return problem.strerror or str(problem) or type(problem).__name__
