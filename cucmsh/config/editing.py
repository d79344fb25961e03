"""Edits the text of a configuration. The only importer of tomlkit.

Comments, order and spacing of what an administrator wrote stay; only entries that
differ are changed. Reads and writes no file and checks nothing: the caller has
``settings`` parse the result before it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from cucmsh.config.entries import Entry
from cucmsh.config.model import OWN_SAST_RECORDS, FurtherRecord
from cucmsh.config.records import role_name
from cucmsh.errors import ConfigurationError


def new_text(heading: str, general: Entry, tables: Mapping[str, Entry]) -> str:
    """A whole configuration.

    Args:
        heading: lines of comment that stand above it.
        general: the keys above the first table.
        tables: the tables; a list of mappings in one becomes ``[[table.key]]``.
    """
    document = tomlkit.document()
    for line in heading.splitlines():
        document.add(tomlkit.comment(line))
    for key, value in general.items():
        document.add(key, _item(value))
    for name, entry in tables.items():
        table = tomlkit.table()
        for key, value in entry.items():
            if isinstance(value, list) and value and isinstance(value[0], Mapping):
                rows = tomlkit.aot()
                for row in value:
                    rows.append(_table(row))
                table.add(key, rows)
            else:
                table.add(key, _item(value))
        document.add(tomlkit.nl())
        document.add(name, table)
    return tomlkit.dumps(document)


def with_node(text: str, path: str, entry: Entry) -> str:
    """The text with this node's entry: added at the end, or brought up to date."""
    document = _parse(text, path)
    _put(_nodes(document, path), entry)
    return tomlkit.dumps(document)


def with_names(text: str, path: str, was: str, names: Entry) -> str:
    """The text with the node that was called ``was`` called otherwise.

    Args:
        text: the configuration.
        path: of its file, for error messages.
        was: its name or an alias of it in that text.
        names: its ``name``, ``aliases`` and ``domain``; what is left out goes.
    """
    document = _parse(text, path)
    table: Any
    for table in _nodes(document, path):
        if was != table.get("name") and was not in (table.get("aliases") or ()):
            continue
        own: Any = document["node"]
        if own.get("name") in _all_names(table):
            own["name"] = names["name"]
        keys = {key: names.get(key) for key in ("name", "aliases", "domain")}
        for key, value in keys.items():
            if value is None and key in table:
                del table[key]
            elif value is not None and _plain(table.get(key)) != value:
                table[key] = _item(value)
        return tomlkit.dumps(document)
    raise ConfigurationError(f"{path}: there is no node {was!r} in it")


def without_node(text: str, path: str, name: str) -> str:
    """The text without the entry of that name."""
    document = _parse(text, path)
    _drop(_nodes(document, path), lambda known: known == name)
    return tomlkit.dumps(document).rstrip("\n") + "\n"


def with_cluster(
    text: str, path: str, about: Entry, entries: Iterable[Entry], own: str
) -> str:
    """The text with the cluster as another node describes it.

    Args:
        text: the configuration.
        path: of its file, for error messages.
        about: keys of ``[cluster]`` besides the nodes.
        entries: all other nodes; those that are not among them go.
        own: the name of the node whose entry stays as it is.
    """
    document = _parse(text, path)
    cluster: Any = document["cluster"]
    nodes = _nodes(document, path)
    for key, value in about.items():
        if _plain(cluster.get(key)) != value:
            cluster[key] = _item(value)
    names = {own}
    for entry in entries:
        names.add(entry["name"])
        _put(nodes, entry)  # a node that was renamed keeps its place
    _drop(nodes, lambda known: known not in names)
    return tomlkit.dumps(document)


def with_records(
    text: str, path: str, records: Iterable[FurtherRecord], tokens: int = 0
) -> str:
    """The text with these records of lists besides those that it has.

    Args:
        text: the configuration.
        path: of its file, for error messages.
        records: to be added where they are not there.
        tokens: what ``sast_records`` is raised to, where it is lower.
    """
    document = _parse(text, path)
    cluster: Any = document["cluster"]
    if tokens > _plain(cluster.get("sast_records", OWN_SAST_RECORDS)):
        cluster["sast_records"] = tokens
    rows = cluster.get("records")
    if rows is None:
        rows = cluster["records"] = tomlkit.aot()
    if not isinstance(rows, AoT):
        raise ConfigurationError(
            f"{path}: cluster.records: cannot be edited in this form",
            "Write each record as a table of its own, under [[cluster.records]].",
        )
    there = {
        (str(row.get("role")).lower(), str(row.get("certificate")).strip())
        for row in rows
    }
    for record in records:
        role = role_name(record.role)
        names = {str(role), str(record.role)}
        if any((name, record.certificate.strip()) in there for name in names):
            continue
        table = tomlkit.table()
        table.add("role", role)
        pem = tomlkit.string(f"\n{record.certificate}", multiline=True)
        table.add("certificate", pem)
        rows.append(table)
    return tomlkit.dumps(document)


def with_value(text: str, path: str, table: str, key: str, value: Any) -> str:
    """The text with one key of a table ``[table]``, which is made if it is not there.

    Raises:
        ConfigurationError: something else has that name.
    """
    document = _parse(text, path)
    found: Any = document.get(table)
    if found is None:
        found = document[table] = tomlkit.table()
    if not isinstance(found, MutableMapping):
        raise ConfigurationError(f"{path}: {table}: must be a table, [{table}]")
    if _plain(found.get(key)) != value:
        found[key] = _item(value)
    return tomlkit.dumps(document)


def with_release(text: str, path: str, release: str) -> str:
    """The text with another release, at its top where it named none."""
    document = _parse(text, path)
    if _plain(document.get("release")) == release:
        return text
    if "release" in document:
        document["release"] = release
        return tomlkit.dumps(document)
    return f'release = "{release}"\n{text}'


def _parse(text: str, path: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as problem:
        raise ConfigurationError(f"{path}: {problem}") from problem


def _nodes(document: tomlkit.TOMLDocument, path: str) -> AoT:
    cluster: Any = document.get("cluster")
    nodes = cluster.get("nodes") if isinstance(cluster, Mapping) else None
    if not isinstance(nodes, AoT):
        raise ConfigurationError(
            f"{path}: cluster.nodes: cannot be edited in this form",
            "Write each node as a table of its own, under [[cluster.nodes]].",
        )
    return nodes


def _put(nodes: AoT, entry: Entry) -> None:
    known = (entry["name"], *entry.get("aliases", ()))
    for table in nodes:
        if table.get("name") in known:
            for key in [key for key in table if key not in entry]:
                del table[key]
            for key, value in entry.items():
                if _plain(table.get(key)) != value:
                    table[key] = _item(value)
            return
    last = nodes[-1] if nodes else None
    if last is not None and not last.as_string().endswith("\n\n"):
        last.add(tomlkit.nl())
    nodes.append(_table(entry))


def _all_names(table: Mapping[str, Any]) -> tuple[str, ...]:
    return (table["name"], *(table.get("aliases") or ()))


def _drop(nodes: AoT, is_unwanted: Any) -> None:
    for index in reversed(range(len(nodes))):
        if is_unwanted(nodes[index].get("name")):
            del nodes[index]


def _table(entry: Entry) -> tomlkit.items.Table:
    table = tomlkit.table()
    for key, value in entry.items():
        table.add(key, _item(value))
    return table


def _item(value: Any) -> Any:
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        for key, inner in value.items():
            inline.add(key, _item(inner))
        return inline
    return tomlkit.item(value)


def _plain(value: Any) -> Any:
    return value.unwrap() if hasattr(value, "unwrap") else value
