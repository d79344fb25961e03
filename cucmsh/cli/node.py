"""``cucmsh node``: reads its words, asks what has to be asked, shows what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from cucmsh.cli.options import (
    SERVICE_OPTIONS,
    Options,
    asks_for_help,
    default_service,
)
from cucmsh.cli.questions import Asking, read_secrets, require_yes
from cucmsh.config.model import NodeRole
from cucmsh.errors import CucmshError, HalfDoneError, RefusedError, UsageError
from cucmsh.hosts import split_host
from cucmsh.layout import DEFAULT_TFTP_DIRECTORY
from cucmsh.remote.known_hosts import HostKey
from cucmsh.services.lists.manifest import whose
from cucmsh.services.nodes.add import (
    DEFAULT_USER,
    AddPlan,
    EnrolDoors,
    WantedNode,
    has_way,
    make_way,
    pinned,
    plan_add,
    require_owner,
)
from cucmsh.services.nodes.enrol import enrol, other_publisher
from cucmsh.services.nodes.health.finding import Level, exit_status
from cucmsh.services.nodes.health.node_status import NodeStatus, look_at_all
from cucmsh.services.nodes.listing import find_removable, remove
from cucmsh.services.site import Site
from cucmsh.shell.json_result import JsonResult
from cucmsh.shell.signals import deferred_interrupts
from cucmsh.views.documents import nodes_document
from cucmsh.views.findings import finding_lines
from cucmsh.views.nodes import node_rows

HELP = "cucmsh node --help"
USAGE = """\
usage: cucmsh [--config FILE] node list [--json]
       cucmsh [--config FILE] node remove NAME
       cucmsh [--config FILE] node add NAME --host HOST[:PORT] [OPTION VALUE]...
  --role ROLE            replica (serves the publisher's list; the default) or
                         subscriber (made there with `cucmsh init subscriber`)
  --user USER            the account there, which takes our key; cucmsh
  --host-key 'TYPE KEY'  its sshd's key, if you have it from the node itself
  --identity FILE        a key that opens the account now; otherwise its password
  --password-fd N        is asked, or read from the first line of this descriptor
  --tftp-directory DIR   of a replica; /srv/tftp
  --tftp HOST[:PORT]     where its TFTP service answers; HOST:69
  --service KIND:UNIT    of a replica: systemd:UNIT or sudo:UNIT; tftpd-hpa. Instead,
                         words without a shell:
  --restart WORDS --status WORDS [--start WORDS] [--stop WORDS]
  --program WORDS        what runs cucmsh on a subscriber; cucmsh
Again for a node that is there, `node add NAME` checks it and fetches what is new.
Exit status of list: 0 all is well, 1 warnings, 2 something fails; of the others: 0
done, 1 refused, 2 wrong use, 3 partly done."""
OPTIONS = (
    *("--host", "--role", "--user", "--host-key", "--identity", "--password-fd"),
    *("--tftp-directory", "--tftp", "--program", *SERVICE_OPTIONS),
)
WAITING = "Control-C pressed: a change is under way, and is finished first."
TAKE_OVER = (
    "{name} belongs to another publisher ({whose}): it serves what that one brought. "
    "Taken over, it gets\nthis publisher's list and files, and the other's files go; "
    "phones of {name} that hold no list of this\ncluster refuse all of it. The other "
    "publisher is refused there from then on."
)
WHY_REPLICA = (
    "{name} becomes a replica: it serves the publisher's list. A subscriber signs a "
    "list of its own,\nwhich phones of another node take only through TVS, and this "
    "cluster has none yet."
)


def node(words: Sequence[str], asking: Asking, open_site: Callable[[], Site]) -> int:
    """Add, list or remove nodes; returns the exit status."""
    if asks_for_help(words):
        asking.say(USAGE)
        return 0
    match list(words):
        case ["list"]:
            return _list(asking, _own(open_site()))
        case ["remove", name] if not name.startswith("-"):
            return _remove(asking, _own(open_site()), name)
        case ["add", *rest]:
            options = Options(rest, OPTIONS, HELP)
            return _add(options, asking, _own(open_site()))
    raise UsageError("add, list or remove a node?", f"See `{HELP}`.")


def _own(site: Site) -> Site:
    require_owner(site)
    site.require_publisher()
    return site


def _add(options: Options, asking: Asking, site: Site) -> int:

    wanted = _wanted(options, site)
    plan = plan_add(site, wanted)
    if not plan.is_known and wanted.role is None:
        asking.say(WHY_REPLICA.format(name=wanted.name))
    plan = _with_host_key(options, plan, asking, site)
    # A login that was given mends a way that is there, too.
    has_login = options.get("--identity") or options.get("--password-fd")
    is_mended = plan.node.is_member and has_login
    if not has_way(site, plan.address) or is_mended:
        _open_way(options, plan, asking, site)
    taken_from = other_publisher(site, plan)
    if taken_from:
        name, whose_it_is = plan.node.name, whose(taken_from)
        asking.say(TAKE_OVER.format(name=name, whose=whose_it_is))
        question = f"Take {name} over (yes/no)? "
        otherwise = f"{name} stays with the other publisher; nothing was changed."
        require_yes(asking, question, otherwise)
    with _changing(asking, f"cucmsh node add {plan.node.name}"):
        findings, is_added = enrol(site, plan, taken_from)
    asking.say("\n".join(finding_lines(findings)))
    name, role = plan.node.name, plan.node.role.value
    if not is_added:
        raise RefusedError(
            f"{name} was not added: something failed",
            "Put it right, and run the same command again.",
        )
    asking.say(f"{name} is a {role} of the cluster: {site.settings.path}")
    if plan.node.is_member:
        asking.say("The lists of the others name it after their next TFTP start.")
    if any(at.level is Level.FAIL for at in findings):
        asking.say(f"Put right what failed, then: cucmsh node add {name}")
        return 3
    return 0


@contextmanager
def _changing(asking: Asking, again: str) -> Iterator[None]:
    """Let Ctrl-C interrupt nothing; what nobody foresaw may have left half of it.

    Raises:
        HalfDoneError: in place of an error that is none of ours.
    """
    with deferred_interrupts(lambda: asking.say(WAITING)):
        try:
            yield
        except CucmshError:
            raise
        except Exception as problem:
            raise HalfDoneError(
                f"It broke off: {type(problem).__name__}. Something may be changed",
                f"See `cucmsh node list`, and run it again: {again}",
            ) from problem


def _wanted(options: Options, site: Site) -> WantedNode:
    match options.words:
        case [name]:
            pass
        case _:
            raise UsageError("which node is to be added?", options.advice)
    role = options.get("--role")
    if role not in ("", "replica", "subscriber"):
        raise UsageError(
            f"--role {role!r} is neither replica nor subscriber", options.advice
        )
    host, user = options.get("--host"), options.get("--user")
    service, directory = options.service(), options.path("--tftp-directory")
    if role == "subscriber":
        if service or directory:
            raise UsageError(
                "a subscriber has these in its own configuration", options.advice
            )
    elif site.settings.cluster.find(name) is None:
        service = service or default_service(user or DEFAULT_USER)
        directory = directory or DEFAULT_TFTP_DIRECTORY
    return WantedNode(
        name=name,
        role=NodeRole(role) if role else None,
        address=split_host(host) if host else None,
        user=user,
        tftp_directory=directory,
        tftp=options.tftp(),
        service_commands=service,
        program=options.program(),
    )


def _with_host_key(
    options: Options, plan: AddPlan, asking: Asking, site: Site
) -> AddPlan:
    given = options.get("--host-key")
    if given:
        return pinned(site, plan, _checked_key(given))
    if plan.is_known:
        return plan
    address = plan.address
    shown = cast("EnrolDoors", site.doors).look(address.host, address.port)
    key = shown.key
    asking.say(
        f"The authenticity of host '{address.host} ({shown.peer})' can't be "
        f"established.\n"
        f"{key.short_kind} key fingerprint is {key.sha256_fingerprint}.\n"
        f"{key.short_kind} key fingerprint is {key.md5_fingerprint}.\n"
        f"On {plan.node.name} itself, ssh-keygen -lf /etc/ssh/ssh_host_"
        f"{key.short_kind.lower()}_key.pub shows the first one."
    )
    require_yes(
        asking,
        "Are you sure you want to pin this key (yes/no)? ",
        f"The host key of {address.host} was not accepted; nothing was sent to it.",
    )
    return pinned(site, plan, f"{key.kind} {key.key}")


def _checked_key(text: str) -> str:
    kind, *rest = text.split()
    if not rest or not HostKey(kind, rest[0]).is_whole:
        raise UsageError(
            "--host-key is no public key",
            "Give type and key as one word for the shell: 'ssh-ed25519 AAAA...'",
        )
    return f"{kind} {rest[0]}"


def _open_way(options: Options, plan: AddPlan, asking: Asking, site: Site) -> None:
    address = plan.address
    doors = cast("EnrolDoors", site.doors)
    identity = options.path("--identity")
    if identity:
        link = doors.open_node(address._replace(identity=identity))
    else:
        descriptor = options.descriptor("--password-fd")
        if descriptor is None:
            question = f"Password of {address.user} on {address.host} :"
            password = asking.ask_secret(question)
        else:
            (password,) = read_secrets(descriptor, "--password-fd", 1)
        link = doors.open_with_password(address, password.reveal())
    try:
        make_way(site, plan, link, doors)
    finally:
        link.close()


def _list(asking: Asking, site: Site) -> int:

    seen = look_at_all(site)
    asking.say("\n".join(node_rows(seen)))
    return _status_of(seen)


def list_json(open_site: Callable[[], Site], to: JsonResult) -> int:
    """``node list --json``: what `node list` finds, as one document."""
    to.name("node list")
    site = _own(open_site())
    seen = look_at_all(site)
    to.take(nodes_document(site.node.name, seen))
    status = _status_of(seen)
    to.send(status)
    return status


def _status_of(seen: Sequence[NodeStatus]) -> int:

    return exit_status(found for entry in seen for found in entry.findings)


def _remove(asking: Asking, site: Site, name: str) -> int:

    found = find_removable(site, name)
    asking.say(
        f"{name} is a {found.role}. It keeps the list that it serves, and gets no "
        "other: stop its TFTP service\nbefore phones come to depend on it."
    )
    question = f"Take {name} out of the cluster (yes/no)? "
    require_yes(asking, question, "Nothing was changed.")
    with _changing(asking, f"cucmsh node remove {name}"):
        findings = remove(site, found)
    asking.say("\n".join(finding_lines(findings)))
    asking.say(f"{name} is no node of the cluster any more.")
    if found.is_member:
        asking.say("The lists of the others name it until their TFTP services restart.")
    return 3 if any(at.level is Level.FAIL for at in findings) else 0
