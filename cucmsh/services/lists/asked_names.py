"""The names under which phones ask for files, where the TFTP service rewrites names.

Some layouts keep the phones' files in folders of their own and have the TFTP service
(``in.tftpd -m``) map what phones ask for onto them: provision_sccp, FreePBX with
sccp_manager. FILENAME in a signed file is the name that the phone asks for, so the
configuration says which folder is served as which: ``served_as`` in ``[signing]``.
Everything that signs or judges files takes the name from here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Phones ask for these without any folder
# (docs/formats.md#names-of-configuration-files).
_OF_A_DEVICE = re.compile(
    r"((sep|sip|ata)[0-9a-f]{12}\.cnf(\.xml)?|xmldefault\.cnf\.xml|sipdefault\.cnf)"
    r"(\.enc)?(\.sgn)?",
    re.IGNORECASE,
)
ANY = "*"  # stands for one folder, whatever its name


def asked_name(name: str, served_as: Sequence[tuple[str, str]]) -> str:
    """The name that phones ask for.

    Args:
        name: the file, relative to the TFTP directory.
        served_as: folders, relative to it, and the folder as which each is served,
            empty for the TFTP directory itself. The one with the most parts counts,
            among those alike the first; ``*`` as a part stands for any one folder.
    """
    *folders, base = name.split("/")
    best, target = 0, ""
    for folder, served in served_as:
        parts = folder.split("/")
        is_above = len(parts) <= len(folders) and all(
            part in (ANY, there) for part, there in zip(parts, folders, strict=False)
        )
        if is_above and len(parts) > best:
            best, target = len(parts), served
    if not best:
        return name
    return "/".join([*([target] if target else []), *folders[best:], base])


def without_folder(asked: str) -> str:
    """The name by which phones ask for a device's configuration, if this is one.

    Empty for other files, and where the name has no folder: that is as phones ask.
    """
    folder, _, base = asked.rpartition("/")
    return base if folder and _OF_A_DEVICE.fullmatch(base) else ""
