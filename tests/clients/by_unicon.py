"""What `test_unicon` runs: reads on standard input where to go and what to answer."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

from unicon import Connection
from unicon.eal.dialogs import Dialog, Statement

SECONDS = 60


def answering(*pairs: tuple[str, str]) -> Dialog:
    """Answer each question once, by a line."""
    return Dialog(
        [
            Statement(
                pattern=f".*{re.escape(question)}$",
                action=_send_line,
                args={"answer": answer},
                loop_continue=True,
            )
            for question, answer in pairs
        ]
    )


def _send_line(spawn: Any, answer: str) -> None:
    spawn.sendline(answer)


def main() -> None:
    told = json.load(sys.stdin)
    admin = Connection(
        hostname="test10pub",
        start=[told["start"]],
        os="vos",
        credentials={"default": {"username": "admin", "password": told["password"]}},
        log_stdout=False,
    )
    admin.connect()

    def call(line: str, *pairs: tuple[str, str]) -> str:
        return str(admin.execute(line, reply=answering(*pairs), timeout=SECONDS))

    assert "verified successfully" in call("show itl")
    assert "Successfully Regenerated" in call(
        "set cert regen ipsec", ("(yes|no)? ", "yes")
    )
    reset = call("utils itl reset localkey", ("password :", told["ccm"]))
    assert "service restarted on host test10sub" in reset
    # It turns the pages by itself, and leaves the last one's options where they are.
    viewed = call(f"file view tftp {told['viewed']}")
    pages, _, rest = viewed.partition("end of the file reached")
    assert pages.splitlines()[-50:] == [f"line {number}" for number in range(50)]
    assert "options: q=quit, n=next" in rest
    questions = [("[y/n]? ", "y"), *map(tuple, told["answers"])]
    assert "Transfer completed." in call("file get tftp ITLRecovery.p12", *questions)
    admin.sendline("utils itl reset localkey")
    admin.expect([r"(?s).*password :$"])
    admin.send("\x03")
    ended = admin.expect([r"(?s).*\nadmin:"]).match_output
    assert "Control-C pressed" in ended
    admin.sendline("exit")
    _, status = os.waitpid(admin.spawn.pid, 0)  # of ssh, which gives the shell's
    assert os.waitstatus_to_exitcode(status) == 0
    os._exit(0)  # unicon would look for its child, for ten seconds


if __name__ == "__main__":
    main()
