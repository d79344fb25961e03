"""The certificates of all nodes, soonest to expire first; one of them in full."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from cucmsh import services, views
from cucmsh.errors import MissingFileError
from cucmsh.services.site import Site
from cucmsh.web.pages import Page, Query, Shown

DAY = 86_400
SOON_DAYS = 30
LATER_DAYS = 90


class Row(NamedTuple):
    """A certificate as the table shows it; each field is a column."""

    node: str
    unit: str
    usage: str
    common_name: str
    issued_by: str
    key: str
    expires: str
    days: int | None
    state: str
    name: str
    problem: str


COLUMNS: dict[str, tuple[str, Callable[[Row], Any]]] = {
    "days": ("Days left", lambda row: (row.days is not None, row.days or 0)),
    "node": ("Node", lambda row: row.node),
    "unit": ("Certificate", lambda row: row.unit),
    "usage": ("Usage", lambda row: row.usage),
    "common_name": ("Common Name", lambda row: row.common_name.lower()),
    "issued_by": ("Issued By", lambda row: row.issued_by.lower()),
    "key": ("Key Type", lambda row: row.key),
    "expires": ("Expiration", lambda row: row.expires),
}
FIELDS = ("common_name", "node", "unit", "usage", "issued_by", "expires")
# How a find row compares, in the original's words.
HOWS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, text: text in value,
    "begins with": lambda value, text: value.startswith(text),
    "ends with": lambda value, text: value.endswith(text),
    "is exactly": lambda value, text: value == text,
}


def _find(site: Site, query: Query) -> Shown:
    found = services.every_certificate(site)
    now = site.clock.now().timestamp()
    rows = [row_of(each, now) for each in found]
    total = len(rows)
    field = query.get("field", "")
    how = query.get("how", "")
    field, how = (
        field if field in FIELDS else FIELDS[0],
        how if how in HOWS else "contains",
    )
    text = query.get("text", "")
    if text:
        fits = HOWS[how]
        rows = [
            row for row in rows if fits(str(getattr(row, field)).lower(), text.lower())
        ]
    sort = query.get("sort", "")
    is_down = sort.startswith("-")
    column = sort.removeprefix("-")
    column = column if column in COLUMNS else "days"
    rows.sort(key=COLUMNS[column][1], reverse=is_down)
    given = {"field": field, "how": how, "text": text} if text else {}
    values = {
        "rows": rows,
        "total": total,
        "columns": list(_headings(column, is_down=is_down, given=given)),
        "fields": [(name, COLUMNS[name][0]) for name in FIELDS],
        "hows": list(HOWS),
        "field": field,
        "how": how,
        "text": text,
        "sort": sort if text or sort else "",
    }
    return Shown(values, views.known_certificates_document(site.node.name, found))


def _one_of(known: Iterable[str], text: str) -> str:
    """What was chosen; the first one for anything else."""
    return text if text in known else next(iter(known))


def row_of(each: services.KnownCertificate, now: float) -> Row:
    """A row; a certificate that cannot be read stands on top."""
    certificate = each.certificate
    if certificate is None:
        return Row(
            *(each.node, each.unit, each.usage, "", "", "", ""),
            None,
            "cannot be read",
            each.name,
            each.problem,
        )
    seconds = certificate.not_after.timestamp() - now
    issuer = certificate.issuer_name
    return Row(
        node=each.node,
        unit=each.unit,
        usage=each.usage,
        common_name=certificate.common_name,
        issued_by="self-signed" if certificate.is_self_signed else _common_name(issuer),
        key=f"{certificate.key_type} {certificate.key_bits}",
        expires=certificate.not_after.strftime("%Y-%m-%d %H:%M"),
        days=int(seconds // DAY),
        state=_state(seconds),
        name=each.name,
        problem="",
    )


def _state(seconds: float) -> str:
    if seconds <= 0:
        return "expired"
    if seconds <= SOON_DAYS * DAY:
        return "expires soon"
    return "watch" if seconds <= LATER_DAYS * DAY else "valid"


def _common_name(name: str) -> str:
    parts = [part for part in name.split(";") if part.startswith("CN=")]
    return parts[0].removeprefix("CN=") if parts else name


class Heading(NamedTuple):
    """Of a column: a link that sorts by it.

    Attributes:
        name: what it says.
        link: the query that sorts so, or the other way where it does already.
        sorted: the value of ``aria-sort``; empty for the others.
    """

    name: str
    link: str
    sorted: str


def _headings(
    column: str, *, is_down: bool, given: dict[str, str]
) -> Iterable[Heading]:
    for key, (name, _) in COLUMNS.items():
        is_this = key == column
        wanted = f"-{key}" if is_this and not is_down else key
        told = ("descending" if is_down else "ascending") if is_this else ""
        yield Heading(name, "?" + urlencode({**given, "sort": wanted}), told)


def _find_one(site: Site, query: Query) -> Shown:
    node, unit, name = (query.get(key, "") for key in ("node", "unit", "name"))
    for each in services.every_certificate(site):
        if (each.node, each.unit, each.name) == (node, unit, name):
            break
    else:
        raise MissingFileError(
            "There is no such certificate any more.", "Go back to the list."
        )
    if each.certificate is None:
        raise MissingFileError(each.problem, "Look at the file.")
    pem = site.backends.keys().to_pem(each.certificate)
    is_later = site.settings.profile.has_later_certificate_words
    lines = views.certificate_lines(each.certificate, pem, is_later=is_later)
    values = {
        "row": row_of(each, site.clock.now().timestamp()),
        "lines": lines,
        "is_own": node == site.node.name and each.usage == "Identity",
        "serial": each.certificate.serial.hex(":").upper(),
    }
    return Shown(values, views.certificate_document(each.unit, each.certificate))


TAKES = ("field", "how", "text", "sort")
PARTS = (
    Page("/certificates", "Certificates", "certificates.html", _find, TAKES),
    Page(
        "/certificates/one", "", "certificate.html", _find_one, ("node", "unit", "name")
    ),
)
