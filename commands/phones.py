"""What is known of phones, and their resets."""

from __future__ import annotations

from contextlib import AbstractContextManager

from commands.questions import require_yes
from cucmsh import services, views
from cucmsh.errors import CancelledError, CucmshError, UsageError
from cucmsh.services.site import Site
from cucmsh.shell.answers import is_yes
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog, SafePoint
from cucmsh.shell.parameter_types import NAME

STATES = ("match", "mismatch", "unknown", "stale", "no-recovery")


def node_names(site: Site) -> list[str]:
    """The nodes of the cluster, for completion."""
    return [node.name for node in site.settings.cluster.nodes]


@command(
    "show itl phones [state] [node] [page]",
    candidates={"state": lambda site: [*STATES, *node_names(site)], "node": node_names},
    kinds={"state": NAME, "node": NAME, "page": NAME},
    has_json=True,
)
def show_itl_phones(
    dialog: Dialog, site: Site, state: str = "", node: str = "", page: str = ""
) -> None:
    """Show which phone was last said to hold which ITL, by whom and when.

    `asked for` is a line of a TFTP log, `was sent` of an HTTP log, `shows` the phone's
    own page, `said` an alarm in its name. None is a proof, and an alarm only counts
    against a phone. Each value may be left out.

    state: match (an ITL that a node serves now), mismatch (another one, or none),
    unknown (nothing said of it that counts), stale (nothing at all was said for
    `stale_days`) or no-recovery (an ITL that does not know the present ITLRecovery)
    node: only phones that asked this node last
    page: a number, 50 phones each; `all` for all of them

    Example:
    show itl phones
    show itl phones mismatch
    show itl phones no-recovery test10sub 2
    """
    if state not in ("", *STATES):
        if page:
            raise UsageError(f"{state} is no state", f"States are {', '.join(STATES)}.")
        state, node, page = "", state, node
        if not (node == "all" or node.isdecimal() or site.settings.cluster.find(node)):
            raise UsageError(
                f"{node} is no state, no node of the cluster and no page",
                f"States are {', '.join(STATES)}. `show itl phones csv` gives all.",
            )
    if node == "all" or node.isdecimal():
        if page:
            raise UsageError("nothing may follow the page")
        node, page = "", node
    number = _page(page)
    with dialog.working(lambda: "Asking the nodes what they serve..."):
        shown = services.phones_by_state(
            site, services.phone_state(state), node, number
        )
    dialog.result(
        lambda: views.phones_lines(shown),
        lambda: views.phones_document(site.node.name, shown),
    )


@command(
    "show itl phones csv [state] [node]",
    candidates={"state": lambda _: STATES, "node": node_names},
    kinds={"state": NAME, "node": NAME},
    has_json=True,
)
def show_itl_phones_csv(
    dialog: Dialog, site: Site, state: str = "", node: str = ""
) -> None:
    """Give all phones, or those of one state, as comma-separated values.

    state: match, mismatch, unknown, stale or no-recovery
    node: only phones that asked this node last

    Example:
    show itl phones csv
    """
    if state and state not in STATES:
        state, node = "", state
    shown = services.phones_by_state(site, services.phone_state(state), node)
    dialog.result(
        lambda: views.phones_csv(shown),
        lambda: views.phones_document(site.node.name, shown),
    )


def _page(word: str) -> int:
    if word == "all":
        return 0
    if word and (not word.isdecimal() or len(word) > 9 or not int(word)):
        raise UsageError("page must be a number from 1 on, or all")
    return int(word or 1)


def phones_to_reset(_site: Site) -> list[str]:
    """What may be named, for completion."""
    return ["all", "stale"]


@command(
    "utils phone reset|restart <which>",
    of=lambda: services.reset_phones,
    candidates={"which": phones_to_reset},
    kinds={"which": NAME},
    has_json=True,
)
def utils_phone_reset(dialog: Dialog, site: Site, action: str, which: str) -> int:
    """Have phones fetch their trust lists anew, in batches, at a rate.

    Calls are cut by a reset. Ctrl-C stops it; the same command goes on later. How
    phones are told is in `[phones]` of the configuration.

    reset: the phone boots
    restart: it reads its files again, which is enough for trust lists, and quicker
    which: all that are known, stale ones (not seen for long), or a name such as
    SEP001122334455

    Example:
    utils phone restart SEP001122334455
    utils phone restart all
    """
    shown = _OnScreen(dialog, is_waiting=site.settings.phones.wait_seconds > 0)
    done = services.reset_phones(site, services.PhoneAction(action), which, shown)
    dialog.result(
        lambda: views.phone_reset_lines(done),
        lambda: views.phone_reset_document(site.node.name, done),
    )
    return done.exit_status


def tell_phones_of_change(dialog: Dialog, site: Site) -> bool:
    """After Cisco Tftp started: phones fetch the list that names a new certificate.

    As ``[phones] after_regeneration`` says; asked about only where more may be said
    than the original says. Whether all went well.
    """
    units = services.units_changed(site)
    action = services.phone_action(site)
    is_asked = site.settings.phones.after_regeneration == "ask"
    if not units or action is None or (is_asked and not dialog.helpful):
        return True
    if dialog.helpful:
        dialog.say(f"The ITL names a new certificate: {', '.join(units)}.")
    is_waiting = site.settings.phones.wait_seconds > 0
    shown = _OnScreen(dialog, is_waiting=is_waiting, is_asking=is_asked)
    try:
        done = services.reset_phones(site, action, "all", shown)
    except CancelledError:
        services.settle_change(site)
        dialog.say(f"Phones were not told; `utils phone {action.value} all` does it.")
        return True
    except CucmshError as problem:
        dialog.say(f"Phones were not told: {problem.message}.")
        return False
    services.settle_change(site)
    for line in views.phone_reset_lines(done):
        dialog.say(line)
    return done.exit_status == 0


class _OnScreen:
    """A ``PhoneResetDialog``.

    Args:
        dialog: where it is shown.
        is_waiting: whether phones are waited for.
        is_asking: whether a person is asked; nobody where the configuration says so.
    """

    def __init__(
        self, dialog: Dialog, *, is_waiting: bool, is_asking: bool = True
    ) -> None:
        self._dialog = dialog
        self._is_waiting = is_waiting
        self._is_asking = is_asking

    def goes_on(self, begun: services.OpenResets) -> bool:
        self._dialog.say(views.open_resets_line(begun))
        return not self._is_asking or is_yes(
            self._dialog, "Do you want to go on with those (yes/no)? "
        )

    def agree(
        self, action: services.PhoneAction, phones: int, seconds: int, unproven: int
    ) -> None:
        minutes = (
            f", which takes {seconds // 60 + 1} minutes or more" if seconds else ""
        )
        whose = "1 phone" if phones == 1 else f"{phones} phones"
        self._dialog.say(f"{whose} would be told to {action.value}{minutes}.")
        if unproven:
            self._dialog.say(
                f"{unproven} of them are known by alarms and REGISTERs only, whose "
                "sender nobody checked: anybody can name phones that are none."
            )
        if self._is_asking:
            require_yes(self._dialog, "Do you want to continue (yes/no)? ")

    def telling(self) -> AbstractContextManager[SafePoint]:
        return self._dialog.uninterrupted()

    def progress(self, done: services.PhoneResets) -> None:
        if done.left or self._is_waiting:  # else the result says it at once
            self._dialog.say(views.phone_reset_progress(done))
