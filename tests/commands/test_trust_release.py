"""``utils itl trust release``, and who says that it is needed."""

from __future__ import annotations

from hashlib import md5
from pathlib import Path

import pytest

from cucmsh.errors import CancelledError, CucmshError, RefusedError
from cucmsh.layout import RECOVERY_FILE
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.nodes.health.doctor import examine
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.records.history import History
from cucmsh.services.records.open_work import login_notice
from cucmsh.shell.dialog import EndOfInput
from cucmsh.shell.scripted import Answer
from tests.commands.calls import TO_CCM, call, dialog_with, run
from tests.services.holder import takes
from tests.services.made_cluster import MadeCluster, made_cluster

RELEASE = "utils itl trust release"
GIVE_UP = "Do you want to give them up (yes/no)? "
REGENERATE = "Proceed with regeneration (yes|no)? "
GO_ON = "Do you want to continue (yes/no)? "


@pytest.fixture
def keeping(tmp_path: Path) -> MadeCluster:
    """A cluster with ``keep_trust`` on from its first start."""
    cluster = made_cluster(tmp_path, keep_trust=True)
    cluster.start()
    return cluster


@pytest.fixture
def bound(keeping: MadeCluster) -> MadeCluster:
    """Its publisher has a new key, which phones of its first list refuse."""
    regenerate(keeping.site, Unit.CALL_MANAGER)
    keeping.publisher.start()
    return keeping


@pytest.mark.thorough
def test_release_shows_who_would_refuse_and_asks(bound: MadeCluster) -> None:
    served = History(bound.site).find(bound.publisher.raw)
    assert served is not None
    raw = bound.publisher.raw
    called = call(bound.site, RELEASE, [(GIVE_UP, "yes")])
    assert called.status == 0
    (given_up,) = (e for e in History(bound.site).entries if e.is_given_up)
    assert given_up.digests.md5 in called.text
    assert given_up.digests.sha1 in called.text
    assert "served on 2014-02-26" in called.text
    assert served.digests.md5 not in called.text.split("would refuse")[-1]
    assert "The next start of Cisco Tftp would sign with the CallManager key" in (
        called.text
    )
    assert bound.publisher.raw == raw  # nothing changes before the next start
    assert bound.publisher.start().startswith("composed ")
    assert not takes(given_up.trust_list.raw, bound.publisher.raw)
    assert takes(raw, bound.publisher.raw)
    assert login_notice(bound.site) == ""
    with pytest.raises(RefusedError, match="nothing to end"):
        call(bound.site, RELEASE)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "answer", ["no", CancelledError, EndOfInput, KeyboardInterrupt, EOFError]
)
def test_anything_but_yes_gives_nobody_up(bound: MadeCluster, answer: Answer) -> None:
    before = bound.tree()
    with (
        dialog_with([(GIVE_UP, answer)]) as dialog,
        pytest.raises((CucmshError, KeyboardInterrupt, EOFError)),
    ):
        run(dialog, bound.site, RELEASE)
    assert bound.tree() == before


@pytest.mark.thorough
def test_all_who_should_say_so_say_so(bound: MadeCluster) -> None:
    told = (
        "signed with the ITLRecovery key; if the CallManager key signed, phones that "
    )
    assert f"{told}hold the ITL with MD5 " in login_notice(bound.site)
    assert RELEASE in login_notice(bound.site)
    assert any(RELEASE in finding.what for finding in examine(bound.site))
    bound.clock.pass_seconds(301)
    said = call(bound.site, "set cert regen TVS", [(REGENERATE, "yes")])
    assert RELEASE in said.text.split(REGENERATE)[0]
    call(bound.site, RELEASE, [(GIVE_UP, "yes")])
    assert "takes effect when Cisco Tftp starts next" in login_notice(bound.site)


@pytest.mark.thorough
@pytest.mark.parametrize("unit", ["CallManager", "ITLRecovery"])
def test_a_regeneration_says_what_follows(keeping: MadeCluster, unit: str) -> None:
    called = call(keeping.site, f"set cert regen {unit}", [(REGENERATE, "yes")])
    assert f"do not know the new {unit} key" in called.text
    assert f"until `{RELEASE}` ends it" in called.text
    keeping.clock.pass_seconds(301)
    called = call(keeping.site, "set cert regen TVS", [(REGENERATE, "yes")])
    assert RELEASE not in called.text
    keeping.clock.pass_seconds(301)
    line = f"set cert regen {unit}"
    called = call(keeping.site, line, [(REGENERATE, "yes")], helpful=False)
    assert RELEASE not in called.text


@pytest.mark.thorough
def test_nothing_is_released_where_nothing_binds(keeping: MadeCluster) -> None:
    with pytest.raises(RefusedError, match="nothing to end"):
        call(keeping.site, RELEASE)


def test_with_keep_trust_off_nothing_is_released(cluster: MadeCluster) -> None:
    with pytest.raises(RefusedError, match="keep_trust is off"):
        call(cluster.site, RELEASE)


@pytest.mark.thorough
def test_a_subscriber_has_a_release_of_its_own(keeping: MadeCluster) -> None:
    site = keeping.subscriber.site
    call(keeping.site, "utils itl reset localkey", [TO_CCM])
    assert keeping.subscriber.start().startswith("kept ")
    kept = keeping.subscriber.raw
    assert RELEASE in login_notice(site)
    called = call(site, RELEASE, [(GIVE_UP, "yes")])
    assert "would sign with the CallManager key" in called.text
    assert keeping.subscriber.start().startswith("composed ")
    assert not takes(kept, keeping.subscriber.raw)
    assert [e for e in History(keeping.site).entries if e.is_given_up] == []


@pytest.mark.thorough
def test_a_reset_that_a_kept_list_refuses_asks_first(keeping: MadeCluster) -> None:
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    before = keeping.tree()
    reset = "utils itl reset localkey"
    with (
        dialog_with([TO_CCM, (GO_ON, "yes"), (GO_ON, "no")]) as dialog,
        pytest.raises(CancelledError),
    ):
        run(dialog, keeping.site, reset)
    held = History(keeping.site).find(keeping.publisher.raw)
    assert held is not None
    assert f"MD5 {held.digests.md5}" in dialog.text
    assert keeping.tree() == before
    call(keeping.site, reset, [TO_CCM, (GO_ON, "yes"), (GO_ON, "yes")])


@pytest.mark.thorough
def test_a_key_file_from_a_backup_is_refused_and_names_remotekey(
    keeping: MadeCluster,
) -> None:
    old = {
        name: keeping.site.home.read(name)
        for name in (RECOVERY_FILE, "security/ITLRecovery/ITLRecovery.pem")
    }
    keeping.clock.pass_seconds(1)
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    keeping.publisher.start()
    served = keeping.publisher.raw
    for name, raw in old.items():  # restored
        keeping.site.home.write(name, raw)
    assert "utils itl reset remotekey" in keeping.publisher.start()
    assert keeping.publisher.raw == served
    assert "utils itl reset remotekey" in login_notice(keeping.site)
    with (
        dialog_with([TO_CCM]) as dialog,
        pytest.raises(RefusedError, match="older than the ITLRECOVERY") as refused,
    ):
        run(dialog, keeping.site, "utils itl reset localkey")
    assert "utils itl reset remotekey" in refused.value.advice
    call(keeping.site, RELEASE, [(GIVE_UP, "yes")])  # the later key is lost for good
    assert keeping.publisher.start().startswith("composed ")


@pytest.mark.thorough
def test_earlier_keys_are_the_owners_alone_and_go_when_nothing_needs_them(
    bound: MadeCluster,
) -> None:
    folder = Path(bound.site.settings.home, "security/CallManager")
    (earlier,) = folder.glob("private.pem.*")
    assert earlier.stat().st_mode & 0o777 == 0o600
    earlier.chmod(0o644)
    open_to_others = [f.what for f in examine(bound.site) if f.level is Level.FAIL]
    assert any(str(earlier) in what for what in open_to_others)
    call(bound.site, RELEASE, [(GIVE_UP, "yes")])
    assert not list(folder.glob("private.pem.*"))


@pytest.mark.thorough
def test_doctor_names_a_damaged_history_and_a_release_ends_it(
    bound: MadeCluster,
) -> None:
    path = next(Path(bound.site.settings.home, "state/served").iterdir())
    path.write_bytes(b"garbage")
    assert any("holds no list that verifies" in f.what for f in examine(bound.site))
    called = call(bound.site, RELEASE, [(GIVE_UP, "yes")])
    assert "Not known any more, and to be removed" in called.text
    assert not path.exists()


@pytest.mark.thorough
def test_a_member_refuses_a_list_that_its_phones_would_until_a_person_agrees(
    keeping: MadeCluster,
) -> None:
    """The publisher gave up phones of its own; nobody spoke of the member's."""
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    first = keeping.subscriber.raw
    keeping.start()  # both lists name the new key from now on
    served = keeping.subscriber.raw
    history = History(keeping.site)
    history.give_up(history.entries)
    reset = "utils itl reset localkey"
    called = call(keeping.site, reset, [TO_CCM])
    assert called.status == 3
    assert "pending: test10sub" in called.text
    assert f"`{RELEASE}` on test10sub gives them up" in called.text
    assert keeping.subscriber.raw == served
    call(keeping.subscriber.site, RELEASE, [(GIVE_UP, "yes")])
    assert call(keeping.site, reset, [TO_CCM]).status == 0
    assert keeping.subscriber.raw == keeping.publisher.raw
    assert not takes(first, keeping.subscriber.raw)


@pytest.mark.thorough
def test_who_agreed_to_a_reset_is_not_asked_the_same_by_its_next_try(
    keeping: MadeCluster,
) -> None:
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    keeping.subscriber.refuses.add("install-list")
    reset = "utils itl reset localkey"
    yes = (GO_ON, "yes")
    assert call(keeping.site, reset, [TO_CCM, yes, yes]).status == 3
    keeping.subscriber.refuses.clear()
    assert call(keeping.site, reset, [TO_CCM]).status == 0
    assert keeping.subscriber.raw == keeping.publisher.raw


@pytest.mark.thorough
def test_the_next_try_asks_about_a_list_that_was_out_of_sight(
    keeping: MadeCluster,
) -> None:
    """Of the phones of a node that was dead nobody was told, and nobody agreed."""
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    held = md5(keeping.subscriber.raw).hexdigest()
    keeping.subscriber.is_dead = True
    reset = "utils itl reset localkey"
    yes = (GO_ON, "yes")
    called = call(keeping.site, reset, [TO_CCM, yes, yes])
    assert (called.status, held in called.text) == (3, False)
    keeping.subscriber.is_dead = False
    called = call(keeping.site, reset, [TO_CCM, yes])
    assert (called.status, held in called.text) == (0, True)
    assert keeping.subscriber.raw == keeping.publisher.raw


@pytest.mark.thorough
def test_a_yes_about_phones_of_the_publisher_gives_none_of_a_member_up(
    keeping: MadeCluster,
) -> None:
    """The member's present list takes the reset; an earlier one, unseen, does not."""
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    keeping.subscriber.start()
    served = keeping.subscriber.raw
    reset = "utils itl reset localkey"
    yes = (GO_ON, "yes")
    called = call(keeping.site, reset, [TO_CCM, yes, yes])
    assert called.status == 3
    assert f"`{RELEASE}` on test10sub gives them up" in called.text
    assert keeping.subscriber.raw == served


@pytest.mark.thorough
def test_a_yes_to_another_question_gives_no_phones_up(keeping: MadeCluster) -> None:
    regenerate(keeping.site, Unit.ITL_RECOVERY)
    keeping.start()
    served = keeping.subscriber.raw
    history = History(keeping.site)
    history.give_up(history.entries)
    keeping.clock.pass_seconds(6 * 366 * 86400)
    reset = "utils itl reset localkey"
    called = call(keeping.site, reset, [TO_CCM, (GO_ON, "yes")])
    assert "The recovery certificate expired on" in called.text
    assert called.status == 3
    assert f"`{RELEASE}` on test10sub gives them up" in called.text
    assert keeping.subscriber.raw == served
