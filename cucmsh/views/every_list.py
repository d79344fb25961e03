"""``show itl all``: a row a node, then each list with its checksums. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cucmsh.services.lists.every_list import ListOnNode, ListState
from cucmsh.views.documents import Document
from cucmsh.views.times_and_sizes import iso_time, short_span

_HEAD = ("Node", "List", "Signed by", "Age", "State")
_SHORT = 8  # digits of a digest that tell lists apart, as in `show itl phones`
_COMPOSED_THERE = (ListState.STALE, ListState.UNVERIFIED, ListState.NONE)


def every_list_lines(
    seen: Sequence[ListOnNode], now: float, columns: int, *, helpful: bool
) -> Iterator[str]:
    """The lines.

    Args:
        seen: the nodes.
        now: Unix time, by which lists have an age.
        columns: how wide a line may be. Where a row does not fit, each node has a line
            for each of its columns.
        helpful: say what to do, too.
    """
    rows = [_HEAD, *(_row(each, now) for each in seen)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    if sum(widths) + 2 * (len(widths) - 1) <= columns:
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield "  ".join(cells).rstrip()
    else:
        for row in rows[1:]:
            yield row[0]
            for name, cell in zip(_HEAD[1:], row[1:], strict=True):
                yield f"  {name}: {cell}"
    told: set[str] = set()
    for each in seen:
        if each.raw is not None and each.sha1 not in told:
            told.add(each.sha1)
            yield ""
            yield f"{each.sha1[:_SHORT]}  {', '.join((each.node.name, *each.same_as))}"
            yield f"{each.md5}(MD5)"
            yield f"{each.sha1}(SHA1)"
    amiss = [each for each in seen if each.reasons]
    if amiss:
        yield ""
    for each in amiss:
        yield f"{each.node.name}: {each.state.value}: {'; '.join(each.reasons)}."
    if helpful and any(each.state in _COMPOSED_THERE for each in seen):
        yield (
            "A start of Cisco Tftp on a node makes its list anew: `utils itl preview "
            "restart` there says who would take it."
        )


def every_list_document(node: str, seen: Sequence[ListOnNode], now: float) -> Document:
    """The same for programs."""
    return {"node": node, "nodes": [_document(each, now) for each in seen]}


def _document(each: ListOnNode, now: float) -> Document:
    return {
        "name": each.node.name,
        "state": each.state.value,
        "length": None if each.raw is None else len(each.raw),
        "md5": each.md5 or None,
        "sha1": each.sha1 or None,
        "signer": each.signer or None,
        "timestamp": iso_time(each.timestamp) if each.timestamp else None,
        "age_seconds": round(now - each.timestamp) if each.timestamp else None,
        "same_as": list(each.same_as),
        "reasons": list(each.reasons),
    }


def _row(each: ListOnNode, now: float) -> tuple[str, ...]:
    signer = each.signer.partition(";")[0].removeprefix("CN=")
    age = short_span(now - each.timestamp) if each.timestamp else ""
    cells = (each.node.name, each.sha1[:_SHORT], signer, age, each.state.value)
    return tuple(cell or "-" for cell in cells)
