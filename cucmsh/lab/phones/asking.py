"""How a lab phone asks TVS: whom its running configuration names, in that order.

Each question is a connection of its own. A TVS that cannot be reached, or whose
certificate the held ITL does not name, is passed over; the first answer counts, also
one that knows nothing (docs/formats.md#phones).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import NamedTuple

from cucmsh.errors import CertificateError, TvsError
from cucmsh.hosts import TVS_PORT
from cucmsh.lab.phones.phone import LabPhone
from cucmsh.lab.phones.wire import Address
from cucmsh.phones.configuration import Server
from cucmsh.phones.decide import NO_ANSWER, Query, TvsSays, trusts_server
from cucmsh.pki.certificates import read_certificate
from cucmsh.tvs.client import ask_async
from cucmsh.tvs.codec import Answer, QueryAnswer, QueryRequest, Request, VerifyRequest

FIRST_SESSION = 1001  # phones count from here
HOST_NOT_FOUND = "Host Not Found"
DIRECTORY = "Corporate Directory"  # what it shows when all is well


class _Asked(NamedTuple):
    """What came of asking all: the certificate of the last server, and an answer."""

    server: bytes
    answer: Answer | None


async def ask_about_signer(phone: LabPhone, query: Query) -> TvsSays:
    """Ask for the certificate of a signer."""

    def question(session: int) -> Request:
        device = f"CP-{phone.plan.model}-{phone.name}"
        return QueryRequest(session, device, *query)

    server, answer = await _ask(phone, question)
    if not isinstance(answer, QueryAnswer):
        return TvsSays(server=server) if server else NO_ANSWER
    if answer.is_known:
        phone.vouch(answer.certificate, answer.ttl)
    return TvsSays(
        server=server,
        is_known=answer.is_known,
        certificate=answer.certificate,
        roles=answer.roles,
    )


async def open_directory(phone: LabPhone) -> str:
    """Open its corporate directory, an HTTPS service of its first node.

    Its certificate is in no list, so a TVS has to know it. A phone that holds no list
    checks none.
    """
    phone.directory = DIRECTORY if await _is_known(phone) else HOST_NOT_FOUND
    return phone.directory


async def _is_known(phone: LabPhone) -> bool:
    if not phone.held.has_list:
        return True
    try:
        shown = read_certificate(phone.plan.hosts[0].certificate.read_bytes()).der
    except (OSError, CertificateError):
        return False
    if phone.is_vouched(shown):
        return True

    def question(session: int) -> Request:
        device = f"CP-{phone.plan.model}-{phone.name}"
        return VerifyRequest(session, device, shown)

    _, answer = await _ask(phone, question)
    if answer is None or not answer.is_known:
        return False
    phone.vouch(shown, answer.ttl)
    return True


async def _ask(phone: LabPhone, question: Callable[[int], Request]) -> _Asked:
    shown = b""

    def trust(certificate: bytes) -> bool:
        nonlocal shown
        shown = certificate
        return trusts_server(phone.held, certificate)

    for session, server in enumerate(phone.configuration.tvs, FIRST_SESSION):
        where = address_of(phone, server)
        if where is None:
            continue
        try:
            answer = await ask_async(
                *where, question(session), trust=trust, is_old=phone.family.tls == "1.0"
            )
        except TvsError as problem:
            phone.note(f"TVS {server.host}: {problem.message}")
            continue
        return _Asked(shown, answer)
    return _Asked(shown, None)


def address_of(phone: LabPhone, server: Server) -> Address | None:
    """Where a host of a configuration is on this machine; None for no such host.

    An address that is not this machine's own is one that no lab phone reaches.
    """
    for host in phone.plan.hosts:
        is_it = server.host.lower() in (host.name, host.name.partition(".")[0])
        if is_it and server.port == TVS_PORT:
            return host.tvs
    try:
        is_here = ipaddress.ip_address(server.host).is_loopback
    except ValueError:
        return None
    return (server.host, server.port) if is_here else None
