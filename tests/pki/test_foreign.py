"""Key files from outside: opened by a process of its own that can be killed."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsh.errors import KeyFileError, ServiceError
from cucmsh.pki.credential import Credential, make_credential
from cucmsh.pki.model import Unit
from cucmsh.pki.pkcs12 import read_key_file, write_key_file
from cucmsh.pki.pkcs12_limits import MAX_ROUNDS
from cucmsh.pki.sandbox import MAX_REASON, OPENER, ImportedKey, open_in_sandbox
from cucmsh.pki.sandbox_worker import LEGACY, MAX_ANSWER, MEMORY, REFUSED, SOUND
from cucmsh.remote.process import LocalRunner
from cucmsh.secret import Secret
from tests.pki import key_files as made
from tests.rigs.draws import some

pytestmark = pytest.mark.thorough

NOW = datetime(2014, 2, 26, tzinfo=UTC)
TOO_MANY = MAX_ROUNDS + 1
# The real worker on a file that OpenSSL would never be done with: the last lines of
# defence alone. (Such files exist; none is made here, for they hang other programs.)
SPINNING = """\
import sys
from cucmsh.pki import sandbox_worker
def spin(raw, password):
    while True:
        pass
sandbox_worker._open = spin
sys.exit(sandbox_worker.main())
"""


@pytest.fixture(scope="session")
def recovery() -> Credential:
    name = "ITLRECOVERY_test10pub.joemar2.lab"
    return make_credential(Unit.ITL_RECOVERY, name, "", NOW, key_bits=1024)


@pytest.fixture(scope="session")
def key_file(recovery: Credential, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("made")
    return made.exported(recovery.to_pem(), folder, *made.AES)


def opened(raw: bytes, password: str = made.PASSWORD) -> ImportedKey:
    return open_in_sandbox(raw, Secret(password), LocalRunner().feed)


def refused(raw: bytes, password: str = made.PASSWORD) -> KeyFileError:
    with pytest.raises(KeyFileError) as refusal:
        opened(raw, password)
    return refusal.value


def answering(status: int, answer: bytes) -> KeyFileError:
    """What the parent says to an opener that answers so."""

    def feed(_words: Sequence[str], _raw: bytes, _seconds: float) -> tuple[int, bytes]:
        return status, answer

    with pytest.raises(KeyFileError) as refusal:
        open_in_sandbox(b"x", Secret(made.PASSWORD), feed)
    return refusal.value


def running(script: str, seconds: float = 30) -> Callable[[bytes], ImportedKey]:
    """An opener of another make."""
    words = (sys.executable, "-I", "-c", script)
    feed = LocalRunner().feed
    return lambda raw: open_in_sandbox(raw, Secret(made.PASSWORD), feed, words, seconds)


# What opens


def test_our_own_file_opens_and_signs(recovery: Credential) -> None:
    found = opened(write_key_file(recovery, made.PASSWORD))
    assert found.credential.certificate == recovery.certificate
    assert not found.is_legacy
    assert found.credential.sign(b"x", "sha512") == recovery.sign(b"x", "sha512")


@pytest.mark.parametrize("way", list(made.LEGACY))
def test_legacy_files_open_and_are_told(
    recovery: Credential, tmp_path: Path, way: str
) -> None:
    found = opened(made.exported(recovery.to_pem(), tmp_path, *made.LEGACY[way]))
    assert found.credential.certificate == recovery.certificate
    assert found.is_legacy


@pytest.mark.parametrize("way", some(made.MODERN, 3))
def test_modern_files_open(recovery: Credential, tmp_path: Path, way: str) -> None:
    found = opened(made.exported(recovery.to_pem(), tmp_path, *made.MODERN[way]))
    assert found.credential.certificate == recovery.certificate
    assert not found.is_legacy


@pytest.mark.parametrize("bits", [1024, 2048, 4096])
def test_keys_of_every_size_that_phones_take_open(tmp_path: Path, bits: int) -> None:
    pem = b"".join(made.made_pair(f"rsa:{bits}", tmp_path))
    found = opened(made.exported(pem, tmp_path))
    assert found.credential.certificate.key_bits == bits


def test_expired_certificate_opens(recovery: Credential, key_file: bytes) -> None:
    """Whether it may be used is a question, not a refusal (docs/decisions/012)."""
    assert recovery.certificate.has_expired(datetime.now(UTC))
    assert opened(key_file).credential.certificate == recovery.certificate


@pytest.mark.parametrize("password", ["", "\n", "12\n34", "ü" * 99, "x" * 5000])
def test_any_password_arrives_as_it_is(recovery: Credential, password: str) -> None:
    """An empty one protects nothing, but says so by failing, not by breaking."""
    if not password:
        assert (
            "security password"
            in refused(write_key_file(recovery, made.PASSWORD), password).message
        )
        return
    raw = write_key_file(recovery, password)
    assert opened(raw, password).credential.certificate == recovery.certificate


# What is refused, and how that is said


def bundles(folder: Path) -> dict[str, tuple[Callable[[], bytes], str]]:
    """Files that hold other things than one RSA key with its certificate."""

    def one(kind: str) -> bytes:
        return made.exported(b"".join(made.made_pair(kind, folder)), folder)

    def swapped() -> bytes:
        key, _ = made.made_pair("rsa:1024", folder)
        (folder / "other").write_bytes(made.made_pair("rsa:1024", folder)[1])
        words = ("-nocerts", "-certfile", str(folder / "other"))
        return made.exported(key, folder, *words)

    def key_only() -> bytes:
        key, _ = made.made_pair("rsa:1024", folder)
        return made.exported(key, folder, "-nocerts")

    def certificate_only() -> bytes:
        _, certificate = made.made_pair("rsa:1024", folder)
        return made.exported(certificate, folder, "-nokeys")

    return {
        "ec": (lambda: one("ec"), "a key that is no RSA key"),
        "ed25519": (lambda: one("ed25519"), "a key that is no RSA key"),
        "512-bit": (lambda: one("rsa:512"), "an RSA key of 512 bits is not usable"),
        "1023-bit": (lambda: one("rsa:1023"), "an RSA key of 1023 bits is not usable"),
        "4104-bit": (lambda: one("rsa:4104"), "an RSA key of 4104 bits is not usable"),
        "swapped-key": (swapped, "another key's certificate"),
        "key-only": (key_only, "no certificate"),
        "certificate-only": (certificate_only, "holds no key"),
    }


CASES = list(bundles(Path()))


@pytest.mark.parametrize("case", some(CASES, 3))
def test_anything_but_one_rsa_key_with_its_certificate_is_refused(
    tmp_path: Path, case: str
) -> None:
    make, reason = bundles(tmp_path)[case]
    assert reason in refused(make()).message


def test_other_password_is_told_as_that(key_file: bytes) -> None:
    """The security password was changed after the backup, or it is another cluster's"""
    refusal = refused(key_file, made.OTHER_PASSWORD)
    assert "does not open with this cluster's security password" in refusal.message
    assert "the cluster it came from" in refusal.advice


def test_file_cut_off_is_refused_wherever_it_ends(key_file: bytes) -> None:
    """Every size with the gate in test_gate; here some, through the real process."""
    for size in (1, 2, 4, len(key_file) // 2, len(key_file) - 1):
        assert "not a whole one" in refused(key_file[:size]).message
    assert "the file is empty" in refused(b"").message


def test_changed_bytes_are_refused_everywhere(key_file: bytes) -> None:
    """In this process, for speed: whatever the gate lets through, the MAC does not."""
    for at in range(0, len(key_file), 7):
        raw = key_file[:at] + bytes((key_file[at] ^ 1,)) + key_file[at + 1 :]
        with pytest.raises(KeyFileError):
            read_key_file(raw, made.PASSWORD)


def test_file_too_large_is_refused_before_anything_runs() -> None:
    def feed(_words: Sequence[str], _raw: bytes, _seconds: float) -> tuple[int, bytes]:
        raise AssertionError

    with pytest.raises(KeyFileError, match="has 65537 bytes"):
        open_in_sandbox(bytes(65537), Secret(made.PASSWORD), feed)


# A file that fights back


def test_too_many_rounds_are_refused_unopened(recovery: Credential) -> None:
    """docs/security.md M5, through the whole way."""
    raw = write_key_file(recovery, made.PASSWORD)
    assert "5,000,000 rounds" in refused(made.with_mac_rounds(raw, TOO_MANY)).message


def test_worker_that_is_never_done_is_killed_at_the_deadline(
    recovery: Credential,
) -> None:
    began = time.monotonic()
    with pytest.raises(KeyFileError, match=r"took longer than 1\.5 seconds to open"):
        running(SPINNING, 1.5)(write_key_file(recovery, made.PASSWORD))
    assert time.monotonic() - began >= 1.5


def test_worker_that_is_never_done_ends_at_its_processor_limit(
    recovery: Credential,
) -> None:
    """Should the parent die, nobody is left to kill it; the kernel does."""
    script = SPINNING.replace(
        "sys.exit(",
        "confine = sandbox_worker.confine\n"
        "sandbox_worker.confine = lambda: confine(1)\nsys.exit(",
    )
    statuses = []

    def feed(words: Sequence[str], raw: bytes, seconds: float) -> tuple[int, bytes]:
        status, answer = LocalRunner().feed(words, raw, seconds)
        statuses.append(status)
        return status, answer

    words = (sys.executable, "-I", "-c", script)
    raw = write_key_file(recovery, made.PASSWORD)
    with pytest.raises(KeyFileError, match="took longer than"):
        open_in_sandbox(raw, Secret(made.PASSWORD), feed, words, 60)
    assert statuses[0] in (128 + 9, 128 + 24)


CONFINED = "from cucmsh.pki.sandbox_worker import confine; confine();"


@pytest.mark.parametrize(
    "script",
    [
        f"{CONFINED} bytes({MEMORY})",
        f"{CONFINED} open('/proc/nowhere')",
        "import os; os.kill(os.getpid(), 11)",
        "import os; os.write(1, bytes(1 << 21))",
        "",
    ],
    ids=["memory", "exception", "crash", "endless-answer", "silence"],
)
def test_opener_that_breaks_is_an_error_with_advice(script: str) -> None:
    with pytest.raises(KeyFileError, match="its opener failed") as refusal:
        running(script)(b"x")
    assert "cucmsh.pki.sandbox_worker" in refusal.value.advice


def test_confined_opener_dumps_no_core_and_writes_no_file(tmp_path: Path) -> None:
    script = f"""
import ctypes, os, resource
from cucmsh.pki.sandbox_worker import confine
confine()
limits = [resource.getrlimit(what) for what in (
    resource.RLIMIT_CORE, resource.RLIMIT_CPU, resource.RLIMIT_AS)]
assert limits == [(0, 0), (10, 10), ({MEMORY}, {MEMORY})], limits
is_dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
assert is_dumpable == 0
file = os.open({str(tmp_path / "file")!r}, os.O_WRONLY | os.O_CREAT)
try:
    os.pwrite(file, b"x", {MAX_ANSWER})
except OSError:
    os.write(1, b"no")
"""
    words = [sys.executable, "-I", "-c", script]
    assert LocalRunner().feed(words, b"", 30) == (0, b"no")


# The opener's answer is not believed


def test_answer_is_checked_as_a_stranger_is(recovery: Credential) -> None:
    other = make_credential(Unit.TVS, "x", "", NOW, key_bits=1024)
    key, certificate = recovery.to_pem(), other.to_pem()
    start = b"-----BEGIN CERTIFICATE"
    swapped = key[: key.index(start)] + certificate[certificate.index(start) :]
    for answer, reason in (
        (b"", "its opener failed"),
        (key, "its opener failed"),
        (b"other\n" + key, "its opener failed"),
        (SOUND + b"\n" + key + bytes(MAX_ANSWER), "its opener failed"),
        (SOUND + b"\n", "the private key is unreadable"),
        (SOUND + b"\n" + key[:-40], "no certificate"),
        (LEGACY + b"\n" + swapped, "does not belong to the certificate"),
    ):
        assert reason in answering(0, answer).message
    assert "its opener failed (exit status 1)" in answering(1, b"x").message


def test_key_in_the_answer_is_checked_fully(recovery: Credential) -> None:
    """Numbers that do not fit each other are found, as in any imported key."""
    assert "unreadable" in answering(0, SOUND + b"\n" + _damaged(recovery)).message


def _damaged(recovery: Credential) -> bytes:
    """The key with another private exponent, as only its full check finds out."""
    numbers = recovery.private_key.private_numbers()
    wrong = type(numbers)(
        *(numbers.p, numbers.q, numbers.d + 2),
        *(numbers.dmp1, numbers.dmq1, numbers.iqmp),
        numbers.public_numbers,
    )
    key = wrong.private_key(unsafe_skip_rsa_key_validation=True)
    return Credential(key, recovery.certificate).to_pem()


def test_refusal_of_a_hostile_opener_is_shown_without_its_control_characters() -> None:
    answer = b"\x1b]0;title\x07 a\rb\xff" + b"m" * 5000 + b"\nadvice\x9b31m\nmore"
    shown = answering(REFUSED, answer)
    assert shown.message.startswith("]0;title ab\ufffdmmm")
    assert len(shown.message) <= MAX_REASON
    assert shown.advice == "advice\ufffd31mmore"
    assert answering(REFUSED, b"").message == "the key file does not open"


def test_opener_that_cannot_be_started_is_told() -> None:
    def feed(_words: Sequence[str], _raw: bytes, _seconds: float) -> tuple[int, bytes]:
        raise ServiceError("python cannot be run: Cannot allocate memory")

    with pytest.raises(KeyFileError, match="cannot be run: Cannot allocate memory"):
        open_in_sandbox(b"x", Secret(made.PASSWORD), feed)


def test_opener_alone_says_that_it_was_misused() -> None:
    for raw in (b"", b"x", b"999999\nx", b"-1\n"):
        assert LocalRunner().feed(OPENER, raw, 30) == (2, b"")


# Secrets


def test_password_is_nowhere_to_be_seen_while_the_file_is_opened(
    recovery: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T24: neither in argv nor in the environment of the child."""
    monkeypatch.setenv("CANARY", made.PASSWORD)
    raw = write_key_file(recovery, made.PASSWORD)
    seen: dict[str, bytes] = {}

    def look() -> None:
        child = _child_that_is_confined()
        for name in ("cmdline", "environ", "limits"):
            seen[name] = (child / name).read_bytes()

    watcher = threading.Thread(target=look)
    watcher.start()
    with pytest.raises(KeyFileError):
        running(SPINNING, 3)(raw)
    watcher.join()
    assert b"sandbox_worker._open = spin" in seen["cmdline"]
    assert made.PASSWORD.encode() not in seen["cmdline"]
    assert seen["environ"] == b""
    assert b"Max core file size        0                    0" in seen["limits"]


def _child_that_is_confined() -> Path:
    """Waits until the child of this process has set its limits."""
    own, until = os.getpid(), time.monotonic() + 10
    while time.monotonic() < until:
        for tid in Path(f"/proc/{own}/task").iterdir():
            for pid in (tid / "children").read_text().split():
                limits = Path("/proc", pid, "limits").read_text()
                if f"Max address space         {MEMORY}" in limits:
                    return Path("/proc", pid)
    raise AssertionError("no confined child was seen")


def test_opener_makes_no_file_anywhere(key_file: bytes, tmp_path: Path) -> None:
    """T26: strace sees every file that a process of the opener opens for writing."""
    log = tmp_path / "log"
    calls = "trace=open,openat,openat2,creat,mkdir,mkdirat,rename,renameat2,link,linkat"
    words = ("strace", "-f", "-qq", "-o", str(log), "-e", calls, *OPENER)
    found = open_in_sandbox(
        key_file, Secret(made.PASSWORD), LocalRunner().feed, words, 60
    )
    assert not found.is_legacy
    lines = log.read_text().splitlines()
    assert any(".py" in line and "O_RDONLY" in line for line in lines)
    wrong = ("O_WRONLY", "O_RDWR", "O_CREAT", "mkdir", "rename", "link")
    assert not [line for line in lines if any(word in line for word in wrong)]
