"""``cucmsh init``: reads its words, asks for passwords, says what comes next."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cucmsh.cli.options import (
    SERVICE_OPTIONS,
    Options,
    Surroundings,
    asks_for_help,
    default_service,
)
from cucmsh.cli.questions import Asking, ask_twice, read_secrets, require_yes
from cucmsh.cli.sshd import USAGE as SSHD_USAGE
from cucmsh.cli.sshd import sshd
from cucmsh.config.model import NodeRole
from cucmsh.errors import UsageError
from cucmsh.layout import DEFAULT_HOME, DEFAULT_TFTP_DIRECTORY
from cucmsh.secret import Secret
from cucmsh.services.nodes.init import (
    InitPlan,
    MakeSite,
    NewNode,
    make,
    plan_init,
)
from cucmsh.services.nodes.password_policy import require_ccm, require_strong
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
USAGE = """\
usage: cucmsh [--config FILE] init publisher --name NAME [OPTION VALUE]...
       cucmsh [--config FILE] init subscriber --name NAME --publisher NAME ...
       cucmsh [--config FILE] init --sshd ...    see init --sshd --help
  --name NAME            this node's host name, without domain
  --publisher NAME       of the cluster that a subscriber is made for
  --domain DOMAIN        of the host names; none
  --subject SUBJECT      of the certificates, such as 'OU=it;O=example;C=US': OU, O
                         (64 characters), L, ST (128), C (2 letters); none
  --home DIR             keys and state; /var/lib/cucmsh
  --tftp-directory DIR   what the TFTP service serves; /srv/tftp
  --tftp HOST[:PORT]     where it answers; 127.0.0.1:69
  --service KIND:UNIT    systemd:UNIT, or sudo:UNIT for an account that needs sudo;
                         tftpd-hpa. Instead, words without a shell:
  --restart WORDS --status WORDS [--start WORDS] [--stop WORDS]
  --services LIST        of tftp, tvs and capf; tftp,tvs,capf or tftp,tvs
  --again                makes the node anew that is there; its keys, state and
                         configuration are kept in HOME/earlier/1 (2, ...)
  --yes                  asks no question but for the passwords
  --secrets-fd N         reads the cluster security password from the first line of
                         this descriptor, and a publisher's CCM Administrator
                         password from the second, and asks nothing
The cluster security password has 14 characters or more, the CCM Administrator password
8 or more. Neither is the other."""
FLAGS = ("--again", "--yes")
OPTIONS = (
    *("--name", "--publisher", "--domain", "--subject", "--home", "--services"),
    *("--tftp-directory", "--tftp", "--secrets-fd", *SERVICE_OPTIONS),
)


def init(
    words: Sequence[str], around: Surroundings, asking: Asking, make_site: MakeSite
) -> int:
    """Make a node, or print how logins are made; returns the exit status."""
    if words[:1] == ["--sshd"]:
        asks = asks_for_help(words)
        asking.say(SSHD_USAGE if asks else sshd(words[1:], around).rstrip("\n"))
        return 0
    if asks_for_help(words):
        asking.say(USAGE)
        return 0
    options = Options(words, OPTIONS, "cucmsh init --help", FLAGS)
    again = options.has("--again")
    plan = plan_init(_new_node(options, around), make_site, again=again)
    _confirm(options, plan, asking)
    if plan.is_begun:
        asking.say("An interrupted init is finished; give the same passwords.")
    security, ccm = _secrets(options, plan, asking)
    asking.say("Making keys and certificates ...")
    make(plan, security.reveal(), ccm.reveal() if ccm else None)
    if plan.aside:
        earlier = os.path.join(plan.node.home, plan.aside)
        asking.say(f"The earlier node is kept in {earlier}.")
    settings = plan.site.settings
    asking.say(
        f"The {settings.node.role} {settings.node.name} is made: keys in "
        f"{settings.home}, configuration {settings.path}.\n"
    )
    asking.say("\n".join(next_steps(settings, around.program, around.account)))
    if settings.node.is_publisher:
        asking.say(
            "A box with sshd and TFTP alone becomes a replica by `node add`. One that "
            "signs lists of its own is a subscriber, and made there first:\n"
            f"    {subscriber_words(settings)}"
        )
    return 0


def _confirm(options: Options, plan: InitPlan, asking: Asking) -> None:
    """Show how the names were understood, and what is moved; ask whether it is right.

    Raises:
        CancelledError: it is not.
    """
    settings = plan.site.settings
    asking.say("\n".join(name_lines(settings)))
    if plan.aside:
        earlier = os.path.join(plan.node.home, plan.aside)
        asking.say(ANEW.format(home=plan.node.home, earlier=earlier))
    if options.has("--yes") or options.descriptor("--secrets-fd") is not None:
        return
    require_yes(asking, "Is this right (yes/no)? ", "Nothing was made.")


def _new_node(options: Options, around: Surroundings) -> NewNode:
    match options.words:
        case [("publisher" | "subscriber") as role]:
            pass
        case _:
            raise UsageError("make a publisher or a subscriber?", options.advice)
    name, publisher = options.get("--name"), options.get("--publisher")
    if not name:
        raise UsageError("--name is missing", options.advice)
    if role == "publisher":
        if publisher not in ("", name):
            raise UsageError("a publisher has no other publisher", options.advice)
        publisher = name
    elif publisher in ("", name):
        raise UsageError(
            "--publisher names the publisher of the cluster", options.advice
        )
    services = options.get("--services", DEFAULT_SERVICES[role])
    return NewNode(
        role=NodeRole(role),
        name=name,
        publisher=publisher,
        domain=options.get("--domain"),
        subject=options.get("--subject"),
        home=options.path("--home", DEFAULT_HOME),
        configuration=around.configuration,
        services=tuple(word for word in services.split(",") if word),
        tftp_directory=options.path("--tftp-directory", DEFAULT_TFTP_DIRECTORY),
        tftp=options.tftp(),
        service_commands=options.service() or default_service(around.account),
    )


def _secrets(
    options: Options, plan: InitPlan, asking: Asking
) -> tuple[Secret, Secret | None]:
    is_publisher = plan.node.role is NodeRole.PUBLISHER
    descriptor = options.descriptor("--secrets-fd")
    if descriptor is not None:
        count = 2 if is_publisher else 1
        security, *rest = read_secrets(descriptor, "--secrets-fd", count)
        require_strong(security.reveal())
        for ccm in rest:
            require_ccm(ccm.reveal(), security.reveal())
        return security, rest[0] if rest else None
    if is_publisher:
        asking.say(WHAT_IT_PROTECTS)
    security = ask_twice(asking, SECURITY, require_strong)
    if not is_publisher:
        return security, None
    return security, ask_twice(
        asking, CCM, lambda ccm: require_ccm(ccm, security.reveal())
    )
