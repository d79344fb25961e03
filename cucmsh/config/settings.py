"""The configuration file as values. Opens that one file and no other.

Unknown keys, wrong types and impossible clusters are errors that name the file and the
dotted key (docs/production.md#configuration); a syntax error names the line.
"""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.config.model import (
    OWN_SAST_RECORDS,
    SAST_CODE,
    Cluster,
    Node,
    NodeRole,
)
from cucmsh.config.records import read_record
from cucmsh.config.table import Table, read_node
from cucmsh.errors import ConfigurationError
from cucmsh.layout import DEFAULT_HOME
from cucmsh.names import check_full_name, format_subject, read_subject
from cucmsh.release import DEFAULT_RELEASE, Profile, profile_of

if TYPE_CHECKING:
    from cucmsh.config.alarms import AlarmsSettings
    from cucmsh.config.inventory import InventorySettings
    from cucmsh.config.phones import PhonesSettings
    from cucmsh.config.tvs import TvsSettings
    from cucmsh.config.web import WebSettings

MOST_BYTES = 1 << 20  # a thousand nodes take half of it
DIGESTS = ("sha1", "sha512")
# What phones ask for with .sgn behind the name: configuration, ring and soft key lists,
# dial rules, locales, load files, ring tones, backgrounds
# (docs/formats.md#signed-files).
SIGNED_PATTERNS = ("*.xml", "*.cnf", "*.loads", "*.jar", "*.raw", "*.rwb", "*.png")


# Which file it is, and which state of it: device, inode, size, time of its last change
# in nanoseconds. Looked at without being read, which its owner alone may be able to.
Stamp = tuple[int, int, int, int]


class Settings(NamedTuple):
    """What one node's configuration says.

    Attributes:
        path: the file it was read from.
        release: the release whose rules hold, ``10.0``.
        is_strict: print what the original prints and nothing else.
        keep_trust: refuse to compose a list that a holder would not take.
        may_change_by_exec: whether an exec request may run changing commands.
        packs: names of further command packs.
        digest: ``sha1`` or ``sha512``, for the lists this node signs.
        home: the folder with keys and state.
        node: this node.
        cluster: all nodes.
        signed_patterns: which files of the TFTP directory are signed for phones, as
            shell wildcards; a pattern without ``/`` is held against the last part.
        served_as: folders of the TFTP directory, and the folder as which the TFTP
            service gives each, empty for the directory itself; see
            ``cucmsh.services.lists.asked_names``.
        own_inventory: what ``[inventory]`` says; None where there is no such table.
        own_phones: the same of ``[phones]``.
        own_tvs: the same of ``[tvs]``.
        own_alarms: the same of ``[alarms]``.
        own_web: the same of ``[web]``.
        stamp: of the file when it was read; None for settings that no file has yet.
        lab: the directory of the lab that it is a node of; empty for none.
    """

    path: str
    release: str
    is_strict: bool
    keep_trust: bool
    may_change_by_exec: bool
    packs: tuple[str, ...]
    digest: str
    home: str
    node: Node
    cluster: Cluster
    signed_patterns: tuple[str, ...] = SIGNED_PATTERNS
    served_as: tuple[tuple[str, str], ...] = ()
    own_inventory: InventorySettings | None = None
    own_phones: PhonesSettings | None = None
    own_tvs: TvsSettings | None = None
    own_alarms: AlarmsSettings | None = None
    own_web: WebSettings | None = None
    stamp: Stamp | None = None
    lab: str = ""

    # Every login reads the settings, and few ask for these: their modules wait.

    @property
    def inventory(self) -> InventorySettings:
        """Where what is known of phones is kept."""
        from cucmsh.config.inventory import InventorySettings  # noqa: PLC0415 - above

        return self.own_inventory or InventorySettings()

    @property
    def phones(self) -> PhonesSettings:
        """How phones are reset."""
        from cucmsh.config.phones import PhonesSettings  # noqa: PLC0415 - above

        return self.own_phones or PhonesSettings()

    @property
    def tvs(self) -> TvsSettings:
        """The limits of this node's TVS."""
        from cucmsh.config.tvs import TvsSettings  # noqa: PLC0415 - above

        return self.own_tvs or TvsSettings()

    @property
    def alarms(self) -> AlarmsSettings:
        """Where alarms go, and when certificates that expire are told."""
        from cucmsh.config.alarms import AlarmsSettings  # noqa: PLC0415 - above

        return self.own_alarms or AlarmsSettings()

    @property
    def web(self) -> WebSettings:
        """Where the page listens, and what it may do."""
        from cucmsh.config.web import WebSettings  # noqa: PLC0415 - above

        return self.own_web or WebSettings()

    @property
    def profile(self) -> Profile:
        """What the release does differently from others."""
        return profile_of(self.release)


def read_settings(path: str) -> Settings:
    """The settings in the TOML file at ``path``.

    Raises:
        ConfigurationError: unreadable file, syntax error, unknown key, wrong type, or
            an impossible cluster.
    """
    try:
        with open(path, "rb") as file:
            stamp = _stamp(os.fstat(file.fileno()))
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError as problem:
        raise ConfigurationError(
            f"{path}: there is no such configuration file",
            "Name one with --config FILE or $CUCMSH_CONFIG; `cucmsh init` makes a "
            "node, `cucmsh lab` a whole cluster to try, whose lab.json names those of "
            "its nodes.",
        ) from problem
    except OSError as problem:
        raise ConfigurationError(f"{path}: {problem.strerror}") from problem
    if len(raw) > MOST_BYTES:
        raise ConfigurationError(
            f"{path} is larger than {MOST_BYTES} bytes, so it is no configuration"
        )
    return parse_settings(raw, path)._replace(stamp=stamp)


def with_stamp(settings: Settings) -> Settings:
    """The settings as read from the file that is there now, which holds them.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        return settings._replace(stamp=_stamp(os.stat(settings.path)))
    except OSError as problem:
        raise ConfigurationError(f"{settings.path}: {problem.strerror}") from problem


def is_outdated(settings: Settings) -> bool:
    """Whether their file was replaced, written or removed since they were read.

    Settings that were read from no file are never outdated. Nor are those whose file
    cannot be looked at any more, as by an account that root's login became.
    """
    if settings.stamp is None:
        return False
    try:
        return _stamp(os.stat(settings.path)) != settings.stamp
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def parse_settings(raw: bytes, path: str, *, is_copy: bool = False) -> Settings:
    """The settings in a configuration that is, or will be, at ``path``; no stamp.

    Args:
        raw: what is in it.
        path: where.
        is_copy: it is a copy that is only read, as in a backup set: it lies nowhere, so
            it is of no lab.

    Raises:
        ConfigurationError: as for ``read_settings``.
    """
    try:
        document = tomllib.loads(raw.decode())
    except ValueError as problem:
        raise ConfigurationError(f"{path}: {problem}") from problem
    if is_copy:
        document.pop("lab", None)
    table = Table(document, path)
    settings = _settings(table, path)
    table.finish()
    return settings


def _settings(table: Table, path: str) -> Settings:
    own = table.table("node")
    about = table.table("cluster")
    nodes = tuple(read_node(entry) for entry in about.tables("nodes"))
    name = own.text("name")
    domain = about.text("domain", "")
    # They stand in certificates that are there; `init` and `doctor` are stricter.
    subject = about.named("subject", read_subject, about.text("subject", ""))
    most = about.number("sast_records", OWN_SAST_RECORDS, range(2, 4))
    further = about.tables("records") if about.has("records") else []
    records = tuple(read_record(entry) for entry in further)
    cluster = Cluster(domain, format_subject(subject), nodes, records, most)
    _check_cluster(cluster, about)
    node = cluster.find(name)
    if node is None or not node.is_member:
        raise own.error(
            "name", f"{name!r} is no publisher or subscriber of the cluster"
        )
    home = own.text("home", DEFAULT_HOME)
    if not os.path.isabs(home):
        raise own.error("home", "an absolute path is needed")
    patterns, served_as = _signing(table)
    return Settings(
        path=path,
        release=table.checked("release", profile_of, DEFAULT_RELEASE).release,
        is_strict=table.choice("fidelity", ("helpful", "strict"), "helpful")
        == "strict",
        keep_trust=table.boolean("keep_trust", default=True),
        may_change_by_exec=table.choice("exec", ("read-only", "all"), "read-only")
        == "all",
        packs=table.texts("packs", ()),
        digest=about.choice("digest", DIGESTS, "sha512"),
        home=home,
        node=node,
        cluster=cluster,
        signed_patterns=patterns,
        served_as=served_as,
        own_inventory=_inventory(table),
        own_phones=_phones(table),
        own_tvs=_tvs(table),
        own_alarms=_alarms(table),
        own_web=_web(table),
        lab=_lab(table, path, home, cluster),
    )


def _inventory(table: Table) -> InventorySettings | None:
    if not table.has("inventory"):
        return None
    from cucmsh.config.inventory import read_inventory  # noqa: PLC0415 - as above

    return read_inventory(table.table("inventory"))


def _phones(table: Table) -> PhonesSettings | None:
    if not table.has("phones"):
        return None
    from cucmsh.config.phones import read_phones  # noqa: PLC0415 - as above

    return read_phones(table.table("phones"))


def _tvs(table: Table) -> TvsSettings | None:
    if not table.has("tvs"):
        return None
    from cucmsh.config.tvs import read_tvs  # noqa: PLC0415 - as above

    return read_tvs(table.table("tvs"))


def _alarms(table: Table) -> AlarmsSettings | None:
    if not table.has("alarms"):
        return None
    from cucmsh.config.alarms import read_alarms  # noqa: PLC0415 - as above

    return read_alarms(table.table("alarms"))


def _web(table: Table) -> WebSettings | None:
    if not table.has("web"):
        return None
    from cucmsh.config.web import read_web  # noqa: PLC0415 - as above

    return read_web(table.table("web"))


def _lab(table: Table, path: str, home: str, cluster: Cluster) -> str:
    if not table.has("lab"):
        return ""
    from cucmsh.config.lab import read_lab  # noqa: PLC0415 - no node of ours has it

    return read_lab(table, path, home, cluster)


def _signing(table: Table) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    if not table.has("signing"):
        return SIGNED_PATTERNS, ()
    signing = table.table("signing")
    served_as = signing.pairs("served_as")
    for folder, served in served_as:
        for path, is_pattern in ((folder, True), (served, False)):
            if path and not _is_folder(path, is_pattern=is_pattern):
                raise signing.error(
                    "served_as",
                    f"{path!r} is no folder below the TFTP directory; write "
                    '{ settings = "", wallpapers = "Desktops" }',
                )
        if not folder:
            raise signing.error("served_as", "the folder on the left is empty")
    return signing.texts("patterns", SIGNED_PATTERNS), served_as


def _is_folder(path: str, *, is_pattern: bool) -> bool:
    """Relative, without empty or climbing parts; ``*`` only for a whole part."""
    return all(
        part not in ("", ".", "..")
        and ("*" not in part or (is_pattern and part == "*"))
        for part in path.split("/")
    )


def _check_cluster(cluster: Cluster, about: Table) -> None:
    names = [node.name.lower() for node in cluster.nodes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise about.error("nodes", f"the node {twice!r} is there twice")
    names += [alias.lower() for node in cluster.nodes for alias in node.aliases]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise about.error(
            "nodes",
            f"{twice!r} is an alias, and a name or alias besides",
            "Take it out of the aliases of the node that it means no longer.",
        )
    publishers = sum(node.is_publisher for node in cluster.nodes)
    if publishers != 1:
        raise about.error(
            "nodes", f"a cluster has one publisher; here there are {publishers}"
        )
    if any(
        node.role is NodeRole.REPLICA and not node.has_tftp for node in cluster.nodes
    ):
        raise about.error("nodes", "a replica without the service tftp does nothing")
    tokens = sum(record.role == SAST_CODE for record in cluster.records)
    if tokens + OWN_SAST_RECORDS > cluster.sast_records:
        raise about.error(
            "records",
            f"with {tokens} of the role sast, lists would name "
            f"{tokens + OWN_SAST_RECORDS} System Administrator Security Tokens, and "
            f"phones are only known to read {OWN_SAST_RECORDS}",
            "Take them out; or set sast_records = 3 under [cluster], if you have tried "
            "such a list with your phones.",
        )
    for member in cluster.members:
        about.named("domain", check_full_name, cluster.full_name(member))
