"""``set password user security``: all that lies under it changes, or nothing does."""

from __future__ import annotations

import hashlib
import random
import subprocess
from pathlib import Path

import pytest

from cucmsh.errors import (
    CucmshError,
    KeyFileError,
    RefusedError,
    StoreError,
    WrongPasswordError,
)
from cucmsh.layout import (
    BROUGHT_KEYS,
    NEXT_FOLDER,
    RECOVERY_FILE,
    RECOVERY_NAME,
    SECURITY_PASSWORD,
)
from cucmsh.pki.model import Certificate, Unit
from cucmsh.secret import Secret
from cucmsh.services.accounts.security_password import set_security_password
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.certificates.cluster_passwords import ClusterPasswords
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.files import is_backed_up, open_file
from cucmsh.services.lists.secret_files import is_secret
from cucmsh.services.nodes.join import cluster_document, join
from cucmsh.services.records import as_one
from cucmsh.services.records.state import remember
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore
from tests.rigs.draws import draw
from tests.services.killing import Killed, Killer
from tests.services.made_cluster import CCM, SECURITY, MadeCluster, foreign_key_file

pytestmark = pytest.mark.thorough

OLD, NEW = Secret(SECURITY), Secret("seven other words of a cluster")
BROUGHT = f"{BROUGHT_KEYS}/saved.p12"
STRANGERS = f"{BROUGHT_KEYS}/strangers.p12"
EARLIER = f"{RECOVERY_FILE}.1"
KILLS = 8  # of each run; `tests/run longer` takes every point
ALL = (RECOVERY_FILE, EARLIER, BROUGHT)


@pytest.fixture
def rich(cluster: MadeCluster) -> MadeCluster:
    """With an earlier key, and one of this and one of another cluster brought in."""
    regenerate(cluster.site, Unit.ITL_RECOVERY)
    home = cluster.site.home
    home.write(BROUGHT, home.read(RECOVERY_FILE))
    home.write(STRANGERS, foreign_key_file("not of this cluster"))
    return cluster


def opens(site: Site, name: str, password: Secret) -> bool:
    try:
        raw = as_one.read(site.home, name)
        site.backends.keys().read_key_file(raw, password)
    except WrongPasswordError:
        return False
    return True


def holding(site: Site) -> Secret:
    """The one that holds, with all that has to open under it, and nothing else."""
    known = [at for at in (OLD, NEW) if is_security(site, at)]
    assert len(known) == 1
    other = NEW if known[0] == OLD else OLD
    for name in ALL:
        assert opens(site, name, known[0]), name
        assert not opens(site, name, other), name
    assert Keystore(site).recovery()
    assert [*Keystore(site).earlier(Unit.ITL_RECOVERY)]
    return known[0]


def earlier(site: Site) -> list[Certificate]:
    keys = Keystore(site).earlier(Unit.ITL_RECOVERY)
    return [key.certificate for key in keys]


def is_security(site: Site, password: Secret) -> bool:
    try:
        ClusterPasswords(site).check_security_password(password)
    except RefusedError:
        return False
    return True


def left_over(site: Site) -> list[str]:
    home = site.home
    found = [f"{NEXT_FOLDER}/{name}" for name in home.names(NEXT_FOLDER)]
    return found + (["state"] if as_one.is_open(home) else [])


def test_every_key_file_that_the_old_one_opens_is_under_the_new_one(
    rich: MadeCluster,
) -> None:
    site = rich.site
    strangers = site.home.read(STRANGERS)
    certificates = earlier(site)
    present = Keystore(site).recovery().certificate
    assert set_security_password(site, OLD, NEW) == {"test10sub": "another one"}
    assert holding(rich.publisher.again()) == NEW
    assert site.home.read(STRANGERS) == strangers
    assert Keystore(site).recovery().certificate == present
    assert earlier(site) == certificates
    assert not left_over(site)
    for name in (SECURITY_PASSWORD, *ALL):
        assert site.home.mode(name) == 0o600
    rich.reset()


def test_openssl_opens_the_new_file_with_the_new_one_and_not_with_the_old(
    cluster: MadeCluster,
) -> None:
    set_security_password(cluster.site, OLD, NEW)
    path = Path(cluster.site.settings.home, RECOVERY_FILE)
    for password, is_right in ((NEW, True), (OLD, False)):
        words = ["openssl", "pkcs12", "-in", str(path), "-noout", "-passin", "stdin"]
        done = subprocess.run(
            words, input=password.reveal().encode(), capture_output=True, check=False
        )
        assert (done.returncode == 0) == is_right


def test_the_backup_is_none_any_more(cluster: MadeCluster) -> None:
    site = cluster.site
    digest = hashlib.sha256(site.home.read(RECOVERY_FILE)).hexdigest()
    remember(site.home, "backup", {"sha256": digest})
    assert is_backed_up(site)
    set_security_password(site, OLD, NEW)
    assert not is_backed_up(site)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("another one altogether", NEW.reveal(), "not the cluster security password"),
        (SECURITY, "short", "fewer than 14"),
        (SECURITY, "aaaaaaaaaaaaaaaaaaaa", "different characters"),
        (SECURITY, SECURITY, "the present security password"),
        (SECURITY, CCM, "the CCM Administrator password"),
        (SECURITY, "caf\u00e9 and four words", "not every keyboard"),
    ],
)
def test_refused_with_nothing_changed(
    cluster: MadeCluster, old: str, new: str, why: str
) -> None:
    before = cluster.tree()
    with pytest.raises(RefusedError, match=why) as refused:
        set_security_password(cluster.site, Secret(old), Secret(new))
    assert new not in str(refused.value)
    assert cluster.tree() == before


def test_a_present_key_file_of_another_password_is_refused(
    cluster: MadeCluster,
) -> None:
    cluster.site.home.write(RECOVERY_FILE, foreign_key_file("not of this cluster"))
    before = cluster.tree()
    with pytest.raises(KeyFileError):
        set_security_password(cluster.site, OLD, NEW)
    assert cluster.tree() == before


def test_a_member_changes_its_own_and_joins_again_only_then(
    cluster: MadeCluster,
) -> None:
    cluster.write_configurations()
    set_security_password(cluster.site, OLD, NEW)
    nodes = cluster.site.settings.cluster.nodes
    member = cluster.subscriber.site
    with pytest.raises(RefusedError, match="another one"):
        join(member, cluster_document(cluster.site, nodes))
    assert set_security_password(member, OLD, NEW) == {}
    join(member, cluster_document(cluster.site, nodes))


def test_a_draft_of_the_node_is_rekeyed_and_the_node_is_not(rich: MadeCluster) -> None:
    draft = DraftSite(rich.site)
    with draft.node_lock("a test"):
        as_one.replace(draft, Keystore(draft).rekeyed(NEW))
    assert holding(draft) == NEW
    assert holding(rich.site) == OLD


def test_staged_files_are_secrets() -> None:
    assert is_secret(f"{NEXT_FOLDER}/0")


def steps_of_a_change(cluster: MadeCluster) -> int:
    with pytest.MonkeyPatch.context() as patch:
        killer = Killer(patch, 0, after=False)
        set_security_password(cluster.site, OLD, NEW)
    return killer.seen


def test_a_kill_at_any_step_leaves_one_whole_state_and_the_rerun_finishes(
    rich: MadeCluster, seed: int
) -> None:
    home = rich.site.home
    rich.subscriber.is_dead = True  # its steps are not those of this process
    names = (SECURITY_PASSWORD, STRANGERS, *ALL)
    before = {name: home.read(name) for name in names}
    steps = steps_of_a_change(rich)
    points = [(at, after) for at in range(1, steps + 1) for after in (False, True)]
    for number, after in draw(random.Random(seed), points, KILLS):
        for name, raw in before.items():
            home.write(name, raw)
        with pytest.MonkeyPatch.context() as patch:
            Killer(patch, number, after=after)
            with pytest.raises(Killed):
                set_security_password(rich.publisher.again(), OLD, NEW)
        site = rich.publisher.again()
        held = holding(site)
        with open_file(site, RECOVERY_NAME) as file:
            raw = b"".join(file.pieces())
        assert site.backends.keys().read_key_file(raw, held)
        if number % 2:
            rich.publisher.start()  # goes on with it
            assert not left_over(site)
        if held == OLD:
            set_security_password(site, OLD, NEW)
        as_one.finish_alone(site)
        assert holding(rich.publisher.again()) == NEW
        assert not left_over(site), (seed, number, after)
        assert home.read(SECURITY_PASSWORD) == NEW.reveal().encode()


@pytest.mark.parametrize("is_decided", [False, True])
def test_the_note_decides(
    rich: MadeCluster, monkeypatch: pytest.MonkeyPatch, is_decided: bool
) -> None:
    commit, seen = LocalStore.commit, []

    def counting(store: LocalStore, temporary: str, name: str) -> None:
        seen.append(name)
        is_second = seen.count("state/rekeying.toml") == 2
        if is_second and not is_decided:
            raise Killed
        commit(store, temporary, name)
        if is_second:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "commit", counting)
        with pytest.raises(Killed):
            set_security_password(rich.site, OLD, NEW)
    assert holding(rich.site) == (NEW if is_decided else OLD)


@pytest.mark.parametrize("name", [EARLIER, BROUGHT])
def test_a_key_file_that_cannot_be_read_is_not_left_under_the_old_one(
    rich: MadeCluster, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    read = LocalStore.read

    def failing(store: LocalStore, asked: str) -> bytes:
        if asked == name:
            raise StoreError("Input/output error")
        return read(store, asked)

    monkeypatch.setattr(LocalStore, "read", failing)
    with pytest.raises(StoreError, match="Input/output error"):
        set_security_password(rich.site, OLD, NEW)
    monkeypatch.undo()
    assert holding(rich.site) == OLD
    assert not left_over(rich.site)


def test_a_full_disk_while_staging_changes_nothing(
    rich: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, seen = LocalStore.stage, []

    def filling(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> str:
        if name.startswith(NEXT_FOLDER):
            seen.append(name)
            if len(seen) == 3:
                raise StoreError("No space left on device")
        return stage(store, name, raw, mode)

    monkeypatch.setattr(LocalStore, "stage", filling)
    with pytest.raises(StoreError, match="No space left"):
        set_security_password(rich.site, OLD, NEW)
    assert holding(rich.site) == OLD
    assert not left_over(rich.site)


def test_a_full_disk_once_it_is_decided_is_told_and_gone_on_with(
    rich: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = LocalStore.stage

    def filling(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> str:
        if name == EARLIER:
            raise StoreError("No space left on device")
        return stage(store, name, raw, mode)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "stage", filling)
        with pytest.raises(StoreError, match="The new password holds") as told:
            set_security_password(rich.site, OLD, NEW)
        assert "next login" in told.value.advice
        assert holding(rich.site) == NEW
    rich.publisher.start()
    assert not left_over(rich.site)
    assert holding(rich.site) == NEW


def test_whoever_looks_while_it_changes_looks_once_more(
    rich: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    keystore, real = Keystore(rich.site), Keystore.recovery_file

    def changing(at: Keystore) -> bytes:
        monkeypatch.setattr(Keystore, "recovery_file", real)
        set_security_password(rich.site, OLD, NEW)
        return real(at)

    monkeypatch.setattr(Keystore, "recovery_file", changing)
    assert keystore.recovery()


def test_no_message_of_it_holds_a_password(rich: MadeCluster) -> None:
    rich.site.home.write(RECOVERY_FILE, b"no key file at all")
    with pytest.raises(CucmshError) as refused:
        set_security_password(rich.site, OLD, NEW)
    for word in (SECURITY, NEW.reveal()):
        assert word not in f"{refused.value}{refused.value.advice}"
