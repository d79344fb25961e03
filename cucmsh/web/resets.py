"""Services of this node, and the reset of its list, as jobs that can be watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from cucmsh import services, views
from cucmsh.errors import CancelledError, RefusedError, WrongPasswordError
from cucmsh.secret import Secret
from cucmsh.services.site import Site
from cucmsh.web.certificate_actions import done, text_of
from cucmsh.web.pages import Form, LongAction, Page, Query, Shown

TFTP = "Cisco Tftp"
VERBS = ("start", "stop", "restart")
Tell = Callable[[str], None]


def _services(site: Site, _: Query) -> Shown:
    found = services.list_services(site)
    values = {
        "found": found,
        "controlled": set(services.services_of(site)),
        "verbs": VERBS,
    }
    return Shown(values, views.services_document(site.node.name, found))


class _ServiceLines:
    """A ``ServiceDialog`` that tells its steps."""

    def __init__(self, name: str, verb: str, tell: Tell) -> None:
        self._name = name
        self._verb = verb
        self._tell = tell

    def accepted(self) -> None:
        self._tell("Service Manager is running")
        self._tell(f"{self._name}: {self._verb}")

    def changing(self) -> AbstractContextManager[object]:
        return nullcontext()

    def waiting(self) -> AbstractContextManager[None]:
        return nullcontext()

    def done(self) -> None:
        ends = "[STOPPED]  Commanded Out of Service" if self._verb == "stop" else None
        self._tell(f"{self._name}{ends or '[STARTED]  '}")

    def still_kept(self) -> None:
        self._tell(
            f"The reset ITL is in place, but {self._name} did not give it back; every "
            "start keeps it until it does."
        )

    def bringing(self, names: Sequence[str]) -> AbstractContextManager[None]:
        self._tell(f"Waiting for {', '.join(names)}...")
        return nullcontext()


def _control(site: Site, form: Form, tell: Tell) -> Shown:
    name, verb = text_of(form, "service"), text_of(form, "verb")
    told = _ServiceLines(name, verb, tell)
    is_agreed = text_of(form, "agree") == "yes"
    if verb == "stop":
        if name == "Cisco Trust Verification Service":
            lost = [each.line for each in services.cut_off_without(site)]
            _require_agreed(tell, lost, is_agreed=is_agreed)
        services.stop_service(site, name, told)
        document = views.service_document(site.node.name, name, None)
        return done(name, [f"{name} is stopped."], document, links=_LINKS)
    if verb not in VERBS:
        raise RefusedError(f"{verb!r} is nothing that a service does")
    if name == TFTP:
        lost = list(views.lock_out_lines(services.locked_out(site, "restart", "")))
        _require_agreed(tell, lost, is_agreed=is_agreed)
    run = services.start_service if verb == "start" else services.restart_service
    start = run(site, name, told)
    problems = list(start.problems)
    if start.replicas:
        problems += views.pending_lines(start.replicas)
    lines = [] if start.foreign is None else [start.foreign.line]
    lines += [] if problems else [f"{name} is started.", *_untold(site, name)]
    document = views.service_document(site.node.name, name, start)
    return done(name, lines, document, problems=problems, links=_LINKS)


def _untold(site: Site, name: str) -> Iterator[str]:
    """That phones have to fetch the list that is served now: the prompt tells them."""
    action = services.phone_action(site)
    units = services.units_changed(site) if name == TFTP and action else ()
    if units and action:
        yield (
            f"The ITL names a new certificate: {', '.join(units)}. Phones were not "
            f"told; `utils phone {action.value} all` does it."
        )


_LINKS = [("/services", "Services")]


def _require_agreed(tell: Tell, lost: Sequence[str], *, is_agreed: bool) -> None:
    for line in lost:
        tell(line)
    if lost and not is_agreed:
        raise CancelledError(
            "Phones would be locked out; nothing was changed.",
            "Tick the box that says so, and begin again.",
        )


class _ResetLines:
    """A ``ResetDialog`` that was answered before it asks."""

    def __init__(self, site: Site, form: Form, tell: Tell) -> None:
        self._site = site
        self._password = Secret(text_of(form, "ccm_password"))
        self._is_agreed = text_of(form, "agree") == "yes"
        self._tell = tell

    def fetching(self) -> AbstractContextManager[None]:
        return nullcontext()

    def own_password(
        self,
        refusal: WrongPasswordError,
        open_with: Callable[[Secret], services.ImportedKey],
    ) -> services.ImportedKey:
        del open_with  # a saved key is read at the prompt only
        raise refusal

    def ccm_password(self) -> Secret:
        return self._password

    def planning(self, signed: Callable[[], object]) -> None:
        """Nothing is told: the nodes are looked at meanwhile."""

    def looking(self) -> AbstractContextManager[None]:
        self._tell("Locating active Tftp servers in the cluster....")
        return nullcontext()

    def located(self, nodes: Sequence[services.NodeStatus]) -> None:
        self._tell("Following is the list of Active tftp servers in the cluster")
        self._tell(repr([each.node.name for each in nodes if each.is_active]))
        for each in nodes:
            if not each.is_active:
                reason = each.problem or "its TFTP service is stopped"
                self._tell(f"Not active: {each.node.name} ({reason})")

    def agree(self, plan: services.ResetPlan) -> None:
        for line in [*services.holder_lines(self._site), *plan.warnings]:
            self._tell(line)
        asked = [line for question in plan.questions for line in question.lines]
        asked += views.lock_out_lines(services.locked_out_by_reset(self._site, plan))
        for line in asked:
            self._tell(line)
        if asked and not self._is_agreed:
            raise CancelledError(
                "There is something to agree to; nothing was changed.",
                "Read it, tick the box that says yes, and begin again.",
            )

    @contextmanager
    def changing(self, names: Sequence[str]) -> Iterator[services.Progress]:
        self._tell("The reset ITL file was generated successfully")
        self._tell(
            "Transferring new reset ITL file to the TFTP server nodes in the "
            f"cluster..... ({', '.join(names)})"
        )
        yield self._progress

    def _progress(self, step: services.Step, text: str) -> None:
        if step is services.Step.RESTARTING:
            self._tell(f"Restarting Cisco Tftp service on host {text}")
        elif step is services.Step.RESTARTED:
            self._tell(f"Cisco Tftp service restarted on host {text}")
        elif step is services.Step.FAILED:
            self._tell(text)
        elif step not in (services.Step.READY, services.Step.SETTLED):
            self._tell(f"Successfully transferred reset ITL to node {text}")


def _reset_form(site: Site, _: Query) -> Shown:
    hold = [*services.holder_lines(site)]
    return Shown({"lines": hold}, {"node": site.node.name, "holders": hold})


def _reset(site: Site, form: Form, tell: Tell) -> Shown:
    reset = services.reset_with_local_key(site, _ResetLines(site, form, tell))
    document = views.reset_document(site.node.name, reset.plan, reset.report)
    problems = [each.reason for each in reset.report.pending]
    lines = views.report_lines(reset.report)
    return done(
        "utils itl reset localkey", lines, document, problems=problems, links=_LINKS
    )


PARTS = (
    Page("/services", "Services", "services.html", _services),
    LongAction(
        "/services", "Service", "done.html", _control, ("service", "verb", "agree")
    ),
    Page("/reset", "Reset", "reset.html", _reset_form),
    LongAction(
        "/reset", "Reset of the ITL", "done.html", _reset, ("ccm_password", "agree")
    ),
)
