"""The trust map for programs. Pure."""

from __future__ import annotations

from hashlib import sha1

from cucmsh.services.phones.trust_map import MappedList, TrustMap
from cucmsh.views.documents import Document
from cucmsh.views.preview import holders_documents


def trust_map_document(node: str, found: TrustMap) -> Document:
    """All of it; the keys stand in ``cucmsh.views.documents``."""
    return {
        "node": node,
        "change": found.change or None,
        "lists": [_list_document(each) for each in found.lists],
        "without": [
            {
                "name": each.node.name,
                "state": each.state.value,
                "reasons": list(each.reasons),
            }
            for each in found.without
        ],
        "elsewhere": found.elsewhere,
        "is_locking_out": found.is_locking_out,
    }


def sha1_of(each: MappedList) -> str:
    """Of the list, lower-case hex; empty for what is none."""
    trust_list = each.trust_list
    if trust_list is None:
        return ""
    return sha1(trust_list.raw, usedforsecurity=False).hexdigest()


def _list_document(each: MappedList) -> Document:
    return {
        "nodes": list(each.nodes),
        "state": each.state,
        "sha1": sha1_of(each) or None,
        "signer": each.signer or None,
        "next_signers": list(each.next_signers),
        "reasons": list(each.reasons),
        "holders": holders_documents(each.holders),
        "silent": each.silent,
    }
