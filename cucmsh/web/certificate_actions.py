"""What is done to certificates: regenerated, asked for, imported, deleted, saved.

The words are the prompt's, and so is the order: what would be lost is shown before the
question, the hold timer refuses in the original's spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from cucmsh import services, views
from cucmsh.errors import RefusedError, UsageError
from cucmsh.pki.model import Unit
from cucmsh.services.site import Site
from cucmsh.web.pages import Action, File, Form, Page, Query, Shown

PEM, DER = "application/x-pem-file", "application/pkix-cert"
DONE = "done.html"
_YES = "yes"


def _regeneration(site: Site, query: Query) -> Shown:
    """What it would do, and the question; or the hold, and how long it lasts."""
    unit = services.require_unit(site, query.get("unit", ""))
    hold = services.present_hold(site)
    held = ""
    try:
        services.require_no_hold(site, unit)
    except RefusedError as refusal:
        held = refusal.message
    values = {
        "unit": unit.value,
        "held": held,
        "seconds": ceil(hold.remaining_seconds) if hold else 0,
        "warnings": [] if held else _before_regeneration(site, unit),
        "question": views.regeneration_warning(unit, site.settings.profile),
    }
    document = {
        "unit": unit.value,
        "hold": held or None,
        "hold_seconds": values["seconds"],
        "warnings": values["warnings"],
    }
    return Shown(values, document)


def _before_regeneration(site: Site, unit: Unit) -> list[str]:
    standing = services.state_of_trust(site)
    lines = [f"The ITL of this node: {standing}"] if standing else []
    lines += services.holder_lines(site)
    lines += views.lock_out_lines(services.locked_out(site, "regen", unit))
    if unit is Unit.TVS:
        lines += [each.line for each in services.cut_off_without(site)]
    return lines


def _regenerate(site: Site, form: Form) -> Shown:
    unit = services.require_unit(site, text_of(form, "unit"))
    services.require_no_hold(site, unit)
    require_agreed(form, "The certificate was not regenerated.")
    outcomes = services.regenerate(site, unit)
    lines = views.regeneration_text(unit, site.settings.profile).split("\n")
    return _changed(site, unit, lines, outcomes)


def _changed(
    site: Site, unit: Unit, lines: list[str], outcomes: list[services.NodeOutcome]
) -> Shown:
    following = services.what_follows(site, unit)
    lines += [following] if following else []
    lines += views.afterwards_lines(unit, services.afterwards(site, unit))
    undelivered = views.delivery_lines(outcomes)
    if undelivered:
        waiting = services.open_waiting(site, services.Work.CERTIFICATES)
        undelivered += [f"Run `{work.finish}` when they answer." for work in waiting]
    certificate, _ = services.own_certificate(site, unit.value)
    document = views.regenerated_document(site.node.name, unit, certificate, outcomes)
    return done(unit.value, lines, document, problems=undelivered)


def _requests(site: Site, _: Query) -> Shown:
    names = services.request_names(site)
    units = services.own_units(site)
    values = {"requests": names, "units": units}
    return Shown(values, {"node": site.node.name, "requests": names})


def _request(site: Site, form: Form) -> Shown:
    unit = services.require_unit(site, text_of(form, "unit"))
    services.require_signed_by_others(unit)
    replaces = f"{unit}/{unit}.csr" in services.request_names(site)
    request = services.generate_request(site, unit)
    lines = [f"Successfully Generated CSR for {unit}."]
    if replaces:
        lines.append(
            "It replaces an earlier one: a certificate for that one fits no key."
        )
    document = views.request_document(site.node.name, unit, request)
    return done(unit.value, lines, document, links=[("/certificates/csr", "Requests")])


def _request_file(site: Site, query: Query) -> tuple[str, str, bytes]:
    name = query.get("name", "")
    request = services.own_request(site, name)
    return f"{name.partition('/')[0]}.csr", PEM, request.pem


def _import_form(site: Site, _: Query) -> Shown:
    values = {
        "units": [name.partition("/")[0] for name in services.request_names(site)],
        "trusts": services.trusts(),
    }
    return Shown(values, {"node": site.node.name, **values})


def _import_own(site: Site, form: Form) -> Shown:
    unit = services.require_unit(site, text_of(form, "unit"))
    services.require_request(site, unit)
    services.require_no_hold(site, unit)
    raw = file_of(form)
    services.check_own(site, unit, raw, "")
    warnings = views.lock_out_lines(services.locked_out(site, "regen", unit))
    lost = [*warnings]
    if unit is Unit.TVS:
        lost += [each.line for each in services.cut_off_without(site)]
    if lost and text_of(form, "agree") != _YES:
        raise RefusedError(
            " ".join(["Phones would be locked out; nothing was changed.", *lost]),
            "Tick the box that says so, and upload it again.",
        )
    outcomes = services.import_own(site, unit, raw, "")
    lines = [f"Successfully imported certificate for {unit}."]
    lines.append(
        f"Please restart services related to {unit} for the new certificate to become "
        "active."
    )
    return _changed(site, unit, lines, outcomes)


def _import_trusted(site: Site, form: Form) -> Shown:
    name = text_of(form, "unit")
    trust = services.require_trust(name)
    imports = services.import_trusted(site, trust, file_of(form))
    lines = [f"Successfully imported certificate for {name}."]
    lines += views.import_lines(imports)
    undelivered = views.delivery_lines(list(imports.outcomes))
    if undelivered:
        undelivered.append("Import it once more, here or there, when they answer.")
    document = views.imports_document(site.node.name, imports)
    return done(trust, lines, document, problems=undelivered)


def _delete(site: Site, form: Form) -> Shown:
    unit, name = text_of(form, "unit"), text_of(form, "name")

    def agree(needed: list[str]) -> None:
        if text_of(form, "agree") != _YES:
            raise RefusedError(
                " ".join([*needed, "Nothing was changed."]),
                "Tick the box to delete it all the same.",
            )

    require_agreed(form, "The certificate was not deleted.")
    copy = services.delete_trusted(site, unit, name, agree)
    lines = [f"Successfully deleted certificate {unit}-trust/{name}."]
    lines.append(f"A copy of it is {site.home.root}/{copy}.")
    document = {"node": site.node.name, "trust": unit, "name": name}
    return done(name, lines, document)


def _saved(site: Site, query: Query) -> tuple[str, str, bytes]:
    unit, name = query.get("unit", ""), query.get("name", "")
    node, form = query.get("node", ""), query.get("form", "pem")
    for each in services.every_certificate(site):
        if (each.node, each.unit, each.name) == (node, unit, name):
            if each.certificate is None:
                raise UsageError(each.problem)
            if form == "der":
                return f"{_file_name(unit)}.der", DER, each.certificate.der
            pem = site.backends.keys().to_pem(each.certificate)
            return f"{_file_name(unit)}.pem", PEM, pem
    raise UsageError("There is no such certificate any more.", "Go back to the list.")


def _file_name(unit: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in unit)


def text_of(form: Form, name: str) -> str:
    """A field of a form; empty for none, and for a file."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def file_of(form: Form) -> bytes:
    """The file that was uploaded, or what was pasted in its place.

    Raises:
        UsageError: neither.
    """
    sent = form.get("file", b"")
    pasted = text_of(form, "pem").replace("\r\n", "\n").encode()
    raw = sent if isinstance(sent, bytes) and sent else pasted
    if not raw.strip():
        raise UsageError(
            "No file was chosen and nothing was pasted; nothing was changed."
        )
    return raw


def require_agreed(form: Form, otherwise: str) -> None:
    """Go on only with the box ticked that stands for ``yes``.

    Raises:
        UsageError: it is not.
    """
    if text_of(form, "agree") != _YES:
        raise UsageError(otherwise, "Tick the box that says yes.")


def done(
    title: str,
    lines: list[str],
    document: Mapping[str, object],
    *,
    problems: list[str] | None = None,
    links: list[tuple[str, str]] | None = None,
) -> Shown:
    """What an action did, for ``done.html``."""
    values = {
        "what": title,
        "lines": lines,
        "problems": problems or [],
        "links": links or [("/certificates", "All certificates")],
    }
    return Shown(values, document, 207 if problems else 200)


PARTS = (
    Page("/certificates/regenerate", "", "regenerate.html", _regeneration, ("unit",)),
    Action("/certificates/regenerate", DONE, _regenerate, ("unit", "agree")),
    Page("/certificates/csr", "", "requests.html", _requests),
    Action("/certificates/csr", DONE, _request, ("unit",)),
    File("/certificates/csr/file", _request_file, takes=("name",)),
    Page("/certificates/import", "", "import.html", _import_form),
    Action("/certificates/import/own", DONE, _import_own, ("unit", "pem", "agree")),
    Action("/certificates/import/trust", DONE, _import_trusted, ("unit", "pem")),
    Action("/certificates/delete", DONE, _delete, ("unit", "name", "agree")),
    File("/certificates/file", _saved, takes=("node", "unit", "name", "form")),
)
