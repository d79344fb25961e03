"""Whether TVS helps a phone from the list that it holds to the next one.

For previews and for questions before a TVS goes; ``keep_trust`` never asks it
(docs/decisions/009). A TVS counts for a held list if that list names its present
certificate, role 21; and then every such TVS that answers must know the signer, since
a phone believes the first one that it reaches. One that does not answer is passed over,
as a phone passes it over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from hashlib import md5
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import CertificateError, CucmshError, TrustListError, TvsError
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.records.history import History
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side
from cucmsh.services.tvs.trusted import signers_of
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.offer import SignerSays
from cucmsh.trustlist.tags import Role
from cucmsh.trustlist.trust import is_tvs_of, judge_signer
from cucmsh.tvs.codec import QueryAnswer, QueryRequest

ASK_SECONDS = 5  # for one TVS
SESSION = 1001  # from which phones count
DEVICE = "cucmsh"


class TvsWays:
    """Asks each TVS about each signer once, and remembers.

    Args:
        site: this node.
        is_role_coming: one that knows the signer as anything is taken to vouch for it:
            as what it knows it changes with the release, which is still to come.
        alone: the name of the node whose TVS alone knows the signer by then: the
            others, which know it now, are told of another one in its place. Empty
            where they all do.
    """

    def __init__(
        self, site: Site, *, is_role_coming: bool = False, alone: str = ""
    ) -> None:
        self._site = site
        self._is_role_coming = is_role_coming
        self._alone = alone
        keystore = Keystore(site)
        self._present: list[tuple[Node, Certificate]] = []
        for node in site.settings.cluster.members:
            if not node.has_tvs:
                continue
            try:
                certificate = keystore.trusted(node, Unit.TVS)
            except CucmshError:  # told elsewhere; its TVS cannot be told from another
                continue
            if certificate is not None:
                self._present.append((node, certificate))
        self._said: dict[tuple[str, bytes], bool | None] = {}

    def vouched_for(
        self, held: TrustList, signer: bytes, *, without: Collection[str] = ()
    ) -> bool:
        """Whether a phone that holds this list takes the signer (DER) through TVS.

        Args:
            held: the list that it holds.
            signer: the certificate of who signed the next one.
            without: names of nodes whose TVS is taken for stopped, or for one with
                another certificate.
        """
        asked = [
            (node, shown)
            for node, shown in self._present
            if node.name not in without and is_tvs_of(held, shown.der)
        ]
        said = side_by_side(lambda at: self._knows(*at, signer), asked)
        answers = [
            known and self._alone in ("", node.name)
            for (node, _), known in zip(asked, said, strict=True)
            if known is not None
        ]
        return bool(answers) and all(answers)

    def _knows(self, node: Node, shown: Certificate, signer: bytes) -> bool | None:
        """Whether it vouches for the signer of lists; None where none answers."""
        key = node.name, signer
        if key not in self._said:
            self._said[key] = self._asked(node, shown, signer)
        return self._said[key]

    def _asked(self, node: Node, shown: Certificate, signer: bytes) -> bool | None:
        try:
            certificate = self._site.backends.keys().read_certificate(signer)
        except CertificateError:
            return False
        try:
            answer = ask_about(self._site, node, shown, certificate)
        except TvsError:
            return None
        if self._is_role_coming:
            return answer.is_known and answer.certificate == certificate.der
        return is_vouching(answer, certificate)


def ask_about(
    site: Site, node: Node, shown: Certificate, signer: Certificate
) -> QueryAnswer:
    """Ask a node's TVS about a signer, as a phone does.

    Args:
        site: this node.
        node: whose TVS is asked.
        shown: the certificate that it must show.
        signer: whom it is asked about.

    Raises:
        TvsError: it does not answer, or shows another certificate.
    """
    request = QueryRequest(
        SESSION, DEVICE, signer.subject_name, signer.issuer_name, signer.serial
    )
    answer = site.backends.ask_tvs(
        node.tvs, request, lambda der: der == shown.der, ASK_SECONDS
    )
    if not isinstance(answer, QueryAnswer):
        raise TvsError(f"TVS of {node.name} answers another question.")
    return answer


def is_vouching(answer: QueryAnswer, signer: Certificate) -> bool:
    """Whether the answer lets a phone take lists of that signer."""
    return (
        answer.is_known
        and answer.certificate == signer.der
        and Role.SAST in answer.roles
    )


class CutOff(NamedTuple):
    """Phones that hold a list, and a signer that they take through TVS only.

    Attributes:
        held: the list.
        signer: what its certificate is, such as ``the CallManager certificate of pub``.
    """

    held: TrustList
    signer: str

    @property
    def line(self) -> str:
        """For a person."""
        digest = md5(self.held.raw, usedforsecurity=False).hexdigest()
        return (
            f"Phones that hold the ITL with MD5 {digest} take lists and files of "
            f"{self.signer} through this TVS only: without it they refuse them, until "
            "they hold a list that names the signer or another TVS that answers."
        )


def cut_off_without(site: Site) -> list[CutOff]:
    """Who needs this node's TVS as it is now: for the question before it goes.

    The held lists are the one that is served, and with ``keep_trust`` those that were;
    the signers are those of this cluster now, whose lists phones meet next. Nobody is
    cut off who takes a signer directly, through another TVS, or not even now.
    """
    if not site.node.has_tvs:
        return []
    signers = signers_of(site)
    found, ways = [], TvsWays(site)
    for held in _held_lists(site):
        for name, certificate in signers:
            if (
                not _takes_directly(held, certificate)
                and ways.vouched_for(held, certificate.der)
                and not ways.vouched_for(
                    held, certificate.der, without=(site.node.name,)
                )
            ):
                found.append(CutOff(held, name))
    return found


def _held_lists(site: Site) -> Iterable[TrustList]:
    lists: dict[bytes, TrustList] = {}
    raw = served_list(site)
    if raw is not None:
        try:
            served = decode(raw)
        except TrustListError:
            pass
        else:
            if check(served, site.backends.verifier()).is_valid:
                lists[raw] = served
    if site.settings.keep_trust and site.node.has_tftp:
        for kept in History(site).binding:
            lists.setdefault(kept.trust_list.raw, kept.trust_list)
    return lists.values()


def _takes_directly(held: TrustList, signer: Certificate) -> bool:
    record = full_record(Role.SAST, signer)
    return judge_signer(None, held, SignerSays.of(record)).accepted
