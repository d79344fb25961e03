"""The transcript in docs/lab.md: played on a real lab, compared with what stands there.

    python -m tests.story.transcript       plays the story, writes it into the page

What differs from run to run (numbers, digests, fingerprints, times, directories) is not
compared. Long outputs are cut after some lines, which the transcript marks.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tests.rigs.lab import Lab
from tests.rigs.terminal import Prompt

PAGE = Path(__file__).parents[2] / "docs" / "lab.md"
FIRST, LAST = "<!-- transcript -->\n```text\n", "```\n<!-- end of transcript -->\n"
CUT = "[...]"
PHONES = ("--phones", "1")  # of the lab that is played in
SHOWN = {"show itl": 21}  # lines of its output; the rest is cut
STEPS: list[tuple[str, list[tuple[str, str]]]] = [
    ("show itl", []),
    (
        "file get tftp ITLRecovery.p12",
        [
            ("Would you like to proceed [y/n]? ", "y"),
            ("SFTP server IP: ", "{host}"),
            ("SFTP server port [22]: ", "{port}"),
            ("User ID: ", "{user}"),
            ("Password: ", ""),
            ("Download directory: ", "{directory}"),
            ("(yes/no)? ", "yes"),
        ],
    ),
    ("lab phone list", []),
    ("lab tvs stop", []),
    ("set cert regen CallManager", [("(yes|no)? ", "yes")]),
    ("utils service restart Cisco Tftp", []),
    ("lab phone reset all", []),
    ("utils itl reset localkey", [("Enter CCM Administrator password :", "")]),
    ("show itl", []),
    ("lab phone reset all", []),
]


def play(lab: Lab) -> str:
    """What is on the screen of somebody who types the story; no password is."""
    shell = lab.prompt()
    secrets = {"Password: ": lab.backup.password}
    secrets["Enter CCM Administrator password :"] = lab.passwords.ccm
    blocks = []
    try:
        for line, answers in STEPS:
            shell.send(f"{line}\r")
            for question, answer in answers:
                given = answer.format(**lab.backup._asdict()) or secrets[question]
                shell.answer(question, given)
            shell.await_prompt()
            blocks.append((line, screen(shell)))
        assert shell.quit() == 0
    finally:
        shell.child.close(force=True)
    text = "".join(cut(line, block) for line, block in blocks)
    assert not any(secret in text for secret in secrets.values())
    return text.replace(str(lab.root), "/tmp/cucmsh-lab") + "admin:quit\n"


def screen(shell: Prompt) -> str:
    """What came since the last prompt, without carriage returns."""
    seen, shell.seen = shell.seen, ""
    text = seen.replace("\r\n", "\n")
    return text.removesuffix("\nadmin:") + "\n"


def cut(line: str, block: str) -> str:
    block = block[block.index(line) :] if line in block else block
    lines = [each.expandtabs(4).rstrip() for each in block.strip("\n").split("\n")]
    most = SHOWN.get(line, len(lines))
    if len(lines) > most:
        lines[most:] = [CUT, lines[-1]]
    return "admin:" + "\n".join(lines) + "\n"


def steady(text: str) -> list[str]:
    """The lines, without what another run would say otherwise."""
    text = re.sub(r"[A-Z][a-z]{2} [A-Z][a-z]{2} +\d.*\d{4}", "TIME", text)
    text = re.sub(r"\b\d{1,2}(:\d\d){2}[ap]m\b", "TIME", text)
    text = re.sub(r"SHA256:\S+", "SHA256:", text)
    text = re.sub(r"/tmp/\S*", "DIRECTORY", text)
    text = re.sub(r"\b[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+", "HEX", text)
    text = re.sub(r"\b[0-9a-f]{8,}\b|[0-9A-F]{8,}", "HEX", text)
    return [re.sub(r"\d+", "N", line).rstrip() for line in text.split("\n")]


def in_the_page() -> str:
    """The transcript that stands there."""
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index(FIRST) + len(FIRST) : text.index(LAST)]


def main() -> int:
    text = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder) / "cluster", *PHONES)
        try:
            played = play(lab)
        finally:
            lab.stop()
    before, rest = text.split(FIRST)
    _, after = rest.split(LAST)
    PAGE.write_text(f"{before}{FIRST}{played}{LAST}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
