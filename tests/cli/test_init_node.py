"""What `cucmsh init` makes, refuses, and finishes after it was interrupted."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from cucmsh.cli.init import run
from cucmsh.config.editing import with_node
from cucmsh.config.entries import systemd_words
from cucmsh.config.model import TVS, NodeRole, TftpAddress
from cucmsh.config.settings import Settings, parse_settings, read_settings
from cucmsh.errors import BusyError, RefusedError, StoreError, UsageError
from cucmsh.layout import INIT_NOTE
from cucmsh.pki.model import Unit
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.secret import Secret
from cucmsh.services.backends import Backends
from cucmsh.services.certificates.cluster_passwords import ClusterPasswords
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.compose import compose_for_start
from cucmsh.services.nodes import make as enrol
from cucmsh.services.nodes.init import NewNode, make, plan_init
from cucmsh.services.nodes.make import is_whole
from cucmsh.services.site import Site
from cucmsh.storage import folders
from cucmsh.storage.local import LocalStore
from tests.services.callers import called
from tests.services.made_cluster import (
    CCM,
    SECURITY,
    QuickKeys,
    SettableClock,
    cheap_questions,
)

FAR = {
    "name": "far",
    "role": "replica",
    "services": ["tftp"],
    "tftp_directory": "/srv/tftp",
    "ssh": {"host": "192.0.2.1", "identity": "/k", "host_key": "ssh-ed25519 AAAA"},
}


class _Keys:
    """Enough of the backends to make a node."""

    def keys(self) -> QuickKeys:
        return QuickKeys()

    def verifier(self) -> SignatureVerifier:
        return SignatureVerifier()


def make_site(settings: Settings) -> Site:
    return called(Site(settings, SettableClock(), cast(Backends, _Keys())))


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


@pytest.fixture
def new(tmp_path: Path) -> NewNode:
    return NewNode(
        role=NodeRole.PUBLISHER,
        name="pub",
        publisher="pub",
        domain="example.org",
        subject="O=example;C=US",
        home=str(tmp_path / "var" / "home"),
        configuration=str(tmp_path / "etc" / "cucmsh.toml"),
        services=("tftp", "tvs", "capf"),
        tftp_directory=str(tmp_path / "srv" / "tftp"),
        tftp=None,
        service_commands="systemd:tftpd-hpa",
    )


def init(new: NewNode, security: str = SECURITY, *, again: bool = False) -> Site:
    plan = plan_init(new, make_site, again=again)
    make(plan.site, plan, Secret(security), Secret(CCM))
    return plan.site


def tree(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def assert_whole(new: NewNode) -> None:
    settings = read_settings(new.configuration)
    site = make_site(settings)
    keystore = Keystore(site)
    ClusterPasswords(site).check_ccm_password(Secret(CCM))
    for unit in keystore.units:
        certificate = keystore.certificate(unit)
        if unit is Unit.ITL_RECOVERY and site.node.is_publisher:
            assert keystore.recovery().certificate == certificate
    assert site.home.names("ssh") == ["id_ed25519", "id_ed25519.pub"]
    names = ["cluster.lock", "node.lock", "node.toml"]
    assert set(site.home.names("state")) - {"signing.lock"} == set(names)
    assert not list(Path(settings.home).rglob(".cucmsh-*"))


@pytest.mark.thorough
def test_made_publisher_composes_a_list_at_once(new: NewNode) -> None:
    site = init(new)
    assert_whole(new)
    compose_for_start(site)
    assert site.tftp.names() == ["ITLFile.tlv"]
    settings = read_settings(new.configuration)
    assert (settings.digest, settings.keep_trust) == ("sha512", True)


@pytest.mark.parametrize("by_sudo", [False, True])
@pytest.mark.parametrize("role", [NodeRole.PUBLISHER, NodeRole.SUBSCRIBER])
def test_tvs_with_a_unit_is_a_service_with_commands(
    new: NewNode, role: NodeRole, *, by_sudo: bool
) -> None:
    new = new._replace(role=role, publisher="pub", tftp=TftpAddress("10.1.1.1", 69))
    new = new._replace(name="pub" if role is NodeRole.PUBLISHER else "sub")
    tftp, tvs = (
        systemd_words(unit, by_sudo=by_sudo) for unit in ("tftpd-hpa", "cucmsh-tvs")
    )
    new = new._replace(service_commands=tftp)
    plain = plan_init(new, make_site).site.settings.node
    plan = plan_init(new._replace(tvs_commands=tvs), make_site)
    node = plan.site.settings.node
    commands = node.commands_of(TVS)
    assert commands is not None
    assert commands.restart[-2:] == ("restart", "cucmsh-tvs")
    assert (commands.restart[0] == "sudo") is by_sudo
    assert node._replace(other_services=()) == plain
    text = with_node(plan.text, new.configuration, FAR)  # as `node add` does
    assert parse_settings(text.encode(), new.configuration).node == node


def test_unit_of_tvs_needs_tvs() -> None:
    words = ["publisher", "--name", "pub", "--services", "tftp"]
    with pytest.raises(UsageError, match="--tvs-unit is for a node with tvs"):
        run("c.toml", [*words, "--tvs-unit", "systemd:cucmsh-tvs"])


@pytest.mark.thorough
@pytest.mark.parametrize("umask", [0, 0o077])
def test_folders_have_their_modes_whatever_the_umask(new: NewNode, umask: int) -> None:
    before = os.umask(umask)
    try:
        init(new)
    finally:
        os.umask(before)
    for path in (Path(new.home), Path(new.home, "state/staging")):
        assert path.stat().st_mode & 0o777 == 0o700
    assert Path(new.tftp_directory).stat().st_mode & 0o777 == 0o755
    assert Path(new.configuration).stat().st_mode & 0o777 == 0o644


@pytest.mark.thorough
def test_empty_home_that_is_too_open_is_narrowed(new: NewNode) -> None:
    Path(new.home).mkdir(parents=True, mode=0o755)
    init(new)
    assert Path(new.home).stat().st_mode & 0o777 == 0o700


@pytest.mark.thorough
def test_subscriber_is_made_without_the_ccm_password(new: NewNode) -> None:
    sub = new._replace(role=NodeRole.SUBSCRIBER, name="sub", services=("tftp", "tvs"))
    plan = plan_init(sub, make_site)
    make(plan.site, plan, Secret(SECURITY), None)
    settings = read_settings(sub.configuration)
    assert settings.cluster.publisher.name == "pub"
    assert settings.node.role is NodeRole.SUBSCRIBER
    assert make_site(settings).home.names("security/secrets") == ["security"]


class Interrupted(BaseException):
    """As a kill would: nothing of ours runs after it."""


def stop_here(_: Site) -> None:
    raise Interrupted


def interrupt_after(
    monkeypatch: pytest.MonkeyPatch, steps: int, verb: str
) -> Callable[[], bool]:
    """Die at the so many-th call of a verb of the store; tells whether it did."""
    real = getattr(LocalStore, verb)
    left = [steps]

    def dying(*arguments: object) -> object:
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted
        return real(*arguments)

    monkeypatch.setattr(LocalStore, verb, dying)
    # A killed process cleans nothing up.
    monkeypatch.setattr(LocalStore, "discard", lambda *_: None)
    return lambda: left[0] <= 0


@pytest.mark.thorough
@pytest.mark.parametrize("verb", ["stage", "commit"])
def test_init_that_died_anywhere_is_finished_by_another(
    new: NewNode, tmp_path: Path, verb: str
) -> None:
    points = 0
    while True:
        points += 1
        own = new._replace(
            home=str(tmp_path / f"{points}" / "home"),
            configuration=str(tmp_path / f"{points}" / "cucmsh.toml"),
            tftp_directory=str(tmp_path / f"{points}" / "tftp"),
        )
        with pytest.MonkeyPatch.context() as patch:
            has_died = interrupt_after(patch, points, verb)
            with contextlib.suppress(Interrupted):
                init(own)
            if not has_died():
                break
        assert not Path(own.configuration).exists() or has_note(own)
        key_file = Path(own.home, "security/ITLRecovery/ITLRecovery.p12")
        before = key_file.read_bytes() if key_file.exists() else None
        init(own)
        for litter in Path(own.home).rglob(".cucmsh-*"):
            litter.unlink()  # swept at the next change of the node
        assert_whole(own)
        assert before in (None, key_file.read_bytes())
    assert points > 15


def has_note(new: NewNode) -> bool:
    return Path(new.home, "state/init.toml").exists()


def begin(new: NewNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """An init that dies before the last key."""
    with monkeypatch.context() as patch:
        patch.setattr(enrol, "_is_finished", lambda *_: True)
        patch.setattr("cucmsh.services.nodes.init.make_identity", stop_here)
        with pytest.raises(Interrupted):
            init(new)


def test_begun_node_is_not_finished_with_other_options(
    new: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(new, monkeypatch)
    with pytest.raises(RefusedError, match="begun with other options"):
        plan_init(new._replace(domain="example.com"), make_site)
    assert plan_init(new, make_site).is_begun


@pytest.mark.thorough
def test_begun_node_is_not_finished_with_another_password(
    new: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(new, monkeypatch)
    with pytest.raises(RefusedError, match="another cluster security password"):
        init(new, "another long password 9")
    assert not is_whole(make_site(plan_init(new, make_site).site.settings))
    init(new)
    assert_whole(new)


@pytest.mark.thorough
def test_node_that_an_earlier_version_began_is_finished(
    new: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They wrote the folder of staged files into the configuration, and its note."""
    begin(new, monkeypatch)
    note = Path(new.home, INIT_NOTE)
    line = f'staging = "{new.home}/state/staging"\n'
    here = "service_commands ="
    assert here in note.read_text()
    note.write_text(note.read_text().replace(here, f"{line}{here}"))
    init(new)
    assert_whole(new)


@pytest.mark.thorough
def test_password_given_last_is_the_one_that_counts(
    new: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("cucmsh.services.nodes.init.make_identity", stop_here)
        plan = plan_init(new, make_site)
        with pytest.raises(Interrupted):
            make(plan.site, plan, Secret(SECURITY), Secret("mistyped"))
    init(new)
    assert_whole(new)


@pytest.mark.thorough
def test_existing_node_is_left_alone(new: NewNode, tmp_path: Path) -> None:
    init(new)
    before = tree(tmp_path)
    with pytest.raises(RefusedError, match="is there already"):
        plan_init(new, make_site)
    elsewhere = str(tmp_path / "other.toml")
    with pytest.raises(RefusedError, match="holds a node or other things"):
        plan_init(new._replace(configuration=elsewhere), make_site)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": "not_a_name", "publisher": "not_a_name"}, "no host name"),
        ({"name": "", "publisher": ""}, "is empty"),
        ({"domain": "exa mple.org"}, "no domain"),
        ({"subject": "O=example;X=1"}, "no part of a certificate subject"),
        ({"subject": "CN=me;O=example"}, "holds a CN"),
        ({"subject": "OU=it,O=example"}, "holds a comma"),
        ({"domain": f"{'a' * 45}.org"}, "ITLRECOVERY_ before it"),
        ({"services": ("tftp", "dns")}, "none of tftp, tvs, capf"),
        ({"service_commands": "tftpd-hpa"}, "systemd:UNIT"),
    ],
)
def test_impossible_node_is_refused_before_anything_is_made(
    new: NewNode, tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        plan_init(new._replace(**change), make_site)  # type: ignore[arg-type]
    assert tree(tmp_path) == []


def test_weak_password_makes_nothing(new: NewNode, tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        init(new, "short")
    assert tree(tmp_path) == []


@pytest.mark.parametrize("ccm", ["7 chars", "aaaaaaaaaaaa", "12345678", SECURITY])
def test_weak_ccm_password_makes_nothing(
    new: NewNode, tmp_path: Path, ccm: str
) -> None:
    plan = plan_init(new, make_site)
    with pytest.raises(RefusedError, match="the CCM Administrator password"):
        make(plan.site, plan, Secret(SECURITY), Secret(ccm))
    assert tree(tmp_path) == []


# Made anew on purpose


def contents(root: Path) -> dict[str, bytes]:
    """Every file but the notes of locks, by its path."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def assert_kept(before: dict[str, bytes], config: bytes, folder: Path) -> None:
    kept = contents(folder)
    assert kept.pop("cucmsh.toml") == config
    kept.pop("state/init.toml", None)  # of an init that was interrupted before
    assert kept == {
        name: raw
        for name, raw in before.items()
        if not name.startswith(("log/", "earlier/")) and name != "state/init.toml"
    }


@pytest.mark.thorough
def test_node_made_anew_keeps_all_that_was_there_aside(new: NewNode) -> None:
    site = init(new)
    compose_for_start(site)
    served = site.tftp.read("ITLFile.tlv")
    Keystore(site).adopt(Keystore(site).credential(Unit.TVS))  # any will do
    home, config = Path(new.home), Path(new.configuration).read_bytes()
    before = contents(home)
    other = new._replace(name="two", publisher="two", domain="example.com")
    init(other, "another long password 9", again=True)
    assert_whole(other)
    assert_kept(before, config, home / "earlier" / "1")
    assert (home / "earlier").stat().st_mode & 0o777 == 0o700
    assert site.tftp.read("ITLFile.tlv") == served
    key = "security/ITLRecovery/ITLRecovery.p12"
    assert (home / key).read_bytes() != before[key]
    assert read_settings(new.configuration).node.name == "two"
    init(new, again=True)
    assert sorted(os.listdir(home / "earlier")) == ["1", "2"]
    assert_kept(before, config, home / "earlier" / "1")


@pytest.mark.thorough
def test_node_whose_configuration_is_broken_or_lost_is_made_anew(new: NewNode) -> None:
    init(new)
    Path(new.configuration).write_text("[node")
    init(new, again=True)
    assert Path(new.home, "earlier/1/cucmsh.toml").read_text() == "[node"
    Path(new.configuration).unlink()
    init(new, again=True)
    assert_whole(new)
    assert not Path(new.home, "earlier/2/cucmsh.toml").exists()


@pytest.mark.thorough
def test_again_where_nothing_is_or_another_node_is_meant_is_refused(
    new: NewNode, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match="no node in"):
        plan_init(new, make_site, again=True)
    assert tree(tmp_path) == []
    init(new)
    before = contents(tmp_path)
    with pytest.raises(RefusedError, match="describes the node in"):
        plan_init(new._replace(home=str(tmp_path / "new")), make_site, again=True)
    assert contents(tmp_path) == before


@pytest.mark.thorough
@pytest.mark.parametrize("lock", ["node_lock", "signing_lock", "cluster_lock"])
def test_again_is_refused_while_another_process_changes_the_node(
    new: NewNode, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    """A TFTP start that composes, a signing, a reset."""
    site = init(new)
    before = contents(Path(new.home))
    monkeypatch.setattr("cucmsh.services.site.NODE_LOCK_SECONDS", 0)
    words = () if lock == "signing_lock" else ("a reset",)
    with getattr(site, lock)(*words), pytest.raises(BusyError):
        init(new, again=True)
    assert contents(Path(new.home)) == before
    init(new, again=True)
    assert_whole(new)


@pytest.mark.thorough
@pytest.mark.parametrize("verb", ["stage", "commit", "move"])
def test_again_that_died_anywhere_is_finished_by_another(
    new: NewNode, tmp_path: Path, verb: str
) -> None:
    points = 0
    while True:
        points += 1
        own = new._replace(
            home=str(tmp_path / f"{points}" / "home"),
            configuration=str(tmp_path / f"{points}" / "cucmsh.toml"),
            tftp_directory=str(tmp_path / f"{points}" / "tftp"),
        )
        init(own)
        before, config = contents(Path(own.home)), Path(own.configuration).read_bytes()
        with pytest.MonkeyPatch.context() as patch:
            has_died = (
                interrupt_moves_after(patch, points)
                if verb == "move"
                else interrupt_after(patch, points, verb)
            )
            with contextlib.suppress(Interrupted):
                init(own, "another long password 9", again=True)
            if not has_died():
                break
        if Path(own.home, "state/init-again").exists():
            with pytest.raises(RefusedError, match="was interrupted here"):
                plan_init(own, make_site)
        init(own, "another long password 9", again=True)
        for litter in Path(own.home).rglob(".cucmsh-*"):
            litter.unlink()
        assert_whole(own)
        assert os.listdir(Path(own.home, "earlier")) == ["1"]
        assert_kept(before, config, Path(own.home, "earlier/1"))
    assert points > (3 if verb == "move" else 15)


def interrupt_moves_after(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> Callable[[], bool]:
    real, left = folders.move, [steps]

    def dying(path: str, target: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted
        real(path, target)

    monkeypatch.setattr(folders, "move", dying)
    return lambda: left[0] <= 0


def test_foreign_folder_is_left_alone(new: NewNode) -> None:
    Path(new.home).mkdir(parents=True)
    Path(new.home, "thesis.tex").write_text("years of work")
    with pytest.raises(RefusedError, match="holds a node or other things"):
        plan_init(new, make_site)


def test_file_in_the_way_is_named(new: NewNode, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(StoreError, match="var"):
        plan_init(new, make_site)


def test_tftp_never_serves_the_home(new: NewNode, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "var")
    for served in ("var/home/tftp", "var", "var/home", "link", "link/home/tftp"):
        with pytest.raises(UsageError, match="TFTP would serve the keys"):
            plan_init(new._replace(tftp_directory=str(tmp_path / served)), make_site)
