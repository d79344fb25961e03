"""The configuration files of the lab's phones, in every node's TFTP directory.

Written where there is none: what somebody changed there stays, and the node signs it
anew as it signs any file (``utils tftp sign``, and each start of Cisco Tftp).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from cucmsh.hosts import TVS_PORT
from cucmsh.lab.phones.plan import Host, PhonePlan
from cucmsh.phones.configuration import MOST_MEMBERS

DEFAULT_FILE = "XMLDefault.cnf.xml"
# 0 is open for the first two.
SETTINGS = (("webAccess", "0"), ("sshAccess", "1"), ("spanToPCPort", "1"))


def write_configurations(
    folders: Iterable[Path], phones: Sequence[PhonePlan], hosts: Sequence[Host]
) -> None:
    """A file for each phone in each of the folders, and one for strangers."""
    capf = hosts[0].name  # the publisher's
    texts = {f"{phone.name}.cnf.xml": configuration(phone, capf) for phone in phones}
    texts[DEFAULT_FILE] = default_configuration(hosts)
    for folder in folders:
        for name, text in texts.items():
            path = folder / name
            if not path.exists():
                path.write_text(text)


def configuration(phone: PhonePlan, capf: str) -> str:
    """What the phone is to run.

    Args:
        phone: which one; its hosts are its call managers and TVS, in that order.
        capf: the host with that service.
    """
    hosts = phone.hosts[:MOST_MEMBERS]
    tvs = "".join(
        f'<member priority="{at}"><port>{TVS_PORT}</port>'
        f"<address>{host.name}</address></member>\n"
        for at, host in enumerate(hosts)
    )
    settings = "".join(f"<{name}>{value}</{name}>\n" for name, value in SETTINGS)
    return (
        f"{_HEAD}{_group(hosts)}<TVS>\n<members>\n{tvs}</members>\n</TVS>\n"
        "<sipProfile>\n<sipLines>\n"
        f'<line button="1"><name>{phone.label}</name></line>\n'
        "</sipLines>\n</sipProfile>\n"
        f"<vendorConfig>\n{settings}</vendorConfig>\n"
        "<capfList>\n<capf><phonePort>3804</phonePort>"
        f"<processNodeName>{capf}</processNodeName></capf>\n</capfList>\n"
        "</device>\n"
    )


def default_configuration(hosts: Sequence[Host]) -> str:
    """What a phone gets of which nobody has heard: call managers and no TVS."""
    return f"{_HEAD}{_group(hosts[:MOST_MEMBERS])}</device>\n"


_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<device>\n'


def _group(hosts: Sequence[Host]) -> str:
    members = "".join(
        f'<member priority="{at}"><callManager><ports><sipPort>5060</sipPort></ports>'
        f"<processNodeName>{host.name}</processNodeName></callManager></member>\n"
        for at, host in enumerate(hosts)
    )
    return (
        "<devicePool>\n<callManagerGroup>\n<members>\n"
        f"{members}</members>\n</callManagerGroup>\n</devicePool>\n"
    )
