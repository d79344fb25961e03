"""Which phones a lab has, whom they ask, and where each keeps what it holds.

A phone's hosts have the names of the cluster and the ports of the original (6970, 69,
2445), as in its configuration; where these are on this machine stands in ``Host``. So
what a phone holds stays true when the lab comes up again on other ports.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cucmsh.lab.phones.order import PhoneName
from cucmsh.lab.phones.wire import Address
from cucmsh.lab.plan import LOOPBACK, NodePlan
from cucmsh.layout import LAB_PHONES, certificate_file
from cucmsh.pki.model import Unit

FIRST_LABEL = 1001  # the phone numbers count from here


class Host(NamedTuple):
    """A node of the cluster as phones know it.

    Attributes:
        name: with its domain, as configurations name it.
        http: where it really gives its files by HTTP.
        tftp: likewise by TFTP.
        tvs: where its TVS really is.
        certificate: the file (PEM) of what its HTTPS services show.
    """

    name: str
    http: Address
    tftp: Address
    tvs: Address
    certificate: Path


class PhonePlan(NamedTuple):
    """One phone before it has power.

    Attributes:
        model: such as ``8845``.
        mac: twelve upper-case hexadecimal digits.
        folder: its flash.
        address: whence it asks: its own one of 127.0.0.0/8.
        label: its phone number.
        hosts: whom it asks for files, the first one first.
    """

    model: str
    mac: str
    folder: Path
    address: str
    label: str
    hosts: tuple[Host, ...]

    @property
    def name(self) -> str:
        """``SEP`` and its MAC address."""
        return f"SEP{self.mac}"


def host_of(plan: NodePlan, domain: str) -> Host:
    """The node as phones know it."""
    return Host(
        f"{plan.name}.{domain}",
        (LOOPBACK, plan.http_port),
        (LOOPBACK, plan.tftp_port),
        (LOOPBACK, plan.tvs_port),
        plan.home / certificate_file(Unit.TOMCAT),
    )


def plan_phones(
    root: Path, hosts: Sequence[Host], names: Sequence[PhoneName]
) -> list[PhonePlan]:
    """The phones, each at another node than the one before; the others are behind it.

    Args:
        root: the lab's directory.
        hosts: the nodes, at least one.
        names: which phones.
    """
    return [
        PhonePlan(
            name.model,
            name.mac,
            root / LAB_PHONES / name.name,
            f"127.1.{number >> 8}.{number & 255}",
            str(FIRST_LABEL + number - 1),
            tuple(hosts[(number - 1 + at) % len(hosts)] for at in range(len(hosts))),
        )
        for number, name in enumerate(names, 1)
    ]
