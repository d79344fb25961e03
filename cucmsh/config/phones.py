"""``[phones]``: how phones are reset, and how fast."""

from __future__ import annotations

import re
from typing import NamedTuple

from cucmsh.config.table import Table, read_host

PER_SECOND = 10
BATCH = 100
WAIT_SECONDS = 180
AMI_PORT = 5038
ASK, AUTO, NO = "ask", "auto", "no"
# What stands for a value; an argument is one of them, or holds some.
PLACES = ("name", "address", "call_id", "since")
ENDPOINT_PLACES = ("name",)


class AmiAddress(NamedTuple):
    """Asterisk's manager interface.

    Attributes:
        host: name or address.
        port: TCP port.
        user: who logs in; manager.conf there gives it ``write = system,reporting``.
        secret_file: a file of mode 0600 with the secret.
        endpoint: the PJSIP endpoint of a phone; ``{name}`` stands for SEP and digits.
    """

    host: str
    port: int
    user: str
    secret_file: str
    endpoint: str = "{name}"


class PhonesSettings(NamedTuple):
    """What the configuration says of resets of phones.

    Attributes:
        reset: argv that makes a phone boot; ``{name}`` and the like are replaced in
            each argument, and no shell sees them. Empty for AMI.
        restart: the same, that makes it read its files again.
        returned: argv that ends with status 0 once a phone has registered since
            ``{since}`` (seconds since 1970); empty without one.
        per_second: how many phones a second are told.
        batch: how many may be away at once.
        wait_seconds: how long a batch is waited for; 0 to wait for none.
        ami: Asterisk's manager interface; None without one.
        after_regeneration: whether phones are told once Cisco Tftp started after a
            certificate changed that their lists name: ``ask``, ``auto`` or ``no``.
    """

    reset: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    per_second: int = PER_SECOND
    batch: int = BATCH
    wait_seconds: int = WAIT_SECONDS
    ami: AmiAddress | None = None
    after_regeneration: str = ASK


def read_phones(table: Table) -> PhonesSettings:
    """The table ``phones``.

    Raises:
        ConfigurationError: among others, a place in an argument that nothing fills.
    """
    ami = _read_ami(table.table("ami")) if table.has("ami") else None
    known = PLACES if ami else tuple(name for name in PLACES if name != "call_id")
    words = {}
    for key in ("reset", "restart", "returned"):
        words[key] = table.texts(key, ())
        for word in words[key]:
            _require_places(table, key, word, known)
    after = table.text("after_regeneration", ASK)
    if after not in (ASK, AUTO, NO):
        raise table.error("after_regeneration", f"{ASK}, {AUTO} or {NO} is needed")
    return PhonesSettings(
        words["reset"],
        words["restart"],
        words["returned"],
        table.number("per_second", PER_SECOND, range(1, 1001)),
        table.number("batch", BATCH, range(1, 10_001)),
        table.number("wait_seconds", WAIT_SECONDS, range(3601)),
        ami,
        after,
    )


def filled(words: tuple[str, ...], values: dict[str, str]) -> tuple[str, ...]:
    """The argv with these values; a value is never looked into for places."""
    return tuple(
        re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), word)
        for word in words
    )


def _read_ami(table: Table) -> AmiAddress:
    endpoint = table.text("endpoint", "{name}")
    _require_places(table, "endpoint", endpoint, ENDPOINT_PLACES)
    secret_file = table.text("secret_file")
    if not secret_file.startswith("/"):
        raise table.error("secret_file", "an absolute path is needed")
    return AmiAddress(
        read_host(table, "127.0.0.1"),
        table.port("port", AMI_PORT),
        table.text("user"),
        secret_file,
        endpoint,
    )


def _require_places(table: Table, key: str, word: str, known: tuple[str, ...]) -> None:
    for place in re.findall(r"\{(\w+)\}", word):
        if place not in known:
            shown = ", ".join(f"{{{name}}}" for name in known)
            raise table.error(
                key,
                f"nothing is known for {{{place}}}; there are {shown}",
                "{call_id} is asked of Asterisk: it needs [phones.ami]."
                if place == "call_id"
                else "",
            )
