"""``cucmsh init``: makes a node. Asks for passwords, and says what comes next.

With ``--adopt-list`` it takes over the phones of another tool at once, see ``adopt``.
"""

from __future__ import annotations

import argparse
import os
import pwd
import sys
from collections.abc import Sequence
from secrets import token_hex

from cucmsh.app import open_site
from cucmsh.backends import LateBackends
from cucmsh.cli.adopt import protected
from cucmsh.cli.adopt_options import AdoptDialog, asked_for
from cucmsh.cli.init_parser import init_parser
from cucmsh.cli.node_options import (
    Invocation,
    default_service,
    service,
)
from cucmsh.cli.sshd import sshd
from cucmsh.cli.terminal import (
    Prompter,
    ask_twice,
    read_secrets,
    require_yes,
    show,
    terminal_prompter,
)
from cucmsh.config.model import NodeRole
from cucmsh.config.settings import Settings
from cucmsh.errors import CucmshError
from cucmsh.layout import DEFAULT_CONFIGURATION
from cucmsh.secret import Secret
from cucmsh.services.adoption.apply import adopt, preview_new
from cucmsh.services.adoption.material import Material, Request, gather
from cucmsh.services.adoption.sources import FoundList, digest_for, read_sources
from cucmsh.services.caller import Caller, Unrecorded, WayIn
from cucmsh.services.nodes.account import ROOT
from cucmsh.services.nodes.init import (
    InitPlan,
    MakeSite,
    NewNode,
    make,
    plan_init,
)
from cucmsh.services.nodes.password_policy import require_ccm, require_strong
from cucmsh.services.site import Site
from cucmsh.shell.origin import account_name
from cucmsh.shell.screen import in_a_change
from cucmsh.views.adoption import adoption_lines
from cucmsh.views.next_steps import name_lines, next_steps, subscriber_words

DEFAULT_SERVICES = {"publisher": "tftp,tvs,capf", "subscriber": "tftp,tvs"}
SECURITY = "Enter the cluster security password"
CCM = "Enter the CCM Administrator password"
WHAT_IT_PROTECTS = """\
The cluster security password protects ITLRecovery.p12: whoever has both can make your
phones believe anything. Keep it apart from the copies of that file."""
ANEW = """\
The node in {home} is made anew: its keys, state and configuration go to
{earlier}; nothing is deleted.
Phones that hold its lists take none of the new node, unless it gets the recovery key
back: utils itl reset remotekey, with the file that was saved."""
ROOT_OWNS = """\
You are root: {home} and the configuration will be root's, and `doctor` will fail:
the node's account could not read them, so its logins and services would not work.
Unless this node is to run as root, run this as that account instead:
    sudo -u cucmsh cucmsh init ..."""
NOT_ADOPTED = """\
The node is made, and nothing was adopted. Before its TFTP service starts, run
`cucmsh adopt` with the same --adopt options, or look at the plan with --dry-run."""
UNREAD = 3  # exit status: the node was made, and the output could not be written


def run(configuration: str, argv: Sequence[str]) -> int:
    """Make a node, or print what root runs for logins; returns the exit status."""
    invocation = _invocation(configuration)
    if list(argv[:1]) == ["--sshd"]:
        return show(sshd(argv[1:], invocation).rstrip("\n"))
    given = init_parser().read(argv)
    with in_a_change(), terminal_prompter() as prompter:
        status = init(given, invocation, prompter, _open)
        return status or (UNREAD if prompter.is_unread else 0)


def _open(settings: Settings) -> Site:
    """The node that is made; the account of this process is the caller."""
    caller = Caller(WayIn.INIT, account_name(os.environ))
    return open_site(settings).called_by(caller, Unrecorded())


def _invocation(configuration: str) -> Invocation:
    where = os.path.abspath(configuration)
    program = [sys.executable, "-I", "-m", "cucmsh"]
    is_default = where == DEFAULT_CONFIGURATION
    if not is_default:
        program += ["--config", where]
    account = pwd.getpwuid(os.geteuid()).pw_name
    return Invocation(where, is_default, program, account)


def init(
    given: argparse.Namespace,
    invocation: Invocation,
    prompter: Prompter,
    make_site: MakeSite,
) -> int:
    """Make a node, and adopt what was named; returns the exit status.

    Args:
        given: what ``init_parser`` read.
        invocation: how we were started; the later steps are shown with it.
        prompter: shows the names and asks.
        make_site: opens the node of given settings.

    Raises:
        CucmshError: it cannot be made, or the person said no; or it was made, and
            nothing was adopted.
    """
    request = _request(given)
    node = _new_node(given, invocation)
    found: tuple[FoundList, ...] = ()
    if request:
        found = read_sources(LateBackends(), request.lists, request.held)
        node = node._replace(digest=digest_for(found))
    plan = plan_init(node, make_site, again=given.again)
    backends = plan.site.backends
    count = protected(backends, request) if request else 0
    _confirm(given, plan, prompter)
    if plan.is_begun:
        prompter.say("An interrupted init is finished; give the same passwords.")
    lines = _lines(given, plan, count)
    passwords = None if lines is None else iter(lines[_own_lines(plan) :])
    dialog = AdoptDialog(prompter, passwords, is_agreed=given.yes)
    # Before anything is made or asked, all that was named is known to be of use.
    material = gather(backends, request, dialog, lists=found) if request else None
    if material and given.dry_run:
        return _preview(plan, material, dialog, prompter)
    security, ccm = _secrets(plan, prompter, lines)
    prompter.say("Making keys and certificates ...")
    make(plan.site, plan, security, ccm)
    if plan.aside:
        earlier = os.path.join(plan.node.home, plan.aside)
        prompter.say(f"The earlier node is kept in {earlier}.")
    settings = plan.site.settings
    prompter.say(
        f"The {settings.node.role} {settings.node.name} is made: keys in "
        f"{settings.home}, configuration {settings.path}.\n"
    )
    if request:
        _adopt(plan, request, dialog, material, prompter)
    steps = next_steps(settings, invocation.program, invocation.account)
    prompter.say("\n".join(steps))
    if settings.node.is_publisher:
        prompter.say(
            "A box with sshd and TFTP alone becomes a replica by `node add`. One that "
            "signs lists of its own is a subscriber, and made there first:\n"
            f"    {subscriber_words(settings)}"
        )
    return 0


def _preview(
    plan: InitPlan, material: Material, dialog: AdoptDialog, prompter: Prompter
) -> int:
    """Show what adopting would do; the status says whether phones are locked out."""
    # What is looked at is thrown away, and its passwords with it: none is asked.
    passing = (Secret(token_hex()), Secret(token_hex()))
    seen = preview_new(plan.site, plan, passing, material, dialog)
    prompter.say("\n".join(adoption_lines(seen)))
    return int(seen.is_locking_out)


def _request(given: argparse.Namespace) -> Request | None:
    """What is to be adopted; None if nothing is."""
    parser, request = init_parser(), asked_for(given)
    if given.dry_run and (request is None or given.again):
        parser.error("--dry-run is for --adopt-list, and not with --again")
    if request and given.role != NodeRole.PUBLISHER:
        parser.error(
            "--adopt-list is for a publisher; on a subscriber, run `cucmsh adopt` when "
            "it belongs to the cluster"
        )
    return request


def _adopt(
    plan: InitPlan,
    request: Request,
    dialog: AdoptDialog,
    material: Material | None,
    prompter: Prompter,
) -> None:
    """Adopt on the node that was just made.

    Raises:
        CucmshError: it failed, or the person said no; the node stays made.
    """
    try:
        adopted = adopt(plan.site, request, dialog, material)
    except CucmshError:
        prompter.say(NOT_ADOPTED)
        raise
    folder = os.path.join(plan.node.home, adopted.folder)
    prompter.say(f"Adopted; what was there before is kept in {folder}.\n")


def _confirm(given: argparse.Namespace, plan: InitPlan, prompter: Prompter) -> None:
    """Show the names as they were parsed, and what is moved; ask whether it is right.

    Raises:
        CancelledError: it is not.
    """
    settings = plan.site.settings
    prompter.say("\n".join(name_lines(settings)))
    if os.geteuid() == ROOT:
        prompter.say(ROOT_OWNS.format(home=plan.node.home))
    if plan.aside:
        earlier = os.path.join(plan.node.home, plan.aside)
        prompter.say(ANEW.format(home=plan.node.home, earlier=earlier))
    if given.yes or given.secrets_fd is not None or given.dry_run:
        return
    require_yes(prompter, "Is this right (yes/no)? ", "Nothing was made.")


def _new_node(given: argparse.Namespace, invocation: Invocation) -> NewNode:
    parser = init_parser()
    role, publisher = NodeRole(given.role), given.publisher
    if role is NodeRole.PUBLISHER:
        if publisher not in ("", given.name):
            parser.error("a publisher has no other publisher")
        publisher = given.name
    elif publisher in ("", given.name):
        parser.error("--publisher names the publisher of the cluster")
    services = (given.services or DEFAULT_SERVICES[given.role]).split(",")
    if given.tvs_unit and "tvs" not in services:
        parser.error("--tvs-unit is for a node with tvs among its --services")
    return NewNode(
        role=role,
        name=given.name,
        publisher=publisher,
        domain=given.domain,
        subject=given.subject,
        home=given.home,
        configuration=invocation.configuration,
        services=tuple(word for word in services if word),
        tftp_directory=given.tftp_directory,
        tftp=given.tftp,
        service_commands=service(parser, given) or default_service(invocation.account),
        tvs_commands=given.tvs_unit,
        release=given.release,
    )


def _own_lines(plan: InitPlan) -> int:
    """How many passwords the node itself has."""
    return 2 if plan.node.role is NodeRole.PUBLISHER else 1


def _lines(
    given: argparse.Namespace, plan: InitPlan, key_files: int
) -> list[Secret] | None:
    """The node's passwords, then those of key files; None without a descriptor."""
    if given.secrets_fd is None:
        return None
    own = _own_lines(plan)
    return read_secrets(given.secrets_fd, "--secrets-fd", own + key_files, own)


def _secrets(
    plan: InitPlan, prompter: Prompter, lines: list[Secret] | None
) -> tuple[Secret, Secret | None]:
    is_publisher = plan.node.role is NodeRole.PUBLISHER
    if lines is not None:
        security, ccm = lines[0], lines[1] if is_publisher else None
        require_strong(security)
        if ccm is not None:
            require_ccm(ccm, security)
        return security, ccm
    if is_publisher:
        prompter.say(WHAT_IT_PROTECTS)
    security = ask_twice(prompter, SECURITY, require_strong)
    if not is_publisher:
        return security, None
    return security, ask_twice(prompter, CCM, lambda ccm: require_ccm(ccm, security))
