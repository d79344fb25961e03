"""Who came: a name counts if it is one of the user id's own."""

from __future__ import annotations

import os
import pwd

import pytest

from cucmsh.shell.origin import origin


@pytest.mark.parametrize("name", ["", "no-such-name", "a\0b", "other"])
def test_name_of_another_user_id_is_not_believed(name: str) -> None:
    own = pwd.getpwuid(os.getuid()).pw_name
    others = [one.pw_name for one in pwd.getpwall() if one.pw_uid != os.getuid()]
    sent = others[0] if name == "other" else name
    assert origin({"LOGNAME": sent}, "prompt")["user"] == own


def test_second_name_of_the_user_id_is_who_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = pwd.getpwuid(os.getuid())
    second = pwd.struct_passwd(("second", *entry[1:]))
    monkeypatch.setattr(pwd, "getpwnam", {"second": second}.__getitem__)
    assert origin({"LOGNAME": "second"}, "prompt")["user"] == "second"
