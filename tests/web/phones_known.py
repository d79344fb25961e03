"""Claims about phones, as logs and alarms make them, and markup in their texts."""

from __future__ import annotations

from hashlib import md5

from cucmsh.phones.claims import Claim, Source
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.site import Site
from tests.services.made_cluster import START, Member

NOW = int(START.timestamp())
MARKUP = "\"><script>alert('1')</script><b id=x&amp;"


def digest(member: Member) -> str:
    """MD5 of the list that it serves."""
    return md5(member.raw, usedforsecurity=False).hexdigest()


def phone_name(number: int) -> str:
    return f"SEP{number:012X}"


def asked(number: int, itl: str, node: str, model: str = "8845") -> Claim:
    """A line of a node's log."""
    name = phone_name(number)
    return Claim(name, Source.TFTP_LOG, NOW, node=node, itl=itl, model=model)


def record(site: Site, *claims: Claim) -> None:
    with open_inventory(site) as store:
        store.record(claims, NOW)
