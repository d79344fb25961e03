"""What takes its time can be watched, left and found again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.errors import RefusedError
from cucmsh.layout import LIST_FILE
from cucmsh.phones.service_control import PhoneAction
from cucmsh.services.site import Site
from cucmsh.web.jobs import Job
from cucmsh.web.pages import Form, LongAction, Page, Shown
from tests.rigs.page import Answer, Browser, page
from tests.rigs.waiting import until
from tests.services.made_cluster import CCM, MadeCluster
from tests.web.conftest import ADMIN, PASSWORD

pytestmark = pytest.mark.thorough


def begun(browser: Browser, path: str, **fields: str) -> str:
    """Send the form of that page; where its job is."""
    answer = browser.post(path, {"token": browser.token(path), **fields})
    assert answer.status == 303, answer.text
    return answer.headers["location"]


def ended(browser: Browser, job: str) -> Answer:
    """The page of a job once it has ended."""

    def has_ended() -> bool:
        return not json.loads(browser.get(f"{job}.json").text)["result"]["is_running"]

    until(has_ended, f"{job} goes on and on")
    return browser.get(job)


def test_a_reset_tells_its_steps_and_its_page_can_be_loaded_anew(
    admin: Browser, cluster: MadeCluster
) -> None:
    place = Path(cluster.site.node.tftp_directory, LIST_FILE)
    before = place.read_bytes()
    job = begun(admin, "/reset", ccm_password=CCM, agree="yes")
    text = ended(admin, job).text
    assert "Locating active Tftp servers in the cluster...." in text
    assert "Successfully transferred reset ITL to node" in text
    assert place.read_bytes() != before
    assert admin.get(job).text == text
    result = admin.get(f"{job}/result")
    assert result.status == 200
    document = json.loads(admin.get(f"{job}/result.json").text)
    assert document["result"]["node"] == cluster.site.node.name
    events = admin.get(f"{job}/events").text
    assert events.startswith("data: Locating active Tftp servers")
    assert events.endswith("event: end\ndata: end\n\n")


def test_a_wrong_password_resets_nothing_and_is_in_no_page(
    admin: Browser, cluster: MadeCluster
) -> None:
    place = Path(cluster.site.node.tftp_directory, LIST_FILE)
    before = place.read_bytes()
    job = begun(admin, "/reset", ccm_password="not their words", agree="yes")
    text = ended(admin, job).text
    assert "The CCM Administrator password is not correct; nothing was changed" in text
    assert "not their words" not in text
    assert place.read_bytes() == before
    assert admin.get(f"{job}/result").status == 404


def test_a_session_has_one_job_at_a_time(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def waits(_: Site, __: Form, tell: Callable[[str], None]) -> Shown:
        tell("begun")
        goes_on.wait()
        return Shown({"what": "", "lines": [], "problems": [], "links": []}, {})

    parts = (
        Page("/wait", "", "reset.html", lambda *_: Shown({"lines": []}, {})),
        LongAction("/wait", "A wait", "done.html", waits),
    )
    monkeypatch.setattr("cucmsh.web.server.PARTS", parts)
    with page(cluster.site) as browser:
        browser.log_in(ADMIN, PASSWORD)
        job = begun(browser, "/wait")
        second = browser.post("/wait", {"token": browser.token("/wait")})
        goes_on.set()
        ended(browser, job)
        third = browser.post("/wait", {"token": browser.token("/wait")})
    assert second.status == 409
    assert "Something of yours is running still." in second.text
    assert third.status == 303


def test_the_job_of_another_session_is_not_found(admin: Browser) -> None:
    job = begun(admin, "/reset", ccm_password="x")
    ended(admin, job)
    other = Browser(admin.port)
    assert other.get(job).status == 401


def test_services_are_listed_and_restarted(admin: Browser) -> None:
    assert "Cisco Tftp" in admin.get("/services").text
    job = begun(admin, "/services", service="Cisco Tftp", verb="restart", agree="yes")
    text = ended(admin, job).text
    assert "Service Manager is running" in text
    assert "Cisco Tftp is started." in admin.get(f"{job}/result").text


def test_who_restarts_is_told_that_phones_were_not_told(
    admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "cucmsh.services.phones.after_change"
    monkeypatch.setattr(f"{place}.units_changed", lambda _: ("CallManager",))
    monkeypatch.setattr(f"{place}.phone_action", lambda _: PhoneAction.RESET)
    job = begun(admin, "/services", service="Cisco Tftp", verb="restart", agree="yes")
    ended(admin, job)
    text = admin.get(f"{job}/result").text
    assert "The ITL names a new certificate: CallManager. Phones were not told" in text
    assert "`utils phone reset all` does it." in text


def test_a_verb_that_no_service_has_is_refused(admin: Browser) -> None:
    job = begun(admin, "/services", service="Cisco Tftp", verb="erase")
    assert "is nothing that a service does" in ended(admin, job).text


def test_who_follows_is_told_each_line_once_and_the_end() -> None:
    job, goes_on = Job("a job", "x.html"), threading.Event()

    def do(tell: object) -> Shown:
        assert callable(tell)
        tell("one\ntwo")
        goes_on.wait()
        tell("three")
        return Shown({}, {})

    job.start(do, lambda _: None)
    followed = job.follow(1)
    assert next(followed) == (2, "two")
    goes_on.set()
    assert list(followed) == [(3, "three")]
    assert job.shown == Shown({}, {})


def test_what_breaks_off_is_told_and_recorded() -> None:
    seen: list[BaseException] = []
    for failure in (LookupError("a secret"), RefusedError("no")):
        job = Job("a job", "x.html")

        def do(_: object, failure: Exception = failure) -> Shown:
            raise failure

        job.start(do, seen.append)
        assert list(job.follow(0)) == []
        assert job.problem is not None
        assert "a secret" not in job.problem.message
    assert [type(each) for each in seen] == [LookupError]
