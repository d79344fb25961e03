"""Another release: who takes its lists, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.services.outcome import State
from cucmsh.services.releases.change import ReleaseChanged
from cucmsh.services.releases.preview import ReleasePreview
from cucmsh.views.documents import Document, outcome_document
from cucmsh.views.preview import preview_document, preview_lines


def release_preview_lines(found: ReleasePreview) -> Iterator[str]:
    """Each node with a list of its own as in the other previews, then who is silent."""
    for number, each in enumerate(found.previews):
        if number:
            yield ""
        yield from preview_lines(each)
    for name, why in found.silent.items():
        yield ""
        yield f"Of {name} nobody can tell: {why}"


def release_preview_document(node: str, found: ReleasePreview) -> Document:
    """All of it; the keys of each preview are those of `utils itl preview restart`."""
    return {
        "node": node,
        "change": found.change,
        "previews": [preview_document(node, each) for each in found.previews],
        "not_asked": [
            {"name": name, "reason": why} for name, why in found.silent.items()
        ],
        "is_locking_out": found.is_locking_out,
    }


def release_changed_lines(done: ReleaseChanged) -> Iterator[str]:
    """What each node serves now, then what is left open."""
    yield f"Release {done.release}:"
    for each in done.nodes:
        signer = done.signers.get(each.name)
        if not each.is_done:
            yield f"  {each.name}: not done: {each.reason or each.state}"
        elif each.state is State.STOPPED:
            yield f"  {each.name}: Cisco Tftp does not run, and stays so"
        elif signer:
            yield f"  {each.name}: its ITL is signed by {signer}"
        elif each.name in done.signers:
            yield f"  {each.name}: its ITL was not given by TFTP"
        else:
            yield f"  {each.name}: told"
    yield from done.problems


def release_changed_document(node: str, done: ReleaseChanged) -> Document:
    """``set release``."""
    return {
        "node": node,
        "release": done.release,
        "nodes": [
            {**outcome_document(each), "signer": done.signers.get(each.name) or None}
            for each in done.nodes
        ],
        "problems": list(done.problems),
    }
