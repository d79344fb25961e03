"""``utils itl preview``: who takes the next list, as lines and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import md5, sha1
from itertools import groupby

from cucmsh.services.phones.preview import Preview
from cucmsh.services.phones.takers import Holders, Way
from cucmsh.views.documents import Document

_HEADS = {
    Way.LOCKED_OUT: "Locked out: they show Trust List Update Failed until a reset",
    Way.UNKNOWN: "Not known:",
    Way.TVS: "Through TVS:",
    Way.DIRECT: "Directly:",
}


def preview_lines(preview: Preview) -> Iterator[str]:
    """What would be served, then every holder, the worst first."""
    offer = preview.offer
    where = ", ".join(offer.nodes)
    kept = "the ITL that lies there stays" if offer.is_kept else "a new ITL"
    yield f"After {preview.change}, {where}: {kept}, signed by {offer.signer}"
    if offer.remark:
        yield f"  {offer.remark}"
    for way, holders in groupby(preview.holders, lambda each: each.way):
        yield ""
        yield _HEADS[way]
        yield from _of_way(holders)
    yield ""
    if preview.elsewhere:
        yield f"{_count(preview.elsewhere)} ask other nodes, which this does not touch."
    if preview.silent:
        yield f"Of {_count(preview.silent)} nobody said which ITL they hold."
    if not any(each.phones for each in preview.holders):
        yield "How many phones hold which ITL is not known here."
    yield _outcome(preview)


def _outcome(preview: Preview) -> str:
    if not preview.is_locking_out:
        return "Nobody is locked out."
    left = [each for each in preview.holders if not each.is_given_up]
    if any(each.way is Way.LOCKED_OUT for each in left):
        return "Somebody is locked out."
    unknown = sum(each.phones or 0 for each in left if each.way is Way.UNKNOWN)
    if not unknown:  # lists that were handed over and cannot be read
        return "Of some it cannot be told whether they are locked out."
    hold = "holds a list that is" if unknown == 1 else "hold lists that are"
    return f"{_count(unknown)} {hold} not known here: nobody can tell."


def _of_way(holders: Iterable[Holders]) -> Iterator[str]:
    for _, same in groupby(holders, lambda each: (each.held, each.sha1, each.ctl)):
        rows = list(same)
        first = rows[0]
        given_up = " (given up by a person)" if first.is_given_up else ""
        yield f"  {first.held}{given_up}: {first.reason}"
        for row in rows:
            if row.phones is not None:
                model = f" of model {row.model}" if row.model else ""
                node = f" at {row.node}" if row.node else ""
                yield f"    {_count(row.phones)}{model}{node}"


def _count(phones: int) -> str:
    return "1 phone" if phones == 1 else f"{phones} phones"


def lock_out_lines(lost: Iterable[Holders]) -> Iterator[str]:
    """Before a command that would lock somebody out; nothing if it would not."""
    lost = list(lost)
    if lost:
        yield "Phones that hold one of these ITLs would be locked out:"
        yield from _of_way(lost)


def preview_document(node: str, preview: Preview) -> Document:
    """All of it; digests in lower-case hexadecimal digits."""
    offer, raw = preview.offer, preview.offer.trust_list.raw
    return {
        "node": node,
        "change": preview.change,
        "offer": {
            "nodes": list(offer.nodes),
            "signer": offer.signer,
            "is_kept": offer.is_kept,
            "remark": offer.remark or None,
            "md5": md5(raw, usedforsecurity=False).hexdigest(),
            "sha1": sha1(raw, usedforsecurity=False).hexdigest(),
        },
        "holders": holders_documents(preview.holders),
        "elsewhere": preview.elsewhere,
        "silent": preview.silent,
        "is_locking_out": preview.is_locking_out,
    }


def holders_documents(holders: Iterable[Holders]) -> list[Document]:
    """Each of them."""
    return [
        {
            "held": each.held,
            "sha1": each.sha1 or None,
            "ctl": each.ctl or None,
            "way": each.way.value,
            "reason": each.reason,
            "node": each.node or None,
            "model": each.model or None,
            "phones": each.phones,
            "is_given_up": each.is_given_up,
        }
        for each in holders
    ]
