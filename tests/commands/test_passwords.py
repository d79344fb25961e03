"""The dialogs about passwords, in the original's words where they are known."""

from __future__ import annotations

import pytest

from cucmsh.errors import CancelledError, RefusedError
from cucmsh.secret import Secret
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.shell.scripted import Answer
from tests.commands.calls import call, dialog_with, run
from tests.services.made_cluster import SECURITY, MadeCluster

NEW = "seven other words of a cluster"
OLD_QUESTION = "Please enter the old password: "
NEW_QUESTION = "   Please enter the new password: "
AGAIN_QUESTION = "Reenter new password to confirm: "
LINE = "set password user security"
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
    Keystore(cluster.site).check_security_password(Secret(NEW))
    assert NEW not in shown.text


def test_helpful_sessions_are_told_what_to_do_next(cluster: MadeCluster) -> None:
    text = call(cluster.site, LINE, answers("y")).text
    assert "typed there, too: test10sub" in text
    assert "save it again with `file get tftp ITLRecovery.p12`" in text
    Keystore(cluster.site).check_security_password(Secret(NEW))


@pytest.mark.parametrize("again", ["seven other words of a clustre", ""])
def test_two_new_passwords_that_differ_are_refused(
    cluster: MadeCluster, again: str
) -> None:
    with (
        dialog_with(answers(again=again)) as dialog,
        pytest.raises(RefusedError, match="differ"),
    ):
        run(dialog, cluster.site, LINE)
    Keystore(cluster.site).check_security_password(Secret(SECURITY))


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
    Keystore(cluster.site).check_security_password(Secret(SECURITY))
