"""``show itl phones`` as lines, as CSV and as JSON; what a source is worth. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime

from cucmsh.phones.claims import NOT_INSTALLED, Source
from cucmsh.phones.known import Phone, states_of, unconfirmed, word_on
from cucmsh.services.phones.inventory import NAMELESS_DAYS, PhoneShown, PhonesShown
from cucmsh.services.phones.known_lists import KnownList
from cucmsh.views.documents import Document
from cucmsh.views.times_and_sizes import iso_time

# What it says of a list that somebody says it of a phone (docs/decisions/031).
WORTH = {
    Source.TFTP_LOG: "asked for",
    Source.HTTP_LOG: "was sent",
    Source.PAGE: "shows",
    Source.ALARM: "said",
    Source.REGISTER: "said",
}
# Who saw a phone without saying which list it holds: of a log, what was done.
_SEEN_BY = {by: WORTH[by] for by in (Source.TFTP_LOG, Source.HTTP_LOG)}
_FORMULAS = frozenset("=+-@")
SHORT = 8  # digits of a digest that tell lists apart
COLUMNS = (
    *("name", "model", "load", "address", "node", "state", "itl", "worth", "source"),
    *("itl_time", "list", "unconfirmed", "ctl", "alarm_status", "seen", "text"),
)


def phones_lines(shown: PhonesShown) -> Iterator[str]:
    """Counts, the phones, and which list is which."""
    counts = shown.counts
    where = f" that asked {shown.wanted.nodes[0]} last" if shown.wanted.nodes else ""
    yield (
        f"{counts.phones} phones{where}: {counts.match} match, {counts.mismatch} "
        f"mismatch, {counts.unknown} unknown; {counts.stale} stale, "
        f"{counts.no_recovery} no-recovery"
    )
    for node, problem in shown.lists.silent.items():
        yield f"{node} did not say what it serves: {problem}"
    if shown.nameless[0]:
        requests, addresses = shown.nameless
        yield (
            f"In {NAMELESS_DAYS} days {requests} more requests came from {addresses} "
            "addresses that no one phone is known for."
        )
    if shown.phones:
        yield ""
        yield _row("Phone", "Model", "List", "Said by", "When (UTC)", "State")
    for phone in shown.phones:
        yield phone_line(phone, shown)
    told = list(_told(shown))
    if told:
        yield ""
    for digest in told:
        words = itl_words(digest, shown.lists.by_digest.get(digest))
        yield f"{_short(digest):9} {words}"
    if shown.page and shown.pages > 1:
        yield ""
        yield f"Page {shown.page} of {shown.pages}; {shown.found} phones in all."


def phone_line(phone: Phone, shown: PhonesShown) -> str:
    """One phone, in columns."""
    itl, at, by = word_on(phone, shown.known)
    if by is None:
        by, at = phone.seen_by, phone.seen
    worth = WORTH[by] if itl else f"({_SEEN_BY.get(by, by.value)})"
    states = ", ".join(states_of(phone, shown.known))
    alone = unconfirmed(phone, shown.known)
    if alone and alone.by:
        article = "an" if alone.by is Source.ALARM else "a"
        states += (
            f"; said by {article} {alone.by.value}: {_short(alone.itl)}, not confirmed"
        )
    model, short = phone.model or "-", _short(itl)
    return _row(phone.name, model, short, worth, _minute(at), states)


def list_words(known: KnownList | None) -> str:
    """Which list it is: where it is served, or when it was; its signer."""
    if known is None:
        return "a list that is not known here"
    if known.nodes:
        words = f"served by {', '.join(known.nodes)} now"
    elif known.last:
        first, last = _day(known.first), _day(known.last)
        words = f"served {f'on {last}' if first == last else f'{first} to {last}'}"
    else:
        words = "known"
    if known.same_keys and not known.nodes:
        words += f", with the keys of the present one of {', '.join(known.same_keys)}"
    if known.signer:
        words += f"; signed by {known.signer.partition(';')[0]}"
    if known.has_recovery is False:
        words += "; without the present ITLRecovery"
    return words


def phones_csv(shown: PhonesShown) -> Iterator[str]:
    """A line of names, then one each phone (RFC 4180, without line ends)."""
    yield ",".join(COLUMNS)
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="")
    words = {
        itl: itl_words(itl, shown.lists.by_digest.get(itl))
        for itl in ("", *_told(shown))
    }
    for phone in shown.phones:
        itl, at, by = word_on(phone, shown.known)
        alone = unconfirmed(phone, shown.known)
        values = (
            *(phone.name, phone.model, phone.load, phone.address, phone.node),
            " ".join(states_of(phone, shown.known)),
            *(itl, WORTH[by] if by else "", by.value if by else ""),
            *(_time_or_none(at) or "", words[itl], alone.itl if alone else ""),
            phone.ctl,
            "" if phone.status < 0 else str(phone.status),
            *(iso_time(phone.seen), phone.text),
        )
        line.seek(0)
        line.truncate()
        writer.writerow(map(_no_formula, values))
        yield line.getvalue()


def phones_document(node: str, shown: PhonesShown) -> Document:
    """``show itl phones``; the keys stand in ``cucmsh.views.documents``."""
    told = sorted(shown.lists.by_digest.keys() & _told(shown))
    return {
        "node": node,
        "state": shown.wanted.state and shown.wanted.state.value,
        "of_node": shown.wanted.nodes[0] if shown.wanted.nodes else None,
        "page": shown.page or None,
        "pages": shown.pages if shown.page else None,
        "found": shown.found,
        "counts": shown.counts._asdict(),
        "silent": dict(shown.lists.silent),
        "nameless": dict(zip(("requests", "addresses"), shown.nameless, strict=True)),
        "lists": [_list_document(digest, shown) for digest in told],
        "phones": [_phone_document(phone, shown) for phone in shown.phones],
    }


def _list_document(digest: str, shown: PhonesShown) -> Document:
    found = shown.lists.by_digest[digest]
    return {
        "itl": digest,
        "sha1": found.sha1,
        "md5": found.md5,
        "served_by": list(found.nodes),
        "first_served": _time_or_none(found.first),
        "last_served": _time_or_none(found.last),
        "signer": found.signer or None,
        "same_keys_as": list(found.same_keys),
        "has_recovery": found.has_recovery,
    }


def _phone_document(phone: Phone, shown: PhonesShown | PhoneShown) -> Document:
    itl, at, by = word_on(phone, shown.known)
    alone = unconfirmed(phone, shown.known)
    return {
        "name": phone.name,
        "states": [state.value for state in states_of(phone, shown.known)],
        "address": phone.address or None,
        "node": phone.node or None,
        "model": phone.model or None,
        "load": phone.load or None,
        "itl": itl or None,
        "itl_time": _time_or_none(at),
        "source": by.value if by else None,
        "worth": WORTH[by] if by else None,
        "unconfirmed_itl": alone.itl if alone else None,
        "ctl": phone.ctl or None,
        "ctl_time": _time_or_none(phone.ctl_at),
        "alarm_status": None if phone.status < 0 else phone.status,
        "text": phone.text or None,
        "seen": iso_time(phone.seen),
        "seen_by": phone.seen_by.value,
    }


def phone_history_document(node: str, shown: PhoneShown) -> Document:
    """One phone and what was said of it, the latest first."""
    return {
        "node": node,
        "phone": _phone_document(shown.phone, shown),
        "history": [
            {
                "source": claim.source.value,
                "first": iso_time(first),
                "last": iso_time(claim.at),
                "address": claim.address or None,
                "node": claim.node or None,
                "file": claim.file or None,
                "itl": claim.itl or None,
                "ctl": claim.ctl or None,
                "alarm_status": None if claim.status < 0 else claim.status,
                "text": claim.text or None,
            }
            for claim, first in shown.history
        ],
    }


def _told(shown: PhonesShown) -> dict[str, None]:
    """The digests that rows show, in their order."""
    told: dict[str, None] = {}
    for phone in shown.phones:
        alone = unconfirmed(phone, shown.known)
        for word in (word_on(phone, shown.known), alone):
            if word and word.itl:
                told[word.itl] = None
    return told


def _row(*cells: str) -> str:
    widths = (15, 6, 9, 11, 16)
    padded = [f"{cell:{width}}" for cell, width in zip(cells, widths, strict=False)]
    return "  ".join([*padded, *cells[len(widths) :]]).rstrip()


def itl_words(digest: str, known: KnownList | None) -> str:
    """Which list a digest is, as it is said of a phone; empty for nothing said."""
    if not digest:
        return ""
    return "no list" if digest == NOT_INSTALLED else list_words(known)


def _short(digest: str) -> str:
    return digest[:SHORT] or "-"


def _no_formula(value: str) -> str:
    """A text that no spreadsheet computes: phones and strangers wrote it."""
    return f"'{value}" if value[:1] in _FORMULAS else value


def _minute(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")


def _day(moment: int) -> str:
    return _minute(moment)[:10]


def _time_or_none(moment: int) -> str | None:
    return iso_time(moment) if moment else None
