"""What adopting means for each phone: tried in memory, judged as phones judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.backends import LateBackends
from cucmsh.config.settings import parse_settings
from cucmsh.errors import KeyFileError, RefusedError, WrongPasswordError
from cucmsh.services.adoption.apply import preview
from cucmsh.services.adoption.decide import Standing
from cucmsh.services.adoption.material import Request
from cucmsh.services.adoption.plan import (
    CALL_MANAGER,
    FIRST,
    RECOVERY,
    RESET,
    RESTART,
    AdoptionPlan,
)
from cucmsh.services.adoption.sources import digest_for, read_sources
from cucmsh.trustlist.encode import full_record
from cucmsh.trustlist.tags import Role, role_label
from cucmsh.views.adoption import adoption_document, adoption_lines
from tests.services.adoption.elsewhere import (
    PASSWORD,
    Elsewhere,
    certificate_file,
    credential,
    ready_cluster,
)
from tests.services.adoption.person import Person
from tests.services.made_cluster import (
    SECURITY,
    MadeCluster,
    cheap_questions,
    made_cluster,
)

pytestmark = pytest.mark.thorough


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


@pytest.fixture
def there(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "old")


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    return ready_cluster(tmp_path / "new")


def allow_three(cluster: MadeCluster) -> None:
    """A third SAST may stand in this node's lists."""
    path = Path(cluster.site.settings.path)
    text = path.read_text()
    path.write_text(text.replace("[cluster]\n", "[cluster]\nsast_records = 3\n"))
    site = cluster.site
    settings = parse_settings(path.read_bytes(), str(path))
    cluster.publisher.site = site.with_settings(settings)


def planned(cluster: MadeCluster, request: Request) -> AdoptionPlan:
    before = cluster.tree()
    plan = preview(cluster.site, request, Person())
    assert cluster.tree() == before
    assert "\n".join(adoption_lines(plan))
    assert adoption_document(plan)
    return plan


def table(plan: AdoptionPlan) -> dict[str, list[bool | None]]:
    return {
        row.holding.label: [answer.accepted for answer in row.answers]
        for row in plan.rows
    }


def test_who_holds_the_adopted_list_takes_all_but_a_reset(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    path = str(there.serve())
    plan = planned(cluster, Request((path,), (str(there.key_file()),)))
    events = [made.event for made in plan.made]
    assert events == [FIRST, RESTART, CALL_MANAGER, RECOVERY, RESET]
    signer = there.signer.certificate.subject_name
    assert [made.signer for made in plan.made[:4]] == [signer] * 4
    assert table(plan) == {
        path: [True, True, True, True, False],
        f"the {FIRST}": [True, True, True, True, True],
    }
    assert not plan.is_locking_out
    assert all(made.is_by_adopted for made in plan.made[:4])
    assert not plan.made[4].is_by_adopted


def entering(plan: AdoptionPlan) -> set[tuple[int, str]]:
    return {
        (given.role, given.certificate.common_name) for given in plan.decided.entering
    }


def left_out(plan: AdoptionPlan) -> dict[str, str]:
    return {left.what: left.reason for left in plan.decided.left_out}


def test_what_the_list_names_enters_and_its_other_sast_does_not(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    path = str(there.serve())
    person = Person(sasts=(there.second.certificate.subject_name,))
    request = Request((path,), (str(there.key_file()),))
    plan = preview(cluster.site, request, person)
    assert entering(plan) == {
        (Role.TFTP, "old.example"),
        (Role.APPLICATION_SERVER, "app.example"),
    }
    name = role_label(Role.SAST)
    reasons = left_out(plan)
    second = there.second.certificate.subject_name
    assert "sast_records" in reasons[f"{name} {second}"]
    assert "only its hash" in reasons[f"CAPF {there.capf.certificate.subject_name}"]
    assert person.asked == []


@pytest.mark.parametrize("is_taken", [False, True])
def test_where_a_third_may_stand_each_other_sast_is_asked_about(
    cluster: MadeCluster, there: Elsewhere, *, is_taken: bool
) -> None:
    allow_three(cluster)
    path = str(there.serve())
    second = there.second.certificate.subject_name
    person = Person(sasts=(second,) if is_taken else ())
    plan = preview(cluster.site, Request((path,), (str(there.key_file()),)), person)
    assert person.asked == [f"sast {second} of {path}"]
    assert ((Role.SAST, "ITLRECOVERY_old.example") in entering(plan)) is is_taken
    assert not plan.is_locking_out


@pytest.mark.parametrize("is_typed", [False, True])
def test_a_list_that_another_key_signed_gives_nothing_until_its_sha1_is_typed(
    cluster: MadeCluster, there: Elsewhere, *, is_typed: bool
) -> None:
    (found,) = read_sources(cluster.site.backends, [str(there.serve())])
    person = Person(sha1s=(found.sha1,) if is_typed else ())
    request = Request((found.place,), (str(there.key_file(there.second)),))
    plan = preview(cluster.site, request, person)
    assert plan.lists[0][1] is Standing.NAMED
    assert person.asked == [f"sha1 of {found.place}"]
    assert bool(entering(plan)) is is_typed
    # It signs all the same: whoever has that key may.
    assert table(plan)[found.place][:4] == [True] * 4
    assert [made.is_by_adopted for made in plan.made[:4]] == [True] * 4


def test_phones_whose_key_is_lost_are_named_first(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    path = str(there.serve())
    plan = planned(cluster, Request((path,), ()))
    assert [holding.label for holding in plan.lost] == [path]
    assert plan.is_locking_out
    assert plan.noted == ()
    assert entering(plan) == set()
    assert table(plan)[path] == [False] * 5
    lines = [*adoption_lines(plan)]
    assert lines[0].startswith("LOST: ")
    text = "\n".join(lines)
    for way in ("--adopt-key", "ITLRECOVERY_old.example", "TVS", "by hand"):
        assert way in text


def test_a_lost_list_that_lies_in_the_directory_stays(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    path = there.serve()
    served = Path(cluster.site.node.tftp_directory)
    served.mkdir(exist_ok=True)
    (served / "ITLFile.tlv").write_bytes(path.read_bytes())
    plan = planned(cluster, Request((str(path),), ()))
    assert plan.made[0].is_kept
    assert plan.is_locking_out
    assert "stays" in "\n".join(adoption_lines(plan))


def test_an_empty_file_beside_counts_as_none(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    there.serve()
    (there.folder / "CTLFile.tlv").touch()
    request = Request((str(there.folder),), (str(there.key_file()),))
    plan = planned(cluster, request)
    assert [standing for _, standing in plan.lists] == [
        Standing.SIGNED,
        Standing.EMPTY,
    ]
    assert not plan.is_locking_out
    assert "zero bytes" in "\n".join(adoption_lines(plan))


def test_nothing_but_an_empty_file_is_nothing_to_adopt(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    (there.folder / "ITLFile.tlv").touch()
    with pytest.raises(RefusedError, match="zero bytes"):
        planned(cluster, Request((str(there.folder),), ()))


def test_a_phone_with_a_ctl_beside_judges_with_both(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    there.serve()
    token = credential("token")
    records = [
        full_record(Role.SAST, token.certificate),
        full_record(Role.CCM_TFTP, there.signer.certificate),
    ]
    there.serve(there.sealed(token, records, "CTLFile.tlv"))
    itl, ctl = (str(there.folder / name) for name in ("ITLFile.tlv", "CTLFile.tlv"))
    request = Request((str(there.folder),), (str(there.key_file(token)),))
    plan = planned(cluster, request)
    assert [(found.place, standing) for found, standing in plan.lists] == [
        (itl, Standing.LOST),
        (ctl, Standing.SIGNED),
    ]
    label = f"{itl} + CTLFile.tlv"
    assert table(plan)[label][:4] == [True] * 4
    assert [found.place for found in plan.noted] == [ctl]
    assert not plan.is_locking_out


def test_a_directory_with_a_ctl_alone_has_phones_with_that(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    ctl = there.serve(there.sealed(name="CTLFile.tlv"))
    request = Request((str(there.folder),), (str(there.key_file()),))
    plan = planned(cluster, request)
    assert table(plan)[str(ctl)][:4] == [True] * 4
    assert [found.place for found in plan.noted] == [str(ctl)]


def test_a_list_that_other_phones_hold_is_judged_and_gives_nothing(
    cluster: MadeCluster, there: Elsewhere, tmp_path: Path
) -> None:
    strangers = Elsewhere(tmp_path / "strangers")
    held = str(strangers.serve())
    path, key = str(there.serve()), str(there.key_file())
    plan = planned(cluster, Request((path,), (key,), held=(held,)))
    assert [standing for _, standing in plan.lists] == [
        Standing.SIGNED,
        Standing.HELD,
    ]
    assert table(plan)[path][:4] == [True] * 4
    assert table(plan)[held][:4] == [False] * 4
    assert [holding.label for holding in plan.lost] == [held]
    assert plan.is_locking_out


def test_phones_of_this_node_are_judged_too(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    cluster.publisher.start()
    path = str(there.serve())
    plan = planned(cluster, Request((path,), (str(there.key_file()),)))
    own = [label for label in table(plan) if label.startswith("served here before")]
    assert len(own) == 1
    # No key is known to both, and those who are served already are not lost.
    assert not plan.made[0].is_by_adopted
    assert table(plan)[own[0]][0] is True
    assert table(plan)[path][0] is False
    assert plan.is_locking_out


def test_a_key_that_no_list_names_is_refused(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    path = str(there.serve())
    for key, word in (
        (credential("stranger"), "CN=stranger"),
        (there.application, "but as APP-SERVER"),
    ):
        with pytest.raises(KeyFileError, match="no key that phones believe") as no:
            planned(cluster, Request((path,), (str(there.key_file(key)),)))
        assert word in no.value.message
        assert "CN=old.example" in no.value.advice


def test_an_expired_certificate_is_told_and_not_refused(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    there.signer = credential("expired.example", days=3)
    path = str(there.serve())
    plan = planned(cluster, Request((path,), (str(there.key_file()),)))
    assert plan.keys[0].has_expired
    assert not plan.is_locking_out
    assert "EXPIRED on 2013-12-01" in "\n".join(adoption_lines(plan))


def test_passwords_are_asked_three_times_and_the_clusters_own_is_tried_first(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    path, key = str(there.serve()), str(there.pkcs12())
    request = Request((path,), (key,))
    person = Person(passwords=("x", "y", PASSWORD))
    assert preview(cluster.site, request, person).keys
    assert person.asked == [
        f"password of {key}, first True",
        *[f"password of {key}, first False"] * 2,
    ]
    with pytest.raises(WrongPasswordError, match="3 wrong passwords"):
        preview(cluster.site, request, Person(passwords=("x", "y", "z", PASSWORD)))
    own = str(there.pkcs12(password=SECURITY))
    silent = Person()
    assert preview(cluster.site, Request((path,), (own,)), silent).keys
    assert silent.asked == []


def test_capf_stays_what_phones_enrolled_with(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    path, key = str(there.serve()), str(there.key_file())
    capf = str(there.key_file(there.capf))
    plan = planned(cluster, Request((path,), (key,), capf))
    assert plan.capf == there.capf.certificate
    first = plan.made[0].trust_list
    assert first is not None
    (record,) = [record for record in first.records if record.role == Role.CAPF]
    assert record.certificate_hash == there.capf.certificate.sha1_fingerprint
    alone = str(certificate_file(there.capf.certificate))
    plan = planned(cluster, Request((path,), (key,), alone))
    assert plan.capf is None
    assert (Role.CAPF, "CAPF-old") in entering(plan)
    assert not any(name.startswith("CAPF") for name in left_out(plan))


def test_without_a_capf_service_its_certificate_is_named_only(
    tmp_path: Path, there: Elsewhere
) -> None:
    services = ("tftp", "tvs")
    made = made_cluster(tmp_path / "x", keep_trust=True, publisher_services=services)
    made.write_configurations()
    capf = str(there.key_file(there.capf))
    request = Request((str(there.serve()),), (str(there.key_file()),), capf)
    plan = planned(made, request)
    assert plan.capf is None
    assert (Role.CAPF, "CAPF-old") in entering(plan)
    assert any("no CAPF service" in warning for warning in plan.warnings)


def test_further_certificates_are_named_by_hand(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    phone_service = credential("sip.example")
    given = str(certificate_file(phone_service.certificate))
    plan = planned(
        cluster,
        Request(
            (str(there.serve()),),
            (str(there.key_file()),),
            records=((Role.CCM_TFTP, given),),
        ),
    )
    assert (Role.CCM_TFTP, "sip.example") in entering(plan)


def test_where_trust_is_not_kept_adopting_is_refused(
    tmp_path: Path, there: Elsewhere
) -> None:
    made = made_cluster(tmp_path / "x")
    made.write_configurations()
    with pytest.raises(RefusedError, match="keep_trust is off"):
        planned(made, Request((str(there.serve()),), (str(there.key_file()),)))


def test_a_new_node_signs_with_the_digest_that_phones_know(there: Elsewhere) -> None:
    found = read_sources(LateBackends(), [str(there.serve())])
    assert digest_for(found) == "sha1"
    assert digest_for([]) == "sha512"


def test_another_digest_and_a_missing_key_of_files_are_told(
    cluster: MadeCluster, there: Elsewhere
) -> None:
    site = cluster.site
    cluster.publisher.site = site.with_settings(site.settings._replace(digest="sha512"))
    request = Request((str(there.serve()),), (str(there.key_file(there.second)),))
    told = " ".join(planned(cluster, request).warnings)
    assert "signed with SHA-1" in told
    assert "take signed files (.sgn) of CN=old.example" in told
    request = Request((str(there.serve()),), (str(there.key_file()),))
    cluster.publisher.site = site
    assert not planned(cluster, request).warnings
