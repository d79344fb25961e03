"""What members send each other under the cluster security password (HMAC, scrypt).

The password itself is never sent. Who has another one is met here: it is noted, and
told by an alarm (``other_passwords``).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os

from cucmsh.config.model import Node
from cucmsh.errors import RefusedError
from cucmsh.layout import SECURITY_PASSWORD
from cucmsh.services.certificates.verifier import SCRYPT
from cucmsh.services.nodes.other_passwords import has_another, has_the_same
from cucmsh.services.records import as_one
from cucmsh.services.site import Site


def sealed(site: Site, payload: str) -> bytes:
    """A text for other members, authenticated by the cluster security password."""
    salt = os.urandom(16)
    seal = _seal(site, payload, salt)
    # For a receiver that has another password, and can say whose this one is. Not
    # sealed, as earlier versions seal none: a note for people hangs on it, no more.
    sender = {"sender": site.node.name}
    outer = {"payload": payload, "salt": salt.hex(), "seal": seal, **sender}
    return json.dumps(outer).encode()


def unsealed(site: Site, raw: bytes) -> str:
    """The text that a member sealed.

    Raises:
        RefusedError: it has another cluster security password.
        ValueError, KeyError, TypeError, AttributeError: it is nothing sealed.
    """
    outer = json.loads(raw)
    payload, salt = str(outer["payload"]), bytes.fromhex(outer["salt"])
    sender = _other(site, outer.get("sender"))
    if hmac.compare_digest(_seal(site, payload, salt), str(outer["seal"])):
        if sender is not None:
            has_the_same(site, sender.name)
        return payload
    if sender is not None:
        has_another(site, sender.name)
    raise RefusedError(
        f"the cluster security password of {sender.name if sender else 'the sender'} "
        "is another one",
        "Give this node the same one: type `set password user security` here.",
    )


def _other(site: Site, said: object) -> Node | None:
    node = site.settings.cluster.find(str(said))
    is_other = node is not None and node.is_member and node.name != site.node.name
    return node if is_other else None


def _seal(site: Site, payload: str, salt: bytes) -> str:
    password = as_one.read(site.home, SECURITY_PASSWORD)
    key = hashlib.scrypt(password, salt=salt, dklen=32, **SCRYPT)
    return hmac.new(key, payload.encode(), "sha256").hexdigest()
