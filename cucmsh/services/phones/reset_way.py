"""How one phone is told to reset, and how it is seen that it came back.

By a command of the configuration, or by Asterisk's manager interface. That a NOTIFY was
sent is all that is known at first: phones answer it to Asterisk. That a phone came back
is known by a command of the configuration, by a registration that is later than before,
or by whatever the inventory was told of it since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.config.phones import PhonesSettings, filled
from cucmsh.errors import CucmshError, RefusedError, ServiceError
from cucmsh.phones.service_control import CONTENT_TYPE, EVENT, PhoneAction, body_lines
from cucmsh.secret import Secret
from cucmsh.services.phones.open_store import has_inventory, line_of, open_inventory
from cucmsh.services.site import Site

if TYPE_CHECKING:
    from cucmsh.remote.ami import Ami, Contact

COMMAND_SECONDS = 30


class Target(NamedTuple):
    """A phone: its name, and its address, which is empty if it is not known."""

    name: str
    address: str = ""


class ResetWay:
    """Tells phones, one after the other; see ``open_way``.

    Attributes:
        watches: whether anything can tell that a phone came back.
    """

    def __init__(self, site: Site, action: PhoneAction, ami: Ami | None) -> None:
        self._site = site
        self._settings = site.settings.phones
        self._action = action
        self._words = words_for(self._settings, action)
        self._ami = ami
        self._before: dict[str, list[Contact]] = {}
        self._since: dict[str, int] = {}
        self._seen: dict[str, int] = {}  # what was known last when it was told
        self.watches = bool(self._settings.returned or ami or has_inventory(site))

    def begin(self, phones: Iterable[Target]) -> None:
        """Note when each of these, who are told next, was seen last."""
        phones = list(phones)
        known = self._seen_last(phones)
        if known is not None:
            self._seen |= {each.name: known.get(each.name, 0) for each in phones}

    def tell(self, phone: Target) -> None:
        """Tell a phone.

        Raises:
            ServiceError: it is not registered, or the command failed.
            ConnectionFailedError: nobody can be told now.
        """
        self._since[phone.name] = int(self._site.clock.now().timestamp())
        contacts = self._contacts(phone) if self._ami else []
        self._before[phone.name] = contacts
        if not self._words:
            self._notify(phone, contacts)
            return
        needs_call_id = any("{call_id}" in word for word in self._words)
        if needs_call_id and not contacts:
            raise ServiceError(f"{phone.name} is not registered")
        call_ids = [each.call_id for each in contacts] if needs_call_id else [""]
        for call_id in call_ids:
            self._run(self._words, phone, call_id)

    def returned(self, phones: Iterable[Target]) -> Iterator[str]:
        """Names of those that are known to have come back since they were told."""
        left = list(phones)
        seen = self._seen_last(left) or {}
        for phone in left:
            if self._is_seen_since(phone, seen) or self._is_back(phone):
                yield phone.name

    def _is_seen_since(self, phone: Target, seen: dict[str, int]) -> bool:
        if phone.name not in self._seen or phone.name not in seen:
            return False
        # In the second that it was told in it may still have been there; and what was
        # known then may have come from a clock that is ahead.
        before = max(self._since[phone.name], self._seen[phone.name])
        return seen[phone.name] > before

    def _seen_last(self, phones: Iterable[Target]) -> dict[str, int] | None:
        """When each was seen last; None if the inventory cannot be asked."""
        if not has_inventory(self._site):
            return {}
        try:
            with open_inventory(self._site) as store:
                found = store.find([phone.name for phone in phones])
                return {phone.name: phone.seen for phone in found}
        except CucmshError:  # the other signs are left
            return None

    def _is_back(self, phone: Target) -> bool:
        if self._settings.returned:
            try:
                self._run(self._settings.returned, phone, "")
            except ServiceError:
                return False
            return True
        if self._ami is None:
            return False
        try:
            now = self._contacts(phone)
        except ServiceError:
            return False
        before = self._before[phone.name]
        return bool(now) and sorted(now) != sorted(before)

    def _contacts(self, phone: Target) -> list[Contact]:
        ami = self._settings.ami
        if self._ami is None or ami is None:
            return []
        (endpoint,) = filled((ami.endpoint,), {"name": phone.name})
        return self._ami.contacts(endpoint)

    def _notify(self, phone: Target, contacts: list[Contact]) -> None:
        ami = self._settings.ami
        if self._ami is None or ami is None:
            raise ServiceError("there is no way to tell phones")
        if not contacts:
            raise ServiceError(f"{phone.name} is not registered")
        (endpoint,) = filled((ami.endpoint,), {"name": phone.name})
        for contact in contacts:
            # One contact: by its endpoint, which knows the way behind a NAT. Several
            # have a Call-ID each.
            alone = len(contacts) == 1
            target = ("Endpoint", endpoint) if alone else ("URI", contact.uri)
            lines = body_lines(self._action, contact.call_id)
            # Asterisk itself says in which state the subscription is.
            self._ami.notify(
                target,
                (
                    ("Event", EVENT),
                    ("Content-type", CONTENT_TYPE),
                    *(("Content", line) for line in lines),
                ),
            )

    def _run(self, words: tuple[str, ...], phone: Target, call_id: str) -> None:
        values = {
            "name": phone.name,
            "address": phone.address,
            "call_id": call_id,
            "since": str(self._since[phone.name]),
        }
        done = self._site.backends.runner().run(filled(words, values), COMMAND_SECONDS)
        if done.status:
            said = (done.stderr or done.output).partition("\n")[0]
            name = PurePath(words[0]).name
            raise ServiceError(f"{name} ended with {done.status}: {said}".strip())


def words_for(settings: PhonesSettings, action: PhoneAction) -> tuple[str, ...]:
    """The command for it; empty where AMI does it."""
    return settings.reset if action is PhoneAction.RESET else settings.restart


def require_way(site: Site, action: PhoneAction) -> None:
    """Refuse where nothing says how phones are told.

    Raises:
        RefusedError: see there.
    """
    settings = site.settings.phones
    if not words_for(settings, action) and settings.ami is None:
        raise RefusedError(
            f"nothing says how phones are told to {action.value}",
            f"Write [phones] with {action.value} = [...], or [phones.ami], into "
            f"{site.settings.path} (docs/production.md#resets-of-phones).",
        )


@contextmanager
def open_way(site: Site, action: PhoneAction) -> Iterator[ResetWay]:
    """The way, logged in where it needs that.

    Raises:
        CucmshError: Asterisk does not answer, or refuses; or the file with its secret
            cannot be read.
    """
    address = site.settings.phones.ami
    if address is None:
        yield ResetWay(site, action, None)
        return
    secret = Secret(line_of(address.secret_file))
    with site.backends.open_ami(address, secret) as ami:
        yield ResetWay(site, action, ami)
