"""A stand-in for Asterisk's manager interface, and for what Asterisk then does.

It knows endpoints and their contacts, and sends the NOTIFY of a ``PJSIPNotify`` as SIP
over UDP to the contact, with the header that Asterisk adds by itself.
"""

from __future__ import annotations

import hashlib
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field

from tests.rigs.loopback import LOOPBACK

USER, SECRET = "cucmsh", "a secret of the manager"
CHALLENGE = "8675309"
Block = list[tuple[str, str]]


@dataclass
class Contact:
    """A registration; a phone that comes back has a later end of it."""

    uri: str
    call_id: str
    expires: int = 1000


@dataclass
class StandInAmi:
    """One server.

    Attributes:
        contacts: by endpoint.
        told: the values of each NOTIFY, in order.
        asked: the actions, in order.
        silent_at: the action that is never answered.
        raw: bytes that are sent in place of an answer to that action.
        comes_back: a phone that was told registers anew at once.
    """

    contacts: dict[str, list[Contact]] = field(default_factory=dict)
    told: list[Block] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    silent_at: str = ""
    raw: bytes = b""
    comes_back: bool = True

    def __post_init__(self) -> None:
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in (self._thread, *self._threads):
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self._open.append(peer)
                thread = threading.Thread(target=self._serve, args=[peer], daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, peer: socket.socket) -> None:
        with suppress(OSError), peer, peer.makefile("rb") as lines:
            peer.sendall(b"Asterisk Call Manager/9.0.0\r\n")
            block: Block = []
            for line in lines:
                text = line.decode().rstrip("\r\n")
                if text:
                    name, _, value = text.partition(": ")
                    block.append((name, value))
                    continue
                self._answer(peer, block)
                block = []

    def _answer(self, peer: socket.socket, block: Block) -> None:
        fields = dict(block)
        action, number = fields["Action"], fields["ActionID"]
        self.asked.append(action)
        if action == self.silent_at:
            peer.sendall(self.raw)
            return
        # What other programs cause is in between.
        send(peer, ("Event", "FullyBooted"), ("ActionID", "other"))
        if action == "Challenge":
            self._say(peer, number, "Success", ("Challenge", CHALLENGE))
        elif action == "Login":
            both = f"{CHALLENGE}{SECRET}".encode()
            is_right = fields["Key"] == hashlib.md5(both).hexdigest()
            is_right &= fields["Username"] == USER
            said = ("Message", "Authentication accepted" if is_right else "failed")
            self._say(peer, number, "Success" if is_right else "Error", said)
        elif action == "PJSIPShowEndpoint":
            self._show(peer, number, fields["Endpoint"])
        elif action == "PJSIPNotify":
            self._notify(peer, number, block)

    def _say(
        self, peer: socket.socket, number: str, response: str, *more: tuple[str, str]
    ) -> None:
        send(peer, ("Response", response), ("ActionID", number), *more)

    def _show(self, peer: socket.socket, number: str, endpoint: str) -> None:
        if endpoint not in self.contacts:
            message = ("Message", f"Unable to retrieve endpoint {endpoint}")
            self._say(peer, number, "Error", message)
            return
        self._say(peer, number, "Success", ("EventList", "start"))
        send(peer, ("Event", "EndpointDetail"), ("ActionID", number))
        for contact in self.contacts[endpoint]:
            send(
                peer,
                ("Event", "ContactStatusDetail"),
                ("ActionID", number),
                ("URI", contact.uri),
                ("CallID", contact.call_id),
                ("RegExpire", str(contact.expires)),
            )
        done = ("Event", "EndpointDetailComplete"), ("EventList", "Complete")
        send(peer, done[0], ("ActionID", number), done[1])

    def _notify(self, peer: socket.socket, number: str, block: Block) -> None:
        self.told.append(block[2:])
        (kind, target), *variables = block[2:]
        for name, contacts in self.contacts.items():
            for contact in contacts:
                if target == (name if kind == "Endpoint" else contact.uri):
                    notify(contact, [value for _, value in variables])
                    contact.expires += self.comes_back
        self._say(peer, number, "Success", ("Message", "NOTIFY sent"))


def send(peer: socket.socket, *fields: tuple[str, str]) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    peer.sendall(f"{lines}\r\n".encode())


def notify(contact: Contact, variables: list[str]) -> None:
    """The NOTIFY that Asterisk would make of these, in one datagram."""
    pairs = [variable.partition("=")[::2] for variable in variables]
    content = "\r\n".join(value for name, value in pairs if name == "Content")
    headers = [f"{name}: {value}" for name, value in pairs if name != "Content"]
    host, _, port = contact.uri.partition("@")[2].partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((LOOPBACK, 0))
        me = f"{LOOPBACK}:{sender.getsockname()[1]}"
        lines = [
            f"NOTIFY {contact.uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {me};branch=z9hG4bK-{contact.expires}",
            f"From: <sip:asterisk@{me}>;tag=1",
            f"To: <{contact.uri}>",
            f"Call-ID: notify-{contact.call_id}",
            "CSeq: 1 NOTIFY",
            f"Contact: <sip:asterisk@{me}>",
            "Max-Forwards: 70",
            "Subscription-State: terminated",
            *headers,
            f"Content-Length: {len(content)}",
        ]
        head = "\r\n".join(lines)
        sender.sendto(f"{head}\r\n\r\n{content}".encode(), (host, int(port or 5060)))
