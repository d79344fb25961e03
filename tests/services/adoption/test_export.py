"""`cucmsh export`: what leaves a node, for whom, and what never happens on the way."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.cli.export import export_parser, export_to
from cucmsh.errors import (
    CancelledError,
    HalfDoneError,
    RefusedError,
    StoreError,
    UsageError,
)
from cucmsh.layout import CTL_FILE, LIST_FILE
from cucmsh.pki.key_content import holds_private_key
from cucmsh.pki.model import Unit
from cucmsh.services.adoption import export_folder
from cucmsh.services.adoption.export_folder import private_folder
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.records.history import History
from cucmsh.shell.scripted import ScriptedDialog
from cucmsh.storage.local import LocalStore
from cucmsh.trustlist.decode import decode
from tests.services.adoption.elsewhere import Elsewhere
from tests.services.made_cluster import (
    SECURITY,
    MadeCluster,
    cheap_questions,
    made_cluster,
    started_cluster,
)

pytestmark = pytest.mark.thorough

QUESTION, PASSWORD = "(yes/no)", "cluster security password"
YES = [(QUESTION, "yes"), (PASSWORD, SECURITY)]


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    """A publisher whose phones have a signed file each."""
    made = started_cluster(tmp_path / "cluster", keep_trust=True)
    folder = Path(made.site.node.tftp_directory)
    for name in ("SEP1.cnf.xml", "Desktops/320x212x16/List.xml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("<device/>")
    made.publisher.start()
    return made


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


class Done:
    """An export that ran, and its folder."""

    def __init__(self, status: int, said: str, folder: Path) -> None:
        self.status, self.said, self.folder = status, said, folder

    @property
    def names(self) -> set[str]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)) for path in found}

    @property
    def readme(self) -> str:
        return (self.folder / "README.txt").read_text()

    def section(self, title: str) -> str:
        return self.readme.split(f"\n{title}\n")[1].split("\n\n")[0]


def exported(
    made: MadeCluster,
    out: Path,
    *words: str,
    answers: list[tuple[str, str]] | None = None,
    node: str = "",
) -> Done:
    given = export_parser().read([str(out), *words])
    member = made.members[node] if node else made.publisher
    with ScriptedDialog(YES if answers is None else answers) as dialog:
        status = export_to(given, dialog, member.site)
    return Done(status, dialog.text, out)


def openssl(*words: str, given: bytes = b"") -> bytes:
    done = subprocess.run(
        ["openssl", *words], input=given, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_keys_lists_signed_files_and_certificates_are_there(
    cluster: MadeCluster, out: Path
) -> None:
    before = cluster.tree()
    done = exported(cluster, out)
    assert done.status == 0, done.said
    assert {name for name in done.names if not name.startswith(("held", "cert"))} == {
        *("keys/CallManager.pem", "keys/ITLRecovery.pem", "keys/ITLRecovery.p12"),
        *("keys/CAPF.pem", "tftp/ITLFile.tlv", "tftp/SEP1.cnf.xml.sgn"),
        *("tftp/Desktops/320x212x16/List.xml.sgn", "README.txt"),
    }
    tftp = Path(cluster.site.node.tftp_directory)
    for name in (name for name in done.names if name.startswith("tftp/")):
        original = tftp / name.removeprefix("tftp/")
        assert (out / name).read_bytes() == original.read_bytes()
    assert (out / "keys/ITLRecovery.p12").read_bytes() == cluster.key_file()
    served = decode(cluster.publisher.raw)
    certificates = {
        openssl("x509", "-outform", "DER", given=path.read_bytes())
        for path in (out / "certificates").iterdir()
    }
    assert {r.certificate for r in served.records if r.certificate} <= certificates
    # CAPF and TVS stand in the list as hashes.
    words = sorted(
        path.name.rpartition("-")[0] for path in (out / "certificates").iterdir()
    )
    assert words == ["capf", "sast", "sast-tftp", "sast-tftp", "tvs", "tvs"]
    held = [path.read_bytes() for path in (out / "held").iterdir()]
    assert set(held) == {cluster.publisher.raw, cluster.subscriber.raw}
    assert cluster.tree() == before


def test_openssl_signs_with_each_key_and_verifies_with_its_certificate(
    cluster: MadeCluster, out: Path, tmp_path: Path
) -> None:
    exported(cluster, out)
    keys = sorted((out / "keys").glob("*.pem"))
    assert len(keys) == 3
    for key in keys:
        openssl("pkey", "-in", str(key), "-check", "-noout")
        public, mark = tmp_path / "public", tmp_path / "signature"
        public.write_bytes(openssl("x509", "-in", str(key), "-pubkey", "-noout"))
        mark.write_bytes(openssl("dgst", "-sha512", "-sign", str(key), given=b"a list"))
        checked = ["-verify", str(public), "-signature", str(mark)]
        said = openssl("dgst", "-sha512", *checked, given=b"a list")
        assert said == b"Verified OK\n"
    words = ["-in", str(out / "keys/ITLRecovery.p12"), "-passin", "stdin", "-nokeys"]
    packed = openssl("pkcs12", *words, given=SECURITY.encode())
    certificate = openssl("x509", "-outform", "DER", given=packed)
    pem = (out / "keys/ITLRecovery.pem").read_bytes()
    assert certificate == openssl("x509", "-outform", "DER", given=pem)


def test_each_file_is_as_readable_as_what_it_holds(
    cluster: MadeCluster, out: Path
) -> None:
    old = os.umask(0)
    try:
        done = exported(cluster, out)
    finally:
        os.umask(old)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    for name in done.names:
        mode = stat.S_IMODE((out / name).stat().st_mode)
        is_key = holds_private_key((out / name).read_bytes())
        assert (mode, is_key) == ((0o600, True) if "keys/" in name else (0o644, False))


def test_lists_only_writes_no_key_and_asks_nothing(
    cluster: MadeCluster, out: Path
) -> None:
    done = exported(cluster, out, "--lists-only", answers=[])
    assert done.status == 0
    assert not (out / "keys").exists()
    assert "tftp/ITLFile.tlv" in done.names
    for name in done.names:
        assert not holds_private_key((out / name).read_bytes()), name
    assert "the ITLRecovery key" in done.section("WHICH KEY MUST SIGN")
    assert "keys/" not in done.readme.split("WITH A TFTP SERVER ALONE")[0]


def test_a_subscriber_hands_out_its_own_keys_only(
    cluster: MadeCluster, out: Path
) -> None:
    done = exported(cluster, out, node="test10sub")
    keys = {name for name in done.names if name.startswith("keys/")}
    assert keys == {"keys/CallManager.pem"}


def test_signer_is_the_key_that_every_kept_list_knows(
    cluster: MadeCluster, out: Path
) -> None:
    done = exported(cluster, out)
    signs = done.section("WHICH KEY MUST SIGN")
    # The subscriber's list knows the recovery key alone.
    assert "    keys/ITLRecovery.pem: the ITLRecovery key, CN=ITLRECOVERY" in signs
    assert "    keys/CallManager.pem" not in signs
    assert "must sign its list with the ITLRecovery key." in done.said
    takes = done.section("WHO TAKES WHAT")
    assert "lies on test10sub" in takes
    assert re.search(r"the CallManager key: REFUSED: The signer CN=test10pub", takes)


def test_an_earlier_key_that_alone_is_known_goes_out_too(
    cluster: MadeCluster, out: Path
) -> None:
    earlier = cluster.publisher.keys.certificate(Unit.CALL_MANAGER)
    for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
        cluster.clock.pass_seconds(3600)
        regenerate(cluster.site, unit)
    done = exported(cluster, out)
    short = earlier.sha256_fingerprint.hex()[:16]
    name = f"keys/CallManager-earlier-{short}.pem"
    assert name in done.names
    takes = done.section("WHO TAKES WHAT").split("held/")
    own = next(part for part in takes if "lies on" not in part and part)
    assert "an earlier CallManager key: taken; files taken" in own
    assert "the CallManager key: REFUSED" in own
    assert "the ITLRecovery key: REFUSED" in own


def test_an_adopted_key_goes_out_and_is_said_to_be_the_signer(
    cluster: MadeCluster, out: Path, tmp_path: Path
) -> None:
    there = Elsewhere(tmp_path / "elsewhere")
    with cluster.site.node_lock("a test"):
        cluster.publisher.keys.adopt(there.signer)
        History(cluster.site).note_held(there.sealed().raw)
    done = exported(cluster, out)
    short = there.signer.certificate.sha256_fingerprint.hex()[:16]
    assert f"keys/adopted-{short}.pem" in done.names
    held = [path.read_bytes() for path in (out / "held").iterdir()]
    assert there.sealed().raw in held
    part = next(
        part
        for part in done.section("WHO TAKES WHAT").split("held/")
        if f"the adopted key {short}: taken; files taken" in part
    )
    assert "the ITLRecovery key: REFUSED" in part


def test_where_no_key_is_known_to_all_it_says_so(
    cluster: MadeCluster, out: Path
) -> None:
    home = Path(cluster.site.settings.home)
    for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
        cluster.clock.pass_seconds(3600)
        regenerate(cluster.site, unit)
    for earlier in home.glob("security/*/*.1"):
        earlier.unlink()
    done = exported(cluster, out)
    assert "No single key is known to all lists" in done.said
    assert "No key of this node is known to all" in done.section("WHICH KEY MUST SIGN")


def test_a_ctl_goes_along_and_its_holders_are_judged(
    cluster: MadeCluster, out: Path, tmp_path: Path
) -> None:
    raw = Elsewhere(tmp_path / "elsewhere").sealed(name=CTL_FILE).raw
    Path(cluster.site.node.tftp_directory, CTL_FILE).write_bytes(raw)
    done = exported(cluster, out)
    assert (out / "tftp" / CTL_FILE).read_bytes() == raw
    takes = done.section("WHO TAKES WHAT")
    assert f"tftp/{CTL_FILE}\n    a CTL" in takes
    assert "takes what either of its lists does" in takes
    # It binds nobody whose ITL knows the signer.
    assert "must sign its list with the ITLRecovery key." in done.said


def test_where_only_a_ctl_is_held_keys_are_chosen_by_it(
    out: Path, tmp_path: Path
) -> None:
    made = made_cluster(tmp_path / "cluster", keep_trust=True)
    folder = Path(made.site.node.tftp_directory)
    folder.mkdir(exist_ok=True)
    raw = Elsewhere(tmp_path / "elsewhere").sealed(name=CTL_FILE).raw
    (folder / CTL_FILE).write_bytes(raw)
    done = exported(made, out)
    assert "No single key is known to all lists that phones may hold." in done.said
    assert "must sign" not in done.said


def test_an_empty_list_is_no_list_and_nothing_is_missing(
    cluster: MadeCluster, out: Path
) -> None:
    Path(cluster.site.node.tftp_directory, CTL_FILE).touch()
    done = exported(cluster, out)
    assert done.status == 0
    assert f"{CTL_FILE} is empty, and so no list." in done.said
    assert f"tftp/{CTL_FILE}" not in done.names


def test_a_key_under_another_name_and_links_stay_here(
    cluster: MadeCluster, out: Path
) -> None:
    tftp = Path(cluster.site.node.tftp_directory)
    pair = Path(cluster.site.settings.home, "security/CallManager/private.pem")
    (tftp / "SEP2.cnf.xml.sgn").write_bytes(pair.read_bytes())
    (tftp / "SEP3.cnf.xml.sgn").symlink_to(pair)
    (tftp / "large.sgn").write_bytes(bytes((1 << 20) + 1))
    done = exported(cluster, out, "--lists-only", answers=[])
    assert done.status == 3
    for name in ("SEP2.cnf.xml.sgn", "SEP3.cnf.xml.sgn", "large.sgn"):
        assert f"Left out: {name}: " in done.said
        assert f"Left out: {name}: " in done.section("WHAT IS NOT HERE")
        assert f"tftp/{name}" not in done.names


def test_a_damaged_key_is_named_and_the_rest_goes_out(
    cluster: MadeCluster, out: Path
) -> None:
    pair = Path(cluster.site.settings.home, "security/CallManager/private.pem")
    pair.write_bytes(b"torn")
    done = exported(cluster, out)
    assert done.status == 3
    assert "Left out: keys/CallManager.pem: the private key is unreadable" in done.said
    assert "keys/ITLRecovery.pem" in done.names


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([(QUESTION, "no")], CancelledError),
        ([(QUESTION, KeyboardInterrupt)], KeyboardInterrupt),
        ([(QUESTION, CancelledError)], CancelledError),
        ([(QUESTION, "yes"), (PASSWORD, KeyboardInterrupt)], KeyboardInterrupt),
        ([(QUESTION, "yes"), (PASSWORD, CancelledError)], CancelledError),
        ([(QUESTION, "yes"), *[(PASSWORD, "another one")] * 3], RefusedError),
    ],
)
def test_nothing_is_written_without_yes_and_the_password(
    cluster: MadeCluster,
    out: Path,
    answers: list[tuple[str, str]],
    error: type[BaseException],
) -> None:
    before = cluster.tree()
    with pytest.raises(error):
        exported(cluster, out, answers=answers)
    assert not out.exists()
    assert cluster.tree() == before


def test_the_password_is_asked_for_again(cluster: MadeCluster, out: Path) -> None:
    answers = [(QUESTION, "yes"), (PASSWORD, "x"), (PASSWORD, ""), (PASSWORD, SECURITY)]
    done = exported(cluster, out, answers=answers)
    assert done.status == 0
    assert done.said.count("That is not the cluster security password.") == 2


def test_a_wrong_answer_of_no_person_ends_it(cluster: MadeCluster, out: Path) -> None:
    given = export_parser().read([str(out)])
    answers = [(QUESTION, "yes"), (PASSWORD, "x")]
    dialog = ScriptedDialog(answers, is_person=False)
    with pytest.raises(UsageError):
        export_to(given, dialog, cluster.site)
    assert not out.exists()


def test_yes_and_a_descriptor_answer_both(cluster: MadeCluster, out: Path) -> None:
    for text, error in ((f"{SECURITY}\n", None), ("another one\n", RefusedError)):
        inner, outer = os.pipe()
        os.write(outer, text.encode())
        os.close(outer)
        folder = out.with_name(f"out-{inner}-{len(text)}")
        words = ["--yes", "--secrets-fd", str(inner)]
        try:
            if error:
                with pytest.raises(error):
                    exported(cluster, folder, *words, answers=[])
                assert not folder.exists()
            else:
                assert exported(cluster, folder, *words, answers=[]).status == 0
        finally:
            os.close(inner)


def refused(cluster: MadeCluster, folder: Path, match: str) -> None:
    before = cluster.tree()
    with pytest.raises((RefusedError, StoreError), match=match):
        exported(cluster, folder, answers=[])
    assert cluster.tree() == before


def test_a_folder_that_is_not_free_is_refused(
    cluster: MadeCluster, out: Path, tmp_path: Path
) -> None:
    out.mkdir()
    (out / ".hidden").touch()
    refused(cluster, out, "is not empty")
    (tmp_path / "file").touch()
    refused(cluster, tmp_path / "file", "is no folder")
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    refused(cluster, tmp_path / "link", "is a symbolic link")
    (tmp_path / "nowhere").symlink_to(tmp_path / "none")
    refused(cluster, tmp_path / "nowhere", "is a symbolic link")
    refused(cluster, tmp_path / "none" / "out", "none is not there")
    assert os.listdir(tmp_path / "target") == []


def test_a_place_where_keys_must_not_be_is_refused(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    tftp = cluster.site.node.tftp_directory
    refused(cluster, Path(tftp, "out"), "lies in the TFTP directory")
    refused(cluster, Path(cluster.site.settings.home, "a"), "in the home of this node")
    (tmp_path / "alias").symlink_to(tftp)
    refused(cluster, tmp_path / "alias" / "out", "lies in the TFTP directory")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    refused(cluster, tmp_path / "open" / "out", "can be changed by others")


def test_an_empty_folder_is_taken_and_narrowed(cluster: MadeCluster, out: Path) -> None:
    out.mkdir()
    out.chmod(0o755)
    assert exported(cluster, out).status == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o700


def test_a_link_that_comes_late_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with (
        pytest.raises(StoreError, match="is a symbolic link"),
        private_folder(str(tmp_path / "link")) as store,
    ):
        store.write("key", b"")
    assert os.listdir(tmp_path / "target") == []


class FullDisk:
    """Lets so many files be written, then the disk is full."""

    def __init__(self, left: int, patch: pytest.MonkeyPatch) -> None:
        self.left = left
        stage = LocalStore.stage

        def staging(store: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> str:
            self.left -= 1
            if self.left < 0:
                raise StoreError(f"{name}: No space left on device")
            return stage(store, name, raw, mode)

        patch.setattr(LocalStore, "stage", staging)


@pytest.mark.parametrize("is_there", [False, True])
def test_a_full_disk_leaves_nothing_behind(
    cluster: MadeCluster, out: Path, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cluster.tree()
    for number in range(100):
        if is_there:
            out.mkdir(exist_ok=True)
        with monkeypatch.context() as patch:
            disk = FullDisk(number, patch)
            try:
                exported(cluster, out)
            except StoreError:
                assert os.listdir(out) == [] if is_there else not out.exists()
                assert cluster.tree() == before
                continue
        assert disk.left >= 0
        assert number > 10
        return
    pytest.fail("it never ends")


def test_what_cannot_be_removed_again_is_named(
    cluster: MadeCluster, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FullDisk(12, monkeypatch)
    monkeypatch.setattr(export_folder, "_empty", lambda *_, **__: None)
    with pytest.raises(HalfDoneError, match=f"written to {out} cannot be removed"):
        exported(cluster, out)


def killed_at(cluster: MadeCluster, out: Path, number: int) -> bool:
    """Export in a child that is killed before that many renames are made."""
    child = os.fork()
    if not child:
        commit, left = LocalStore.commit, number

        def committing(store: LocalStore, temporary: str, name: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            commit(store, temporary, name)

        pytest.MonkeyPatch().setattr(LocalStore, "commit", committing)
        try:
            exported(cluster, out)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def everything_below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def test_killed_at_each_write_it_loses_and_shows_nothing(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    before = cluster.tree()
    old = os.umask(0)
    try:
        number = 0
        while killed_at(cluster, tmp_path / f"out{number}", number):
            out = tmp_path / f"out{number}"
            assert stat.S_IMODE(out.stat().st_mode) == 0o700
            assert not (out / "README.txt").exists()
            for path in everything_below(out):
                if holds_private_key(path.read_bytes()):
                    assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
            assert cluster.tree() == before
            refused(cluster, out, "is not empty") if os.listdir(out) else None
            number += 1
    finally:
        os.umask(old)
    assert number > 10
    assert (tmp_path / f"out{number}" / "README.txt").exists()
    # Keys are in these folders and in the homes, and nowhere else.
    for path in everything_below(tmp_path):
        if holds_private_key(path.read_bytes()):
            top = path.relative_to(tmp_path).parts[0]
            assert top == "cluster" or re.fullmatch(r"out\d+", top), path


def test_names_of_a_stranger_write_no_line_of_their_own(
    cluster: MadeCluster, out: Path
) -> None:
    tftp = Path(cluster.site.node.tftp_directory)
    (tftp / "a\nWITH EVERY TOOL: send me the keys.sgn").write_bytes(b"x")
    done = exported(cluster, out)
    assert done.status == 3
    assert "\nWITH EVERY TOOL" not in done.readme
    assert LIST_FILE in done.readme
