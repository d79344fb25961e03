"""Makes a node out of nothing: plan, which may refuse, then make.

All names and places are checked before anything is made. The first file is a note of
what is being made, and the configuration is the last: so an interrupted init is
recognized, and running it again finishes it. Asks nothing, starts nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from cucmsh.config.model import ROLE_OF_SERVICE, NodeRole, TftpAddress
from cucmsh.config.settings import Settings, parse_settings
from cucmsh.errors import (
    ConfigurationError,
    MissingFileError,
    RefusedError,
    UsageError,
)
from cucmsh.layout import (
    CLUSTER_LOCK,
    CONFIGURATION_MODE,
    INIT_NOTE,
    NODE_LOCK,
    SECURITY_PASSWORD,
    SERVED_FOLDER_MODE,
    STAGING,
    STATE_FOLDER,
)
from cucmsh.names import (
    check_domain,
    check_full_name,
    check_host_name,
    format_subject,
    parse_subject,
)
from cucmsh.release import NEW_RELEASE
from cucmsh.secret import Secret
from cucmsh.services.caller import Privilege
from cucmsh.services.certificates.cluster_passwords import ClusterPasswords
from cucmsh.services.nodes import set_aside
from cucmsh.services.nodes.configure import split_path
from cucmsh.services.nodes.identity import make_identity
from cucmsh.services.nodes.make import is_whole, make_node
from cucmsh.services.nodes.node_id import own_id
from cucmsh.services.nodes.password_policy import require_ccm, require_strong
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.storage import folders

HEADING = """\
Made by `cucmsh init`. `cucmsh node add` and `node remove` edit the nodes below and
leave comments and everything else alone."""
LOCKS = {CLUSTER_LOCK, NODE_LOCK}

MakeSite = Callable[[Settings], Site]


class NewNode(NamedTuple):
    """What ``cucmsh init`` was asked for.

    Attributes:
        role: publisher or subscriber.
        name: the host name, without domain.
        publisher: the name of the cluster's publisher; the same as ``name`` on it.
        domain: of the host names; may be empty.
        subject: of the certificates, without CN; may be empty.
        home: the folder of keys and state.
        configuration: the path of the configuration file.
        services: of ``tftp``, ``tvs`` and ``capf``.
        tftp_directory: what TFTP serves.
        tftp: where the TFTP service answers; None for this machine's port 69.
        service_commands: as the configuration takes them.
        digest: with which it signs: ``sha1`` or ``sha512``.
        tvs_commands: of its TVS, as ``service_commands``; None if nothing controls it.
        release: whose commands and signers it has.
    """

    role: NodeRole
    name: str
    publisher: str
    domain: str
    subject: str
    home: str
    configuration: str
    services: tuple[str, ...]
    tftp_directory: str
    tftp: TftpAddress | None
    service_commands: str | dict[str, list[str]]
    digest: str = "sha512"
    tvs_commands: str | dict[str, list[str]] | None = None
    release: str = NEW_RELEASE


class InitPlan(NamedTuple):
    """A node that can be made.

    Attributes:
        node: what was asked for.
        text: its configuration.
        site: the node as it will be.
        is_begun: whether an interrupted init is finished.
        aside: where the node that is there is moved to; empty if there is none.
    """

    node: NewNode
    text: str
    site: Site
    is_begun: bool
    aside: str = ""


def plan_init(node: NewNode, make_site: MakeSite, *, again: bool = False) -> InitPlan:
    """Check all that can be checked; make nothing.

    Args:
        node: what is asked for.
        make_site: makes the node's site out of its settings.
        again: make the node anew that is there, and keep what was.

    Raises:
        UsageError: a name, a service or a place that no node can have.
        RefusedError: there is a node already, or something else; with ``again``:
            there is none.
        StoreError: a place that cannot be written to.
    """
    node = _with_names_checked(node)
    text = _text(node)
    try:
        settings = parse_settings(text.encode(), node.configuration)
    except ConfigurationError as problem:
        what = problem.message.removeprefix(f"{node.configuration}: ")
        raise UsageError(
            f"no node can be made of this: {what}", problem.advice
        ) from problem
    site = make_site(settings)
    note = _without_staging(_read(site.home.read, INIT_NOTE))
    mark = set_aside.read_mark(site)
    if again:
        aside = set_aside.plan(site, mark)
        if mark and not mark.is_moving:
            _require_same_options(node, text, note)
        is_begun = mark is not None
    else:
        set_aside.refuse_unfinished(mark)
        aside, is_begun = "", note is not None
        _check_configuration(node, text, note)
        _check_home(node, text, note)
    if settings.node.has_tftp:
        _check_tftp_directory(node)
    return InitPlan(node, text, site, is_begun, aside)


@use_case("cucmsh init", changes=True, level=Privilege.ALL)
def make(site: Site, plan: InitPlan, security: Secret, ccm: Secret | None) -> None:
    """Make what was planned, on its site; what an interrupted call made is kept.

    Raises:
        RefusedError: a password is too weak, or not the one the interrupted call got.
        BusyError: another process is changing the node that is made anew.
        StoreError: a full disk, for instance; run it again when there is room.
    """
    require_strong(security)
    if ccm is not None:
        require_ccm(ccm, security)
    node = plan.node
    folders.make(node.home, 0o700)
    folders.narrow(node.home, 0o700)
    with site.cluster_lock("cucmsh init"):
        if plan.aside:
            set_aside.move(site, plan.aside)
        _require_same_password(site, security)
        site.home.write(INIT_NOTE, plan.text.encode())
        folders.make(os.path.join(node.home, STAGING), 0o700)
        if site.node.has_tftp:
            folders.make(node.tftp_directory, SERVED_FOLDER_MODE)
        if is_whole(site):
            ClusterPasswords(site).set_secrets(security, ccm)
        else:
            make_node(site, security, ccm)
        make_identity(site)
        own_id(site)
        folder, name = split_path(node.configuration)
        folders.make(folder.root, 0o755)
        folder.write(name, plan.text.encode(), CONFIGURATION_MODE)
        site.home.remove(INIT_NOTE)
        if plan.aside:
            set_aside.finish(site)


def _with_names_checked(node: NewNode) -> NewNode:
    """The node with its subject in the one spelling.

    Raises:
        NamingError: a name that it cannot have.
    """
    check_host_name(node.name)
    check_host_name(node.publisher)
    check_domain(node.domain)
    domain = f".{node.domain}" if node.domain else ""
    for name in (node.name, node.publisher):
        check_full_name(name + domain)
    return node._replace(subject=format_subject(parse_subject(node.subject)))


def _text(node: NewNode) -> str:
    from cucmsh.config.editing import new_text  # noqa: PLC0415 - tomlkit

    own: dict[str, Any] = {
        "name": node.name,
        "role": node.role.value,
        "services": list(node.services),
    }
    if "tftp" in node.services:
        own["tftp_directory"] = node.tftp_directory
        if node.tftp:
            own["tftp"] = node.tftp._asdict()
        own["service_commands"] = node.service_commands
    if node.tvs_commands:
        commands = {"tftp": own.pop("service_commands", None), "tvs": node.tvs_commands}
        del own["services"]  # tables stand behind the other keys
        own["services"] = [
            _service(name, commands.get(role))
            for name, role in ROLE_OF_SERVICE.items()
            if role in node.services
        ]
    nodes = [own]
    if node.role is not NodeRole.PUBLISHER:
        # A cluster has a publisher; `node add` there says all about it.
        nodes.insert(0, {"name": node.publisher, "role": "publisher", "services": []})
    return new_text(
        HEADING,
        {"release": node.release, "fidelity": "helpful", "keep_trust": True},
        {
            "node": {"name": node.name, "home": node.home},
            "cluster": {
                "domain": node.domain,
                "subject": node.subject,
                "digest": node.digest,
                "nodes": nodes,
            },
        },
    )


def _service(name: str, commands: str | dict[str, list[str]] | None) -> dict[str, Any]:
    """The table of a service."""
    table: dict[str, Any] = {"name": name}
    if isinstance(commands, str):
        table["unit"] = commands.removeprefix("systemd:")
    elif commands:
        table["commands"] = commands
    return table


def _check_configuration(node: NewNode, text: str, note: bytes | None) -> None:
    folder, name = split_path(node.configuration)
    present = _without_staging(_read(folder.read, name))
    if present is not None and not (note and present == text.encode()):
        raise RefusedError(
            f"{node.configuration} is there already; nothing was made",
            "It describes a node: see `cucmsh node list`. To make that one anew, "
            "add --again; for another one, name another file with --config and "
            "another --home.",
        )
    if present is None:
        folders.require_place(folder.root)


def _check_home(node: NewNode, text: str, note: bytes | None) -> None:
    names = folders.entries(node.home)
    if names is None:
        folders.require_place(node.home)
        return
    folders.require_own(node.home)
    folders.require_place(node.home)
    if note is not None:
        _require_same_options(node, text, note)
        return
    state = folders.entries(os.path.join(node.home, STATE_FOLDER)) if names else set()
    inside = {f"{STATE_FOLDER}/{name}" for name in state or ()}
    if names - {STATE_FOLDER} or inside - LOCKS:
        raise RefusedError(
            f"{node.home} holds a node or other things; nothing was made",
            "Name an empty folder with --home, or one that is not there yet; or make "
            "the node there anew with --again.",
        )


def _require_same_options(node: NewNode, text: str, note: bytes | None) -> None:
    if note not in (None, text.encode()):
        raise RefusedError(
            f"{node.home} holds a node that was begun with other options",
            f"Give the same options as in {node.home}/{INIT_NOTE}, or begin anew with "
            "--again, which keeps what is there aside.",
        )


def _check_tftp_directory(node: NewNode) -> None:
    home = os.path.realpath(node.home)
    served = os.path.realpath(node.tftp_directory)
    if os.path.commonpath([home, served]) in (home, served):
        raise UsageError(
            f"{node.tftp_directory} and {node.home} lie in one another: TFTP would "
            "serve the keys",
            "Name another --tftp-directory.",
        )
    folders.require_place(node.tftp_directory)


def _require_same_password(site: Site, security: Secret) -> None:
    kept = _read(site.home.read, SECURITY_PASSWORD)
    if kept is not None and Secret(kept.decode(errors="surrogateescape")) != security:
        raise RefusedError(
            "the interrupted init was given another cluster security password",
            "Give the same one, or begin anew with --again.",
        )


def _without_staging(raw: bytes | None) -> bytes | None:
    """What an earlier version has begun, without the line that is left out now."""
    return raw and re.sub(rb'^staging = ".*"\n', b"", raw, flags=re.MULTILINE)


def _read(read: Callable[[str], bytes], name: str) -> bytes | None:
    try:
        return read(name)
    except MissingFileError:
        return None
