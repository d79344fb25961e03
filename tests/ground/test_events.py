"""An event goes to each sink that wants it, whatever becomes of the others."""

from datetime import UTC, datetime

import pytest

from cucmsh.errors import StoreError
from cucmsh.events import Event, Severity, Sinks

NOW = datetime(2014, 2, 26, 18, 24, 27, tzinfo=UTC)
LOGIN = Event("audit", "login", Severity.INFORMATIONAL, "pub", NOW, {"pid": "1"})


class Kept:
    """Keeps the events of one facility; may fail at each."""

    def __init__(self, facility: str, failure: str = "") -> None:
        self.facility, self.failure = facility, failure
        self.events: list[Event] = []

    def takes(self, event: Event) -> bool:
        return event.facility == self.facility

    def take(self, event: Event) -> None:
        if self.failure:
            raise StoreError(self.failure)
        self.events.append(event)


def test_a_sink_gets_what_it_wants_and_nothing_else() -> None:
    audit, crash = Kept("audit"), Kept("crash")
    Sinks((audit, crash)).send(LOGIN)
    assert (audit.events, crash.events) == ([LOGIN], [])


def test_a_sink_that_fails_keeps_the_event_from_no_other_and_is_told() -> None:
    full, later, other = Kept("audit", "full"), Kept("audit", "gone"), Kept("audit")
    with pytest.raises(StoreError, match="full"):
        Sinks((full, later, other)).send(LOGIN)
    assert other.events == [LOGIN]
