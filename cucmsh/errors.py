"""Every error that a person can see. Imports nothing, prints nothing.

An error says what is wrong; its ``advice`` says what to do about it. Library errors
become one of these at their door, once, with ``raise ... from``::

    CucmshError                     exit status 1: refused or failed, nothing changed
     +- UsageError                  exit status 2: unknown, incomplete or bad words
     |   +- NamingError             a name that no host, domain or subject can have
     +- ConfigurationError          exit status 2: names the file and the dotted key
     +- CommandClashError           two commands with one phrase, or a stranger's pack
     |   +- PackError               a pack that cannot be loaded, or must not be
     +- TrustListError              bytes that are no trust list; carries the offset
     +- TvsError                    bytes that are no TVS message, or no TVS answered
     +- PhoneFileError              bytes that are no configuration of a phone
     +- SignatureError              a key, a signature or a signer that does not fit
     +- PageError                   bytes that are no page of a phone
     +- CertificateError            bytes that are no certificate or private key
     +- KeyFileError                a key file that does not open, or holds other things
     |   +- WrongPasswordError      it opens with another password than the one given
     +- RefusedError                a rule of the cluster forbids it
     |   +- BusyError               somebody else holds the lock
     |   +- CancelledError          the person said no, or Ctrl-C, or Ctrl-D
     +- StoreError                  a file could not be read or written
     |   +- MissingFileError        it is not there
     +- ExhaustedError              no thread, memory or descriptor is left here
     +- HalfDoneError               exit status 3: a change broke off, unforeseen
     +- ServiceError                a service command failed
     +- BrokenProgramError          a module of ours or of a library cannot be loaded
     +- ConnectionFailedError       a host that cannot be reached or that broke off
         +- NoAnswerError           it did not answer in time: trying again costs again
         +- HostKeyError            a host key that is unknown, refused or changed
         +- AuthenticationError     the host does not accept the password or key

Exit statuses are those of docs/decisions/003; 3 (partly done) is a report, and an
error only where a change broke off.
"""

from __future__ import annotations

REINSTALL = (
    "As root, install cucmsh anew under `umask 022` (docs/production.md, step 2)."
)


def one_line(text: str) -> str:
    """The text without line ends: what a program, a host or a file name says of itself.

    What is a line of ours stays one, whatever it quotes.
    """
    return text if text.isprintable() else " ".join(text.splitlines())


class CucmshError(Exception):
    """The root: ``message`` says what is wrong, ``advice`` (if any) what to do.

    A message is one line, whatever other people's text is in it. ``kind`` is the word
    by which programs know it (``error.kind`` of their JSON, docs/programs.md#errors);
    an error of a room's own has its parent's.
    """

    kind = "failed"
    exit_status = 1
    is_one_line = True

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = one_line(message) if self.is_one_line else message
        self.advice = advice


class UsageError(CucmshError):
    """The words typed are unknown, incomplete or not of the right kind."""

    kind = "usage"
    exit_status = 2
    is_one_line = False  # some of the original's texts have two


class NamingError(UsageError):
    """A host name, domain or certificate subject that cannot be; form in the advice."""

    kind = "name"


class ConfigurationError(CucmshError):
    """The configuration is missing, unreadable or describes no possible cluster."""

    kind = "configuration"
    exit_status = 2


class CommandClashError(CucmshError):
    """Two commands share a phrase, or the built-in pack is not what it should be."""

    kind = "command-clash"


class PackError(CommandClashError):
    """A command pack cannot be loaded, or lies where it must not be loaded from."""

    kind = "pack"


class TrustListError(CucmshError):
    """The bytes are no trust list.

    Args:
        message: what is wrong.
        offset: where, in bytes from the start of the file.
    """

    kind = "trust-list"

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(
            f"{message} (at byte {offset})",
            "The file is not a whole ITL, CTL or signed file; take another copy of it.",
        )
        self.offset = offset


class TvsError(CucmshError):
    """The bytes are no message of TVS, or a TVS gave no answer that can be used."""

    kind = "tvs"


class PhoneFileError(CucmshError):
    """The bytes are no configuration of a phone; where they came from is not said."""

    kind = "phone-file"


class SignatureError(CucmshError):
    """A signature could not be made, or a signer does not fit its list."""

    kind = "signature"


class PageError(CucmshError):
    """The bytes are no page of a phone: too many, a DTD, or nothing that one says."""

    kind = "phone-page"


class CertificateError(CucmshError):
    """The bytes are no certificate, no private key, or the two are no pair."""

    kind = "certificate"


class KeyFileError(CucmshError):
    """A PKCS#12 key file does not open or does not hold what it should."""

    kind = "key-file"


class WrongPasswordError(KeyFileError):
    """The key file opens with another password than the one that was given."""

    kind = "wrong-password"


class RefusedError(CucmshError):
    """A rule of the cluster forbids the change; nothing was changed."""

    kind = "refused"


class BusyError(RefusedError):
    """Somebody else is changing the same thing; nothing was changed."""

    kind = "busy"


class CancelledError(RefusedError):
    """The person ended the command at a question; nothing was changed."""

    kind = "cancelled"


class StoreError(CucmshError):
    """A file could not be read, written, listed or removed."""

    kind = "file"


class MissingFileError(StoreError):
    """The file is not there."""

    kind = "missing-file"


class ExhaustedError(CucmshError):
    """This machine, or this account, has no thread, memory or descriptor left."""

    kind = "exhausted"


class ServiceError(CucmshError):
    """A service command failed, timed out or is not configured."""

    kind = "service"


class HalfDoneError(CucmshError):
    """A change broke off when it could have changed something, or had."""

    kind = "half-done"
    exit_status = 3


class BrokenProgramError(CucmshError):
    """A module cannot be loaded: missing, unreadable, torn, or of other libraries."""

    kind = "broken-program"

    def __init__(self, error: BaseException) -> None:
        kind = type(error).__name__
        super().__init__(f"cucmsh cannot be loaded: {kind}: {error}", REINSTALL)


def is_import_failure(error: BaseException) -> bool:
    """Whether an exception of any kind came out of loading a module.

    A torn bytecode file raises ValueError or EOFError, an unreadable one OSError, and
    a library of another version what it likes while its modules run.
    """
    if isinstance(error, (ImportError, SyntaxError)):
        return True
    place = error.__traceback__  # begins where it was caught, so below our own module
    while place is not None:
        code = place.tb_frame.f_code
        if code.co_name == "<module>" or code.co_filename.startswith("<frozen import"):
            return True
        place = place.tb_next
    return False


class ConnectionFailedError(CucmshError):
    """The host cannot be reached, or the connection to it broke."""

    kind = "connection"


class NoAnswerError(ConnectionFailedError):
    """The host did not answer within the time it is given."""

    kind = "no-answer"


class HostKeyError(ConnectionFailedError):
    """The host's key is unknown, was refused, or is not the one that was pinned."""

    kind = "host-key"


class AuthenticationError(ConnectionFailedError):
    """The host accepts neither the password nor the key that it was offered."""

    kind = "authentication"
