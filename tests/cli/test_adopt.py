"""`cucmsh adopt`, `init publisher --adopt-list`: options, questions, exit status."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cucmsh.cli import adopt as verb
from cucmsh.cli import init as init_verb
from cucmsh.cli.init_parser import init_parser
from cucmsh.cli.node_options import Invocation
from cucmsh.config.settings import read_settings
from cucmsh.errors import (
    CancelledError,
    ConfigurationError,
    CucmshError,
    KeyFileError,
    RefusedError,
    UsageError,
    WrongPasswordError,
)
from cucmsh.secret import Secret
from cucmsh.services.adoption.material import Request
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.site import Site
from cucmsh.trustlist.tags import Role
from tests.services import holder
from tests.services.adoption.elsewhere import (
    PASSWORD,
    Elsewhere,
    certificate_file,
    credential,
    ready_cluster,
)
from tests.services.callers import called
from tests.services.made_cluster import (
    CCM,
    SECURITY,
    MadeCluster,
    cheap_questions,
    start_tftp,
)

pytestmark = pytest.mark.thorough

CONTROL_C = "^C"


class Typing:
    """A ``Prompter``: answers in order, and remembers what was said and asked."""

    helpful = True
    is_unread = False

    def __init__(self, *answers: str) -> None:
        self._answers = [*answers]
        self.said: list[str] = []
        self.asked: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    def say(self, text: str = "") -> None:
        self.said.append(text)

    def ask(self, question: str) -> str:
        self.asked.append(question)
        assert self._answers, f"nobody answers {question!r}"
        answer = self._answers.pop(0)
        if answer == CONTROL_C:
            raise CancelledError("Control-C pressed")
        return answer

    def ask_secret(self, question: str, mask: str = "") -> Secret:
        assert not mask
        return Secret(self.ask(question))

    def ask_again(self, question: str, reason: str) -> None:
        assert question
        self.said.append(reason)


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


@pytest.fixture
def there(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "old")


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    return ready_cluster(tmp_path / "new")


Adopt = Callable[..., int]


@pytest.fixture
def adopt(cluster: MadeCluster, there: Elsewhere) -> Adopt:
    """Run the verb with a list and, unless others are named, its key."""
    path = str(there.serve())

    def adopt(
        typing: Typing, *argv: object, keys: Sequence[object] | None = None
    ) -> int:
        named = [there.key_file()] if keys is None else keys
        words = ["--adopt-list", path]
        for key in named:
            words += ["--adopt-key", str(key)]
        given = verb.read([*words, *map(str, argv)])
        return verb.run_on(given, typing, lambda: cluster.site)

    return adopt


def from_lines(*lines: str) -> int:
    """A descriptor that gives these lines."""
    read, write = os.pipe()
    os.write(write, "".join(f"{line}\n" for line in lines).encode())
    os.close(write)
    return read


def has_adopted(cluster: MadeCluster) -> bool:
    return bool([*Keystore(cluster.site).adopted()])


# What is read


def test_options_may_come_several_times() -> None:
    given = verb.read(
        [
            *("--adopt-list", "a", "--adopt-list", "tftp://b", "--adopt-key", "c"),
            *("--held", "d", "--adopt-record", "ccm+tftp=e", "--adopt-record", "8=f"),
            *("--adopt-capf", "g"),
        ]
    )
    assert given.request == Request(
        lists=("a", "tftp://b"),
        keys=("c",),
        capf="g",
        held=("d",),
        records=((Role.CCM_TFTP, "e"), (8, "f")),
    )


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--adopt-key", "x"],
        ["--adopt-list", ""],
        ["--adopt-list", "a", "--adopt-record", "phone=x"],
        ["--adopt-list", "a", "--adopt-record", "tftp"],
        ["--adopt-list", "a", "--adopt-record", "65536=x"],
        ["--adopt-list", "a", "--json"],
        ["--adopt-list", "a", "--adopt-capf", "x", "--adopt-capf", "y"],
        ["--adopt-list", "a", "--secrets-fd", "x"],
    ],
)
def test_wrong_options_are_wrong_use(argv: list[str]) -> None:
    with pytest.raises(UsageError) as refusal:
        verb.read(argv)
    assert "adopt" in refusal.value.advice


# What is asked


def test_the_plan_is_shown_and_agreed_to(cluster: MadeCluster, adopt: Adopt) -> None:
    typing = Typing("yes")
    assert adopt(typing) == 0
    assert typing.asked == ["Adopt this (yes/no)? "]
    assert "Does a phone take it" in typing.said[1]
    assert "utils service restart Cisco Tftp" in typing.said[-1]
    assert has_adopted(cluster)


@pytest.mark.parametrize("answer", ["no", CONTROL_C])
def test_who_does_not_agree_changes_nothing(
    cluster: MadeCluster, adopt: Adopt, answer: str
) -> None:
    before = cluster.tree()
    with pytest.raises(CancelledError):
        adopt(Typing(answer))
    assert cluster.tree() == before


def test_yes_agrees_unasked(cluster: MadeCluster, adopt: Adopt) -> None:
    assert adopt(Typing(), "--yes") == 0
    assert has_adopted(cluster)


def test_a_dry_run_asks_and_changes_nothing(cluster: MadeCluster, adopt: Adopt) -> None:
    before = cluster.tree()
    assert adopt(Typing(), "--dry-run") == 0
    lost = Typing()
    assert adopt(lost, "--dry-run", keys=()) == 1
    assert "LOST" in lost.text
    assert cluster.tree() == before


def test_the_password_of_a_key_file_is_asked_three_times(
    cluster: MadeCluster, adopt: Adopt, there: Elsewhere
) -> None:
    path = there.pkcs12()
    typing = Typing("x", "y", PASSWORD, "yes")
    assert adopt(typing, keys=[path]) == 0
    assert typing.asked[:3] == [f"Password of {path} :"] * 3
    before = cluster.tree()
    with pytest.raises(WrongPasswordError, match="3 wrong passwords; nothing"):
        adopt(Typing("x", "y", "z"), keys=[path])
    with pytest.raises(CancelledError):
        adopt(Typing(CONTROL_C), keys=[path])
    assert cluster.tree() == before


def test_a_lost_key_needs_a_typed_yes_that_yes_does_not_give(
    cluster: MadeCluster, adopt: Adopt
) -> None:
    before = cluster.tree()
    for answer in ("no", CONTROL_C):
        with pytest.raises(CancelledError):
            adopt(Typing(answer), "--yes", keys=())
    with pytest.raises(RefusedError, match="only a person can agree to"):
        adopt(Typing(), "--secrets-fd", from_lines(), keys=())
    assert cluster.tree() == before
    typing = Typing("yes")
    assert adopt(typing, "--yes", keys=()) == 0
    assert typing.asked == ["Go on without them (yes/no)? "]


def test_a_list_of_another_signer_is_believed_by_its_sha1_only(
    cluster: MadeCluster, adopt: Adopt, there: Elsewhere
) -> None:
    raw = (there.folder / "ITLFile.tlv").read_bytes()
    sha1 = hashlib.sha1(raw).hexdigest()
    second = there.key_file(there.second)
    for answers, records in (
        (("",), 0),
        (("00:11", "x", "y"), 0),
        ((sha1.upper(),), 2),
        ((" ".join(sha1),), 2),
    ):
        typing = Typing(*answers, "no")
        with pytest.raises(CancelledError):
            adopt(
                typing, "--dry-run" if False else "--held", there.folder, keys=[second]
            )
        assert sha1 not in typing.said[1]  # it has to come from elsewhere
        count = typing.text.count(", from list 1\n")
        assert count == records, typing.text
    with pytest.raises(CancelledError):
        adopt(Typing(CONTROL_C), "--yes", keys=[second])
    assert not has_adopted(cluster)


def test_yes_says_nothing_of_whom_to_believe(
    cluster: MadeCluster, adopt: Adopt, there: Elsewhere
) -> None:
    second = there.key_file(there.second)
    typing = Typing("")
    assert adopt(typing, "--yes", keys=[second]) == 0
    assert typing.asked[0].startswith("Its SHA-1")
    silent = Typing()
    assert adopt(silent, "--secrets-fd", from_lines(), keys=[second]) == 0
    assert "nobody typed its SHA-1" in silent.text


def test_an_expired_certificate_needs_a_typed_yes(
    cluster: MadeCluster, there: Elsewhere, adopt: Adopt
) -> None:
    there.signer = credential("expired.example", days=3)
    there.serve()
    key = [there.key_file()]
    for answer in ("no", CONTROL_C):
        with pytest.raises(CancelledError):
            adopt(Typing(answer), keys=key)
    typing = Typing("yes", "yes")
    assert adopt(typing, keys=key) == 0
    assert typing.asked[0] == "Use it all the same (yes/no)? "
    assert "expired on 2013-12-01" in typing.text


def test_passwords_from_a_descriptor_are_one_for_each_protected_file(
    cluster: MadeCluster, adopt: Adopt, there: Elsewhere
) -> None:
    capf = there.pkcs12(there.capf, "capf")
    keys = [there.key_file(), there.pkcs12()]
    argv = ["--adopt-capf", capf, "--secrets-fd"]
    assert adopt(Typing(), *argv, from_lines(PASSWORD, "capf"), keys=keys) == 0
    with pytest.raises(UsageError, match="2 line"):
        adopt(Typing(), *argv, from_lines(PASSWORD), keys=keys)
    with pytest.raises(WrongPasswordError, match="does not open with the password"):
        adopt(Typing(), *argv, from_lines("wrong", "capf"), keys=keys)


def test_a_stranger_key_is_refused_before_any_question(
    cluster: MadeCluster, adopt: Adopt, there: Elsewhere
) -> None:
    with pytest.raises(KeyFileError, match="no key that phones believe"):
        adopt(Typing(), keys=[there.key_file(credential("stranger"))])
    with pytest.raises(CucmshError, match="is not there"):
        adopt(Typing(), keys=["/nothing"])


# With init


@pytest.fixture
def make(tmp_path: Path, there: Elsewhere, cluster: MadeCluster) -> Callable[..., int]:
    """Run `init publisher` with a list and its key."""
    path = str(there.serve())

    def make_site(settings: object) -> Site:
        site = Site(settings, cluster.clock, cluster.site.backends)  # type: ignore[arg-type]
        return called(site)

    def make(typing: Typing, *argv: object, role: str = "publisher") -> int:
        words = [
            *(role, "--name", "pub", "--home", str(tmp_path / "made" / "home")),
            *("--tftp-directory", str(tmp_path / "made" / "tftp")),
            *("--adopt-list", path),
        ]
        given = init_parser().read([*words, *map(str, argv)])
        where = str(tmp_path / "made" / "cucmsh.toml")
        invocation = Invocation(where, False, ["cucmsh"], "cucmsh")
        return init_verb.init(given, invocation, typing, make_site)

    return make


def test_a_new_node_serves_at_once_what_phones_of_the_old_one_take(
    make: Callable[..., int], there: Elsewhere, tmp_path: Path, cluster: MadeCluster
) -> None:
    fd = from_lines(SECURITY, CCM, PASSWORD)
    typing = Typing()
    argv = ("--adopt-key", there.pkcs12(), "--secrets-fd", fd)
    assert make(typing, *argv) == 0
    assert "Does a phone take it" in typing.text
    settings = read_settings(str(tmp_path / "made" / "cucmsh.toml"))
    assert [record.role for record in settings.cluster.records] == [
        Role.TFTP,
        Role.APPLICATION_SERVER,
    ]
    site = called(Site(settings, cluster.clock, cluster.site.backends))
    start_tftp(site)
    held = (there.folder / "ITLFile.tlv").read_bytes()
    assert holder.takes(held, site.tftp.read("ITLFile.tlv"))


def test_what_cannot_be_used_is_found_before_anything_is_made(
    make: Callable[..., int], there: Elsewhere, tmp_path: Path
) -> None:
    stranger = there.key_file(credential("stranger"))
    for argv in (
        ("--adopt-key", stranger, "--yes"),
        ("--adopt-key", "/nothing", "--yes"),
        ("--adopt-key", there.key_file(), "--held", "/nothing", "--yes"),
    ):
        with pytest.raises(CucmshError):
            make(Typing(SECURITY, SECURITY, CCM, CCM), *argv)
        assert not (tmp_path / "made").exists()


def test_a_dry_run_of_a_new_node_makes_nothing(
    make: Callable[..., int], there: Elsewhere, tmp_path: Path
) -> None:
    fd = from_lines(SECURITY, CCM)
    typing = Typing()
    argv = ("--adopt-key", there.key_file(), "--dry-run", "--secrets-fd", fd)
    assert make(typing, *argv) == 0
    assert "an adopted key" in typing.text
    assert not (tmp_path / "made").exists()


def test_a_node_that_was_made_and_adopted_nothing_says_so(
    make: Callable[..., int], there: Elsewhere, tmp_path: Path
) -> None:
    typing = Typing("yes", SECURITY, SECURITY, CCM, CCM, "no")
    with pytest.raises(CancelledError):
        make(typing, "--adopt-key", there.key_file())
    assert (tmp_path / "made" / "cucmsh.toml").exists()
    assert "The node is made, and nothing was adopted" in typing.said[-1]


def test_a_subscriber_adopts_when_it_belongs_to_a_cluster(
    make: Callable[..., int],
) -> None:
    with pytest.raises(UsageError, match="is for a publisher"):
        make(Typing(), "--publisher", "first", role="subscriber")


def test_a_third_sast_is_refused_by_the_name_of_the_setting(
    cluster: MadeCluster, adopt: Adopt, there: Elsewhere
) -> None:
    before = cluster.tree()
    given = certificate_file(there.second.certificate)
    with pytest.raises(ConfigurationError, match=r"cluster\.records: ") as refusal:
        adopt(Typing(), "--yes", "--adopt-record", f"sast={given}")
    assert "sast_records" in refusal.value.advice
    assert cluster.tree() == before


def test_what_becomes_of_a_ctl_is_said(
    cluster: MadeCluster, adopt: Adopt, there: Elsewhere
) -> None:
    there.serve(there.sealed(name="CTLFile.tlv"))
    typing = Typing()
    assert adopt(typing, "--dry-run", "--held", there.folder) == 0
    assert "A CTL is never signed anew here" in typing.text


def test_a_dry_run_belongs_to_an_adoption(
    make: Callable[..., int], there: Elsewhere
) -> None:
    with pytest.raises(UsageError, match="--dry-run is for"):
        make(Typing(), "--adopt-key", there.key_file(), "--dry-run", "--again")
    given = ["publisher", "--name", "pub", "--adopt-key", "x"]
    with pytest.raises(UsageError, match="Without --adopt-list"):
        init_verb.init(
            init_parser().read(given),
            Invocation("/x", False, ["cucmsh"], "cucmsh"),
            Typing(),
            lambda _: pytest.fail("nothing is opened"),
        )
