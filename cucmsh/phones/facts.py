"""What a phone knows of itself: all that its screen, its page and its alarms show.

The lab's phones give it, pages are made of it. Texts are as a device has them and may
hold anything: whoever shows them escapes them.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.phones.claims import NOT_INSTALLED


class StatusLine(NamedTuple):
    """One status message.

    Attributes:
        at: seconds since 1970 by the phone's own clock, which is wrong until somebody
            told it the time.
        text: in its family's words, such as ``Trust List update failed``.
    """

    at: int
    text: str


class Alarm(NamedTuple):
    """One DeviceTLInfo that the phone sent, or would send to a call manager.

    Attributes:
        at: seconds since 1970 by the phone's own clock.
        status: StatusCode, 1 to 9 (docs/formats.md#alarm).
        ctl: digest of the CTL that it held then, as ``PhoneFacts.ctl``.
        itl: digest of the ITL that it held then.
        ctl_server: who gave it that CTL; empty without one.
        itl_server: who gave it that ITL; empty without one.
    """

    at: int
    status: int
    ctl: str = NOT_INSTALLED
    itl: str = NOT_INSTALLED
    ctl_server: str = ""
    itl_server: str = ""


class PhoneFacts(NamedTuple):
    """One phone at one moment.

    Attributes:
        name: ``SEP`` and its MAC address, twelve upper-case hexadecimal digits.
        model: such as ``8845``.
        family: name of its family (``7940``, ``79xx``, ``78xx/88xx``, ``99xx``).
        load: its firmware, such as ``sip88xx.14-3-1-0001-125``.
        now: what its clock says, in seconds since 1970.
        started: when it booted, by the same clock.
        address: its IP address; empty while it has none.
        ctl: the CTL in its flash: MD5 or SHA-1 by its family, lower-case hexadecimal
            digits without anything between; ``NOT_INSTALLED`` without one.
        itl: the same of its ITL.
        ctl_server: the TFTP server that gave it that CTL; empty without one.
        itl_server: the same of its ITL.
        tftp_servers: hosts, the first is asked first.
        call_managers: hosts of its running configuration.
        tvs: hosts of its running configuration, as they are asked; empty where it
            runs none, as after its first boot.
        capf: host of its running configuration; empty without one.
        label: what its running configuration calls it (its phone number).
        settings: name and value of what else its running configuration says, such as
            ``("webAccess", "0")``, in that order.
        status: its status messages, the oldest first.
        alarms: the oldest first.
        directory: what its corporate directory shows, such as ``Host Not Found``;
            empty if nobody opened it.
        is_plugged: whether it has power and network.
        is_web_open: whether its running configuration lets it serve its page.
    """

    name: str
    model: str
    family: str
    load: str
    now: int
    started: int
    address: str = ""
    ctl: str = NOT_INSTALLED
    itl: str = NOT_INSTALLED
    ctl_server: str = ""
    itl_server: str = ""
    tftp_servers: tuple[str, ...] = ()
    call_managers: tuple[str, ...] = ()
    tvs: tuple[str, ...] = ()
    capf: str = ""
    label: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    status: tuple[StatusLine, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    directory: str = ""
    is_plugged: bool = True
    is_web_open: bool = True

    @property
    def mac(self) -> str:
        """Twelve upper-case hexadecimal digits."""
        return self.name.removeprefix("SEP")
