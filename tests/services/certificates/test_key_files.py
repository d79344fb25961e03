"""Recovery key files from outside: refused with nothing changed, or installed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsh.backends import LateBackends
from cucmsh.errors import KeyFileError, WrongPasswordError
from cucmsh.layout import RECOVERY_FILE
from cucmsh.pki.credential import Credential, make_credential
from cucmsh.pki.model import Unit
from cucmsh.pki.pkcs12 import open_bundle, read_key_file, write_key_file
from cucmsh.secret import Secret
from cucmsh.services.certificates.keystore import (
    FORM_WARNING,
    LEGACY_WARNING,
    PACKED_ANEW_WARNING,
)
from cucmsh.services.nodes.make import make_node
from tests.pki import key_file_makers as makers
from tests.pki import key_files as made
from tests.services.made_cluster import (
    CCM,
    SECURITY,
    START,
    SUBJECT,
    JoinedBackends,
    MadeCluster,
    foreign_key_file,
    remote_plan,
)

pytestmark = pytest.mark.thorough

assert made.PASSWORD == SECURITY


@pytest.fixture(autouse=True)
def real_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that the program uses; other tests of this room stay quick."""

    def open_key_file(_doors: JoinedBackends, raw: bytes, password: Secret) -> object:
        return LateBackends().open_key_file(raw, password)

    monkeypatch.setattr(JoinedBackends, "open_key_file", open_key_file)


@pytest.fixture(scope="session")
def stranger() -> Credential:
    """Another cluster's recovery key."""
    name = "ITLRECOVERY_other.example"
    return make_credential(Unit.ITL_RECOVERY, name, SUBJECT, START, key_bits=1024)


def key_folder(cluster: MadeCluster) -> dict[str, bytes]:
    folder = Path(cluster.site.settings.home, "security/ITLRecovery")
    return {path.name: path.read_bytes() for path in folder.glob("*.p12*")}


def opened(raw: bytes) -> Credential:
    return read_key_file(raw, SECURITY)


def test_modern_file_is_installed_byte_for_byte(
    cluster: MadeCluster, stranger: Credential, tmp_path: Path
) -> None:
    present = cluster.key_file()
    fetched = made.exported(stranger.to_pem(), tmp_path, *made.AES)
    plan = remote_plan(cluster.site, fetched)
    assert LEGACY_WARNING not in plan.warnings
    assert cluster.apply(plan)[0].exit_status == 0
    assert key_folder(cluster) == {
        "ITLRecovery.p12": fetched,
        "ITLRecovery.p12.1": present,
    }


def test_the_earlier_file_is_kept_once_by_a_call_that_died_and_the_next(
    cluster: MadeCluster, stranger: Credential, tmp_path: Path
) -> None:
    """Killed between the copy and the new file, as the kill sweep does."""
    present = cluster.key_file()
    fetched = made.exported(stranger.to_pem(), tmp_path, *made.AES)
    cluster.site.home.write(f"{RECOVERY_FILE}.1", present)
    cluster.reset(fetched)
    assert key_folder(cluster) == {
        "ITLRecovery.p12": fetched,
        "ITLRecovery.p12.1": present,
    }


@pytest.mark.parametrize("way", list(made.LEGACY))
def test_legacy_file_is_told_and_installed_anew_under_aes(
    cluster: MadeCluster, stranger: Credential, tmp_path: Path, way: str
) -> None:
    present = cluster.key_file()
    fetched = made.exported(stranger.to_pem(), tmp_path, *made.LEGACY[way])
    plan = remote_plan(cluster.site, fetched)
    assert LEGACY_WARNING in plan.warnings
    assert cluster.apply(plan)[0].exit_status == 0
    assert opened(cluster.key_file()).certificate == stranger.certificate
    assert key_folder(cluster)["ITLRecovery.p12.1"] == present
    shown = subprocess.run(
        ["openssl", "pkcs12", "-info", "-noout", "-passin", f"pass:{SECURITY}"],
        input=cluster.key_file(),
        capture_output=True,
        check=True,
    ).stderr.decode()
    assert shown.count("PBES2, PBKDF2, AES-256-CBC") == 2
    kept = {path.read_bytes() for path in tmp_path.rglob("home/**/*") if path.is_file()}
    assert cluster.key_file() in kept
    assert fetched not in kept  # its weak form stays on the server only


@pytest.mark.parametrize("way", list(made.LEGACY))
def test_legacy_file_with_a_short_password_of_its_own_is_kept_under_ours(
    cluster: MadeCluster, stranger: Credential, tmp_path: Path, way: str
) -> None:
    fetched = made.exported(
        stranger.to_pem(), tmp_path, *made.LEGACY[way], password="cisco"
    )
    keys = cluster.publisher.keys
    with pytest.raises(WrongPasswordError, match="this cluster's security password"):
        keys.open_key_file(fetched)
    with pytest.raises(WrongPasswordError, match="with that password"):
        keys.open_key_file(fetched, Secret("sanfran"))
    imported = keys.open_key_file(fetched, Secret("cisco"))
    assert imported.warnings == (PACKED_ANEW_WARNING,)
    assert opened(imported.key_file).certificate == stranger.certificate
    keys.install_recovery(imported.key_file, imported.credential.certificate)
    again = keys.open_key_file(fetched, Secret("cisco"))
    assert again.key_file == cluster.key_file()  # no second copy under fresh salts


def test_legacy_file_a_second_time_installs_no_other(
    cluster: MadeCluster, stranger: Credential, tmp_path: Path
) -> None:
    """A rerun must not pile up copies of one key under fresh salts."""
    fetched = made.exported(stranger.to_pem(), tmp_path, *made.LEGACY["3des"])
    cluster.reset(fetched)
    first = key_folder(cluster)
    cluster.reset(fetched)
    assert key_folder(cluster) == first


def test_legacy_file_that_lies_as_the_present_one_is_replaced(
    cluster: MadeCluster, stranger: Credential, tmp_path: Path
) -> None:
    """Installed by an earlier version of ours, or by hand."""
    fetched = made.exported(stranger.to_pem(), tmp_path, *made.LEGACY["rc2-40"])
    cluster.site.home.write(RECOVERY_FILE, fetched)
    cluster.reset(fetched)
    assert cluster.key_file() != fetched
    assert opened(cluster.key_file()).certificate == stranger.certificate
    assert key_folder(cluster)["ITLRecovery.p12.1"] == fetched


@pytest.mark.parametrize("maker", ["pk12util", "certtool-pem", "zeros-behind"])
def test_file_that_is_not_plain_der_is_told_and_installed_as_plain_der_once(
    cluster: MadeCluster, stranger: Credential, tmp_path: Path, maker: str
) -> None:
    fetched = makers.OTHER_FORM[maker](stranger.to_pem(), tmp_path)
    plan = remote_plan(cluster.site, fetched)
    assert FORM_WARNING in plan.warnings
    assert LEGACY_WARNING not in plan.warnings
    assert cluster.apply(plan)[0].exit_status == 0
    first = key_folder(cluster)
    bundle = open_bundle(cluster.key_file(), SECURITY)
    assert bundle.credential.certificate == stranger.certificate
    assert bundle.is_der
    cluster.reset(fetched)
    assert key_folder(cluster) == first


@pytest.mark.parametrize("present", [None, b"", b"damaged"])
def test_legacy_file_replaces_a_present_one_that_is_lost_or_damaged(
    cluster: MadeCluster, tmp_path: Path, present: bytes | None
) -> None:
    own = cluster.publisher.keys.recovery()
    fetched = made.exported(own.to_pem(), tmp_path, *made.LEGACY["3des"])
    cluster.site.home.remove(RECOVERY_FILE)
    if present is not None:
        cluster.site.home.write(RECOVERY_FILE, present)
    assert cluster.reset(fetched).exit_status == 0
    assert opened(cluster.key_file()).certificate == own.certificate


@pytest.mark.parametrize("bits", [2048, 4096])
def test_larger_keys_sign_the_list(
    cluster: MadeCluster, tmp_path: Path, bits: int
) -> None:
    pem = b"".join(made.made_pair(f"rsa:{bits}", tmp_path))
    assert cluster.reset(made.exported(pem, tmp_path)).exit_status == 0
    assert len(cluster.publisher.served.header.signature) == bits // 8


def test_expired_certificate_is_a_question_not_a_refusal(cluster: MadeCluster) -> None:
    cluster.clock.moment += timedelta(days=5 * 365 + 2)
    plan = remote_plan(cluster.site, cluster.key_file())
    assert [question.lines for question in plan.questions] == [
        ("The recovery certificate expired on 2019-02-25.",)
    ]
    assert cluster.apply(plan)[0].exit_status == 0


def bad_files(good: bytes, folder: Path) -> dict[str, Callable[[], bytes]]:
    def of(kind: str) -> bytes:
        return made.exported(b"".join(made.made_pair(kind, folder)), folder)

    return {
        "nothing": lambda: b"",
        "cut-off": lambda: good[: len(good) // 2],
        "flipped-bit": lambda: good[:99] + bytes((good[99] ^ 1,)) + good[100:],
        "too-large": lambda: bytes(70_000),
        "list": lambda: b"not a key file, but a list",
        "other-password": lambda: foreign_key_file("another password"),
        "ec-key": lambda: of("ec"),
        "512-bit": lambda: of("rsa:512"),
        "no-certificate": lambda: made.exported(
            made.made_pair("rsa:1024", folder)[0], folder, "-nocerts"
        ),
        "no-mac": lambda: made.exported(
            *(good_pem(good), folder, "-nomac", "-keypbe", "NONE", "-certpbe", "NONE")
        ),
        "too-many-rounds": lambda: made.with_mac_rounds(good, 5_000_001),
    }


def good_pem(good: bytes) -> bytes:
    return opened(good).to_pem()


@pytest.mark.parametrize("case", list(bad_files(b"", Path())))
def test_bad_file_is_refused_with_advice_and_nothing_changes(
    cluster: MadeCluster, stranger: Credential, tmp_path: Path, case: str
) -> None:
    raw = bad_files(write_key_file(stranger, SECURITY), tmp_path)[case]()
    before = cluster.tree()
    with pytest.raises(KeyFileError) as refused:
        remote_plan(cluster.site, raw)
    assert SECURITY not in refused.value.message + refused.value.advice
    after = cluster.tree()
    for name in ("pem", "word", "made.key", "made.pem"):  # what this test made itself
        before.pop(name, None)
        after.pop(name, None)
    assert after == before


def test_no_key_or_secret_is_ever_created_wider_than_0600(
    cluster: MadeCluster, stranger: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T26: from the first byte, whatever the umask; a later chmod would be too late."""
    wide: list[tuple[object, int]] = []
    created: list[object] = []
    real = os.open

    def watched(
        path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
    ) -> int:
        descriptor = real(path, flags, mode, dir_fd=dir_fd)
        if flags & os.O_CREAT:
            created.append(path)
            if os.fstat(descriptor).st_mode & 0o077:
                wide.append((path, mode))
        return descriptor

    monkeypatch.setattr(os, "open", watched)
    ours = os.umask(0)
    try:
        cluster.reset(made_legacy(stranger, cluster.root))
        fresh = MadeCluster(cluster.root / "fresh")
        make_node(fresh.site, Secret(SECURITY), Secret(CCM))
    finally:
        os.umask(ours)
    assert len(created) > 20
    assert wide == []
    for path in Path(fresh.site.settings.home, "security").rglob("*"):
        mode = path.stat().st_mode & 0o777
        public = path.suffix == ".pem" and path.name != "private.pem"
        assert mode == (0o700 if path.is_dir() else 0o644 if public else 0o600), path
    assert {
        path.stat().st_mode & 0o777
        for path in Path(cluster.site.settings.home).rglob("*.p12*")
    } == {0o600}


def made_legacy(credential: Credential, folder: Path) -> bytes:
    return made.exported(credential.to_pem(), folder, *made.LEGACY["3des"])
