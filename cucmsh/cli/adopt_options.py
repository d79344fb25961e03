"""Options that say what is adopted, for ``adopt`` and ``init``, and their dialog."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from cucmsh.cli.options import Parser, file_name
from cucmsh.cli.terminal import Prompter, changing, require_yes
from cucmsh.config.model import ROLE_CODES
from cucmsh.errors import RefusedError, UsageError, WrongPasswordError
from cucmsh.secret import Secret
from cucmsh.shell.answers import ATTEMPTS, is_yes

if TYPE_CHECKING:
    from cucmsh.services.adoption.material import Request
    from cucmsh.services.adoption.plan import AdoptionPlan
    from cucmsh.services.adoption.sources import FoundList

PLACES = "a file, a directory or tftp://HOST[:PORT]"
NOTHING = "Nothing was adopted."
WHICH_LIST = """\
{place} names a key that you gave, but another one signed it:
  {signer}
Its certificates enter the lists of this node only if you know that it is the list your
phones hold. Compare its SHA-1 with what a phone or the other system shows."""
WHICH_SAST = """\
{place} also trusts this one to sign lists:
  {name}
  SHA-256 {sha256}
Whoever has its key can make your phones believe anything."""
LOST = """\
No key was given that phones with one of these lists believe (see LOST above). They are
not reached by what follows."""
EXPIRED = "{path}: its certificate expired on {day}."


def role(value: str) -> tuple[int, str]:
    """``ROLE=FILE``, the role by its name or code."""
    name, equals, path = value.partition("=")
    code = ROLE_CODES.get(name.lower())
    if code is None and name.isascii() and name.isdecimal() and int(name) < 1 << 16:
        code = int(name)
    if not equals or not path or code is None:
        raise argparse.ArgumentTypeError(
            f"{value!r} is no ROLE=FILE; a role is {', '.join(ROLE_CODES)}, or a number"
        )
    return code, path


def add_adoption(parser: Parser, *, is_needed: bool) -> None:
    """Add what is adopted; ``asked_for`` reads it.

    Args:
        parser: of ``adopt``, or of ``init``.
        is_needed: whether a list has to be given.
    """
    parser.several(
        "--adopt-list",
        metavar="PLACE",
        type=file_name,
        required=is_needed,
        help=f"a list that phones hold, ITL or CTL: {PLACES}; may be given several "
        "times",
    )
    parser.several(
        "--adopt-key",
        metavar="FILE",
        type=file_name,
        help="the key that signed it, PEM or PKCS#12; may be given several times",
    )
    parser.option(
        "--adopt-capf",
        metavar="FILE",
        type=file_name,
        help="the CAPF certificate that phones enrolled with, with its key or alone",
    )
    parser.several(
        "--held",
        metavar="PLACE",
        type=file_name,
        help=f"a further list that some phones may hold: {PLACES}; may be given "
        "several times",
    )
    parser.several(
        "--adopt-record",
        metavar="ROLE=FILE",
        type=role,
        help="a certificate that lists are to name, too; ROLE is "
        f"{', '.join(ROLE_CODES)} or a number; may be given several times",
    )


def asked_for(given: argparse.Namespace) -> Request | None:
    """What is to be adopted; None if nothing is.

    Raises:
        UsageError: something is given, and no list.
    """
    from cucmsh.services.adoption.material import Request  # noqa: PLC0415 - heavy

    request = Request(
        lists=tuple(given.adopt_list),
        keys=tuple(given.adopt_key),
        capf=given.adopt_capf or "",
        held=tuple(given.held),
        records=tuple(given.adopt_record),
    )
    if not request.lists and any(request):
        raise UsageError(
            "Without --adopt-list it is not known what the keys are good for",
            f"Give the list that phones hold: --adopt-list PLACE, {PLACES}.",
        )
    return request if request.lists else None


class AdoptDialog:
    """See ``services.adoption.apply.AdoptDialog``; asks on the terminal.

    Args:
        prompter: says and asks.
        passwords: of the protected key files, in the order of the options; None to ask
            for each. Then nothing else is asked either.
        is_agreed: ``--yes``: the plan is agreed to unasked. What could make phones
            believe somebody else is asked all the same.
        is_dry: nothing is going to be changed, so nothing is agreed to.
    """

    def __init__(
        self,
        prompter: Prompter,
        passwords: Iterator[Secret] | None,
        *,
        is_agreed: bool,
        is_dry: bool = False,
    ) -> None:
        self._prompter = prompter
        self._passwords = passwords
        self._is_agreed = is_agreed or passwords is not None
        self._is_dry = is_dry

    @property
    def is_told_all(self) -> bool:
        return self._passwords is not None

    def password(self, path: str, *, is_first: bool) -> Secret:
        if self._passwords is not None:
            found = next(self._passwords, None) if is_first else None
            if found is None:
                raise WrongPasswordError(
                    f"{path} does not open with the password that was given for it",
                    "--secrets-fd has a line for each protected key file, in the order "
                    "of the options.",
                )
            return found
        question = f"Password of {path} :"
        if not is_first:
            self._prompter.ask_again(question, "It does not open with that password.")
        return self._prompter.ask_secret(question)

    def trusts(self, found: FoundList) -> bool:
        if self._passwords is not None or found.signer is None:
            return False
        signer = found.signer.subject_name
        self._prompter.say(WHICH_LIST.format(place=found.place, signer=signer))
        question = "Its SHA-1, or Enter to leave its certificates out: "
        for _ in range(ATTEMPTS):
            answer = self._prompter.ask(question)
            typed = answer.replace(":", "").replace(" ", "").lower()
            if not typed:
                return False
            if typed == found.sha1:
                return True
            self._prompter.ask_again(question, "That is not its SHA-1.")
        return False

    def takes_sast(self, found: FoundList, name: str, sha256: str) -> bool:
        if self._passwords is not None:
            return False
        asked = WHICH_SAST.format(place=found.place, name=name, sha256=sha256)
        self._prompter.say(asked)
        question = "May it go on signing lists for your phones (yes/no)? "
        return is_yes(self._prompter, question)

    def agree(self, plan: AdoptionPlan) -> None:
        from cucmsh.views.adoption import adoption_lines  # noqa: PLC0415 - heavy

        self._prompter.say("\n".join(adoption_lines(plan)))
        if plan.lost:
            self._require_person("some phones are lost")
            self._prompter.say(LOST)
            require_yes(self._prompter, "Go on without them (yes/no)? ", NOTHING)
        if self._is_agreed:
            return
        for key in plan.keys:
            if key.has_expired:
                day = f"{key.certificate.not_after:%Y-%m-%d}"
                self._prompter.say(EXPIRED.format(path=key.path, day=day))
                require_yes(self._prompter, "Use it all the same (yes/no)? ", NOTHING)
        require_yes(self._prompter, "Adopt this (yes/no)? ", NOTHING)

    def changing(self) -> AbstractContextManager[object]:
        return changing(
            self._prompter,
            "Run `cucmsh adopt` again with the same options; it finishes.",
        )

    def _require_person(self, why: str) -> None:
        if self._passwords is not None:
            raise RefusedError(
                f"{why}, which only a person can agree to; nothing was changed",
                "Run it on a terminal without --secrets-fd, or give the missing keys.",
            )
