"""A list from elsewhere in the TFTP directory: shown wherever one looks, with a way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.cli import prompt
from cucmsh.errors import RefusedError
from cucmsh.layout import LIST_FILE, PUBLISHED, facts_file
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.foreign import how_to_compose
from cucmsh.services.lists.give_up_phones import release_trust
from cucmsh.services.lists.own_list import foreign_list
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.lists.show_list import read_list
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.nodes.health.doctor import examine
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.nodes.health.node_status import look_at_all
from cucmsh.services.records.history import History
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.site import Site
from cucmsh.views.documents import list_document
from tests.commands.calls import call
from tests.services.adoption.elsewhere import Elsewhere
from tests.services.made_cluster import (
    REPLICA,
    SUBSCRIBER,
    MadeCluster,
    made_cluster,
    started_cluster,
)

pytestmark = pytest.mark.thorough

RESTART = "utils service restart Cisco Tftp"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "elsewhere")


@pytest.fixture
def taking_over(tmp_path: Path, elsewhere: Elsewhere) -> MadeCluster:
    """A publisher that was put where another tool served, and has started once."""
    made = made_cluster(tmp_path / "cluster", keep_trust=True)
    put(made.site, elsewhere)
    made.publisher.start()
    return made


def put(site: Site, elsewhere: Elsewhere) -> None:
    site.tftp.write(LIST_FILE, elsewhere.sealed().raw)


def way(site: Site) -> str:
    place = site.node.tftp_directory
    return f"`cucmsh adopt --adopt-list {place} --adopt-key FILE`"


def told(site: Site) -> list[Finding]:
    return [found for found in examine(site) if "from elsewhere" in found.what]


def test_kept_list_is_told_with_the_way_to_adopt_it(
    taking_over: MadeCluster, elsewhere: Elsewhere
) -> None:
    assert taking_over.publisher.raw == elsewhere.sealed().raw
    found = foreign_list(taking_over.site)
    assert found is not None
    assert found.is_kept
    assert "signer CN=old.example;" in found.line
    assert way(taking_over.site) in found.line
    assert "`utils itl trust release` gives those phones up" in found.line


def test_every_place_shows_it(taking_over: MadeCluster) -> None:
    site = taking_over.site
    found = foreign_list(site)
    assert found is not None
    assert found.line in call(site, "show itl").lines
    described = list_document("pub", read_list(site), [], found)["foreign"]
    assert described == found._asdict()
    assert list_document("pub", read_list(site), [])["foreign"] is None
    started = call(site, "utils service start Cisco Tftp")
    assert found.line in started.lines
    assert started.status == 0
    as_finding = Finding(Level.WARN, found.what, found.advice)
    assert told(site) == [as_finding]
    own = next(at for at in look_at_all(site) if at.node.name == site.node.name)
    assert as_finding in own.findings


class _Shown(Exception):  # noqa: N818 - ends a login once all was said
    pass


class _Screen:
    def __init__(self, _: int) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def prompt_ahead(self, _: str) -> None:
        raise _Shown(*self.said)


def said_at_login(site: Site, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(prompt, "Screen", _Screen)
    with pytest.raises(_Shown) as shown:
        prompt.serve_prompt(site)
    return "\n".join(shown.value.args)


def test_login_tells_it_and_the_strict_form_does_not(
    taking_over: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = taking_over.site
    found = foreign_list(site)
    assert found is not None
    assert found.line in said_at_login(site, monkeypatch)
    site.settings = site.settings._replace(is_strict=True)
    assert "adopt" not in said_at_login(site, monkeypatch)
    for line in ("show itl", "utils service start Cisco Tftp"):
        assert "adopt" not in call(site, line, helpful=False).text


def test_nothing_advises_a_restart_that_would_keep_it(taking_over: MadeCluster) -> None:
    site = taking_over.site
    Path(site.tftp.root, "SEP1.cnf.xml").write_bytes(b"<device/>")
    with pytest.raises(RefusedError, match="does not name its CallManager") as refused:
        sign_files(site, choose(site))
    assert way(site) in refused.value.advice
    assert not refused.value.advice.startswith(f"Run `{RESTART}`")
    failures = [at for at in examine(site) if at.level is Level.FAIL]
    assert not [at for at in failures if at.advice.startswith(f"Run `{RESTART}`")]


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_kept_list_that_is_no_longer_there_is_still_in_the_way(
    taking_over: MadeCluster, elsewhere: Elsewhere, harm: str
) -> None:
    """The phones hold it, and a start composes nothing that they would not take."""
    site = taking_over.site
    raw = elsewhere.sealed().raw
    if harm == "gone":
        site.tftp.remove(LIST_FILE)
    else:
        site.tftp.write(LIST_FILE, raw[:-1])
    advice = how_to_compose(site, f"Run `{RESTART}`.")
    assert "cucmsh adopt --adopt-list DIR --adopt-key FILE" in advice
    assert History(site).binding[0].digests.md5 in advice
    said = taking_over.publisher.start()
    assert "no list was composed" in said
    assert "cucmsh adopt" in said
    if harm == "damaged":
        with pytest.raises(RefusedError, match="is damaged") as refused:
            plan_local_reset(site)
        assert refused.value.advice == advice


def test_released_list_is_replaced_by_the_next_start(taking_over: MadeCluster) -> None:
    site = taking_over.site
    release_trust(site, lambda _: None)
    found = foreign_list(site)
    assert found is not None
    assert not found.is_kept
    assert f"`{RESTART}` replaces it" in found.advice
    assert how_to_compose(site, "otherwise") == "otherwise"
    taking_over.publisher.start()
    assert foreign_list(site) is None
    assert told(site) == []


def test_list_whose_key_was_adopted_is_foreign_no_longer(
    taking_over: MadeCluster, elsewhere: Elsewhere
) -> None:
    site = taking_over.site
    Keystore(site).adopt(elsewhere.second)
    assert foreign_list(site) is None
    assert how_to_compose(site, "otherwise") == "otherwise"


def test_without_keep_trust_the_next_start_is_warned_of(
    tmp_path: Path, elsewhere: Elsewhere
) -> None:
    made = made_cluster(tmp_path / "cluster")
    put(made.site, elsewhere)
    found = foreign_list(made.site)
    assert found is not None
    assert not found.is_kept
    assert "the next start of Cisco Tftp replaces it" in found.advice
    assert "keep_trust = true" in found.advice
    assert how_to_compose(made.site, "otherwise") == "otherwise"
    made.publisher.start()
    assert foreign_list(made.site) is None


def forgotten(made: MadeCluster) -> None:
    """As after a backup was restored without its state."""
    made.site.home.remove(facts_file(PUBLISHED))


def regenerated(made: MadeCluster) -> None:
    for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
        made.clock.pass_seconds(600)
        regenerate(made.site, unit)
    forgotten(made)


def reset(made: MadeCluster) -> None:
    made.reset()
    forgotten(made)


def damaged(made: MadeCluster) -> None:
    made.site.tftp.write(LIST_FILE, b"\1" + made.publisher.raw)


def gone(made: MadeCluster) -> None:
    made.site.tftp.remove(LIST_FILE)


@pytest.mark.parametrize("event", [forgotten, regenerated, reset, damaged, gone])
def test_own_list_is_never_foreign(
    keeping: MadeCluster, event: Callable[[MadeCluster], None]
) -> None:
    event(keeping)
    assert foreign_list(keeping.site) is None
    assert how_to_compose(keeping.site, "otherwise") == "otherwise"
    assert foreign_list(keeping.subscriber.site) is None


def test_list_of_this_node_needs_no_key_to_be_known(
    keeping: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted(*_: object) -> None:
        raise AssertionError("a login opened keys")

    monkeypatch.setattr("cucmsh.services.lists.foreign._verified", unwanted)
    assert foreign_list(keeping.site) is None


def test_other_nodes_that_serve_one_are_told_by_name(
    tmp_path: Path, elsewhere: Elsewhere
) -> None:
    made = started_cluster(tmp_path / "c", keep_trust=True, has_replica=True)
    raw = elsewhere.sealed().raw
    made.subscriber.site.tftp.write(LIST_FILE, raw)
    made.replica.store.write(LIST_FILE, raw)
    seen = {at.node.name: at.findings for at in look_at_all(made.site)}
    (of_member,) = [at for at in seen[SUBSCRIBER] if "from elsewhere" in at.what]
    assert of_member.what.startswith(f"{SUBSCRIBER} serves an ITL from elsewhere")
    assert f"`cucmsh doctor` on {SUBSCRIBER}" in of_member.advice
    (of_replica,) = [at for at in seen[REPLICA] if "from elsewhere" in at.what]
    address = made.replica.node.tftp
    where = f"tftp://{address.host}:{address.port}"
    assert f"cucmsh adopt --adopt-list {where} --adopt-key FILE" in of_replica.advice
    found = foreign_list(made.subscriber.site)
    assert found is not None
    assert found.is_kept
    assert login_notice(made.site) == ""
