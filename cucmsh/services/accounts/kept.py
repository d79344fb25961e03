"""What this node keeps of its accounts, and what each may do. Changes nothing.

Apart from ``store``, since each login needs it and nothing heavy with it.
"""

from __future__ import annotations

import json
from typing import Any

from cucmsh.errors import MissingFileError, RefusedError
from cucmsh.layout import ACCOUNTS
from cucmsh.services.caller import Privilege
from cucmsh.services.site import Site

Facts = dict[str, Any]


def read_accounts(site: Site) -> dict[str, Facts]:
    """What is kept of each account, the removed ones too.

    Raises:
        RefusedError: the file is damaged: nobody gets more rights by that.
    """
    try:
        kept = json.loads(site.home.read(ACCOUNTS))
        return {
            str(name): {**facts, "level": Privilege(facts["level"])}
            for name, facts in kept.items()
        }
    except MissingFileError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise damaged() from problem


def damaged() -> RefusedError:
    """What is said then; it is raised by the caller."""
    return RefusedError(
        "the accounts of this node cannot be read",
        f"Restore {ACCOUNTS} in the node's home, or remove it: then every account of "
        "the system has all rights.",
    )


def level_of(site: Site, account: str) -> Privilege:
    """What an account may do; everything, if it is not one of this node's store.

    Raises:
        RefusedError: as ``read_accounts``.
    """
    facts = read_accounts(site).get(account)
    return Privilege.ALL if facts is None else facts["level"]
