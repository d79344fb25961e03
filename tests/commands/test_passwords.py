"""The dialogs about passwords, in the original's words where they are known."""

from __future__ import annotations

import pytest

from cucmsh.errors import CancelledError, RefusedError, UsageError
from cucmsh.secret import Secret
from cucmsh.services.certificates.cluster_passwords import ClusterPasswords
from cucmsh.shell.scripted import Answer
from tests.commands.calls import call, dialog_with, run
from tests.services.made_cluster import CCM, SECURITY, MadeCluster
from tests.services.test_usecases import ACCOUNT_PASSWORD, with_accounts

NEW = "seven other words of a cluster"
OLD_QUESTION = "Please enter the old password: "
NEW_QUESTION = "   Please enter the new password: "
AGAIN_QUESTION = "Reenter new password to confirm: "
LINE = "set password user security"
CCM_LINE = "set password user ccmadmin"
NEW_CCM = "two other words"
CCM_ANSWERS: list[tuple[str, Answer]] = [
    (OLD_QUESTION, CCM),
    (NEW_QUESTION, NEW_CCM),
    (AGAIN_QUESTION, NEW_CCM),
]
OWN_ANSWERS: list[tuple[str, Answer]] = [
    (OLD_QUESTION, ACCOUNT_PASSWORD),
    (NEW_QUESTION, NEW_CCM),
    (AGAIN_QUESTION, NEW_CCM),
]
MAKES_LOGIN = "`cucmsh init --sshd --user joe`"
NEW_ACCOUNT: list[tuple[str, Answer]] = [
    ("Please enter the privilege level :", "1"),
    ("Please enter the password :", NEW_CCM),
    ("             re-enter to confirm :", NEW_CCM),
]
WARNING = """\
WARNING:
Please make sure that the security password on the publisher is changed first.
The security password needs to be the same on all cluster nodes,
including the application server, therefore the security password on all nodes
need to be changed.

After changing the security password on a cluster node, please restart that node.

Continue (y/n)?

Please wait...

"""


def answers(*keys: str, new: str = NEW, again: str = NEW) -> list[tuple[str, Answer]]:
    said: list[tuple[str, Answer]] = [(OLD_QUESTION, SECURITY)]
    said += [(NEW_QUESTION, new), (AGAIN_QUESTION, again)]
    return [*said, *(("Continue (y/n)?", key) for key in keys)]


def test_the_security_password_is_changed_in_the_originals_words(
    cluster: MadeCluster,
) -> None:
    shown = call(cluster.site, LINE, answers("y"), helpful=False)
    assert shown.status == 0
    assert shown.text.endswith(f"{WARNING}Password updated successfully.\n")
    ClusterPasswords(cluster.site).check_security_password(Secret(NEW))
    assert NEW not in shown.text


def test_helpful_sessions_are_told_what_to_do_next(cluster: MadeCluster) -> None:
    text = call(cluster.site, LINE, answers("y")).text
    assert "seen to have the same: test10sub (another one)" in text
    assert "save it again with `file get tftp ITLRecovery.p12`" in text
    ClusterPasswords(cluster.site).check_security_password(Secret(NEW))


@pytest.mark.parametrize("again", ["seven other words of a clustre", ""])
def test_two_new_passwords_that_differ_are_refused(
    cluster: MadeCluster, again: str
) -> None:
    with (
        dialog_with(answers(again=again)) as dialog,
        pytest.raises(RefusedError, match="differ"),
    ):
        run(dialog, cluster.site, LINE)
    ClusterPasswords(cluster.site).check_security_password(Secret(SECURITY))


def test_a_weak_one_is_refused_before_the_warning(cluster: MadeCluster) -> None:
    with (
        dialog_with(answers(new="short", again="short")) as dialog,
        pytest.raises(RefusedError, match="fewer than 14"),
    ):
        run(dialog, cluster.site, LINE)
    assert "WARNING" not in dialog.text


def test_no_changes_nothing(cluster: MadeCluster) -> None:
    with (
        dialog_with(answers("n")) as dialog,
        pytest.raises(CancelledError),
    ):
        run(dialog, cluster.site, LINE)
    ClusterPasswords(cluster.site).check_security_password(Secret(SECURITY))


def test_the_ccm_password_is_changed(cluster: MadeCluster) -> None:
    shown = call(cluster.site, CCM_LINE, CCM_ANSWERS)
    assert shown.lines[-2:] == ["Password updated successfully.", ""]
    assert ClusterPasswords(cluster.site).is_ccm_password(Secret(NEW_CCM))
    assert not ClusterPasswords(cluster.site).is_ccm_password(Secret(CCM))


def test_who_forgot_the_ccm_password_proves_the_security_password(
    cluster: MadeCluster,
) -> None:
    call(cluster.site, CCM_LINE, [(OLD_QUESTION, SECURITY), *CCM_ANSWERS[1:]])
    assert ClusterPasswords(cluster.site).is_ccm_password(Secret(NEW_CCM))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("wrong", NEW_CCM, "old password is not correct"),
        (CCM, "short", "fewer than 8"),
        (CCM, SECURITY, "the cluster security password, too"),
    ],
)
def test_a_ccm_password_that_is_refused_changes_nothing(
    cluster: MadeCluster, old: str, new: str, why: str
) -> None:
    said = [(OLD_QUESTION, old), (NEW_QUESTION, new), (AGAIN_QUESTION, new)]
    with dialog_with(said) as dialog, pytest.raises(RefusedError, match=why):
        run(dialog, cluster.site, CCM_LINE)
    assert ClusterPasswords(cluster.site).is_ccm_password(Secret(CCM))


def test_account_locking_is_shown_and_set_in_the_originals_words(
    cluster: MadeCluster,
) -> None:
    assert call(cluster.site, "show accountlocking").lines == [
        *("Account Lockout is enabled", "Unlock Time : 300 seconds"),
        *("Retry Count : 3 attempts", ""),
    ]
    call(cluster.site, "set accountlocking count 5")
    call(cluster.site, "set accountlocking unlocktime 3600")
    call(cluster.site, "set accountlocking disable")
    assert call(cluster.site, "show accountlocking").lines == [
        *("Account Lockout is disabled", "Unlock Time : 3600 seconds"),
        *("Retry Count : 5 attempts", ""),
    ]


@pytest.mark.parametrize(
    "line",
    [
        *("count 1", "count 6", "count x", "count \u0663", "count 3.0"),
        *("unlocktime 29", "unlocktime 3601", "unlocktime 99999999999"),
    ],
)
def test_no_locking_outside_of_the_originals_limits(
    cluster: MadeCluster, line: str
) -> None:
    with dialog_with() as dialog, pytest.raises(UsageError):
        run(dialog, cluster.site, f"set accountlocking {line}")
    assert "3 attempts" in call(cluster.site, "show accountlocking").text


def test_an_account_is_made_in_the_originals_words(cluster: MadeCluster) -> None:
    shown = call(cluster.site, "set account name joe", NEW_ACCOUNT)
    assert shown.lines[:3] == [
        *("Privilege Levels are:", "   Ordinary - Level 0", "   Advanced - Level 1")
    ]
    assert shown.lines[-4:] == [
        "Account successfully created",
        f"It cannot log in yet: as root, run what {MAKES_LOGIN} prints.",
        "SSH asks for its password of the system: as root, run `passwd joe`.",
        "",
    ]
    assert call(cluster.site, "show account").lines == [f"{'joe':<32}  Level 1", ""]


def test_the_own_password_is_changed_once_a_day(cluster: MadeCluster) -> None:
    with_accounts(cluster.site)
    shown = call(cluster.site, "set password user admin", OWN_ANSWERS)
    assert shown.text.endswith("Please wait...\n\nPassword updated successfully.\n")
    again: list[tuple[str, Answer]] = [(OLD_QUESTION, NEW_CCM)]
    again += [(NEW_QUESTION, "yet other words"), (AGAIN_QUESTION, "yet other words")]
    with dialog_with(again) as dialog, pytest.raises(RefusedError, match="24 hours"):
        run(dialog, cluster.site, "set password user admin")


def test_in_production_the_own_password_is_the_systems(cluster: MadeCluster) -> None:
    with dialog_with() as dialog, pytest.raises(RefusedError) as refused:
        run(dialog, cluster.site, "set password user admin")
    assert refused.value.advice == "As root, run `passwd admin`."
