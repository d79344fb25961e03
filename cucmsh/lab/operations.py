"""What can be done to a running lab; its prompt and its fixtures ask for it by name.

A node is stopped (its servers end, as when the machine is off), paused (its ports
accept, nobody answers), delayed, or cut off from the other nodes; ``start`` ends all of
that. Failures are asked for by name. Its clock is set. And all of it can be kept as a
snapshot and put back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn

from cucmsh.errors import RefusedError, ServiceError, UsageError
from cucmsh.lab import control
from cucmsh.lab.cluster import LabCluster
from cucmsh.lab.conditions import FAILURES, MOST_DELAY, Conditions
from cucmsh.lab.members import Member, Run
from cucmsh.lab.monitor import monitor_round_of
from cucmsh.lab.plan import NodePlan
from cucmsh.lab.snapshots import Snapshots
from cucmsh.services.lab_time import MOST_SECONDS, LabTime, read_time, write_time
from cucmsh.services.site import Site

Result = dict[str, object]
SERVICES = ("tftp", "tvs")  # of a node, as its service manager calls them


class Operations:
    """Answers the requests to one lab.

    Args:
        cluster: the running one.
        prompt: the process whose prompt is the publisher's; 0 without one.
    """

    def __init__(self, cluster: LabCluster, prompt: int = 0) -> None:
        self._cluster = cluster
        self._prompt = prompt
        self._snapshots = Snapshots(cluster.root)
        self._cut_off: set[str] = set()
        self._verbs: dict[str, Callable[[Mapping[str, Any]], Result]] = {
            "list": lambda _: self.shown(),
            "stop": lambda asked: self._on_member(self._stop, asked),
            "start": lambda asked: self._on_member(self._start, asked),
            "pause": lambda asked: self._on_member(Member.pause, asked),
            "delay": self._delay,
            "partition": self._partition,
            "fail": self._fail,
            "clock": self._clock,
            "hold": self._hold,
            "monitor": self._monitor,
            "snapshot": self._snapshot,
            "restore": self._restore,
            "snapshots": lambda _: {"snapshots": [*self._snapshots.names()]},
        }

    def answer(self, asked: Mapping[str, Any]) -> Result:
        """Do what is asked for.

        Raises:
            CucmshError: it cannot be done, or is nothing that can be.
        """
        verb = self._verbs.get(str(asked.get("verb")))
        if verb is None:
            raise UsageError(f"the lab does not know {asked.get('verb')!r}")
        return verb(asked)

    def set_hold(self, *, has_hold: bool) -> None:
        """Let hold timers run, or not."""
        for site in self._cluster.sites():
            write_time(
                site.settings, read_time(site.settings)._replace(has_hold=has_hold)
            )

    def shown(self) -> Result:
        """How each member is."""
        return {"nodes": [self._seen(each) for each in self._members.values()]}

    @property
    def _members(self) -> dict[str, Member]:
        return self._cluster.members

    def _seen(self, member: Member) -> Result:
        plan = self._plan(member)
        return {
            "name": member.name,
            "state": str(member.state),
            "delay_ms": member.conditions.delay_ms,
            "partitioned": plan is not None and str(plan.config) in self._cut_off,
            "failures": sorted(member.conditions.failures),
            "stopped": self._stopped(member),
        }

    def _stopped(self, member: Member) -> list[str]:
        """Its services that do not run though it does, as ``SERVICES`` names them."""
        plan = self._plan(member)
        if plan is None or member.state is not Run.RUNNING:
            return []
        return [
            service
            for service in SERVICES
            if control.ask(str(plan.control), service, "status") == control.NOT_RUNNING
        ]

    def _plan(self, member: Member) -> NodePlan | None:
        plans = (each for each in self._cluster.plans if each.name == member.name)
        return next(plans, None)

    def _named(self, asked: Mapping[str, Any]) -> Member:
        name = self._first_name(str(asked.get("node")))
        if name not in self._members:
            raise UsageError(
                f"{name!r} is no node of this lab",
                f"Type one of: {', '.join(self._members)}",
            )
        return self._members[name]

    def _first_name(self, name: str) -> str:
        """What the lab calls the node: its name when the lab was made."""
        if name in self._members:
            return name
        nodes = [site.node for site in self._cluster.sites()]
        first = [at for node in nodes if node.name == name for at in node.aliases]
        return next((at for at in first if at in self._members), name)

    def _on_member(
        self, do: Callable[[Member], object], asked: Mapping[str, Any]
    ) -> Result:
        member = self._named(asked)
        do(member)
        return self._seen(member)

    def _stop(self, member: Member) -> None:
        if member.state is not Run.STOPPED:
            self._cluster.end(member)

    def _start(self, member: Member) -> None:
        """End whatever was done to it, but for failures."""
        plan = self._plan(member)
        if plan is not None:
            self._cut_off.discard(str(plan.config))
        member.conditions = member.conditions._replace(delay_ms=0)
        if member.state is Run.STOPPED:
            self._cluster.begin(member)
        member.go_on()
        self._tell_all()

    def _delay(self, asked: Mapping[str, Any]) -> Result:
        member, delay = self._named(asked), asked.get("milliseconds")
        if not isinstance(delay, int) or not 0 <= delay <= MOST_DELAY:
            raise UsageError(f"a delay is 0 to {MOST_DELAY} milliseconds")
        member.tell(member.conditions._replace(delay_ms=delay))
        return self._seen(member)

    def _partition(self, asked: Mapping[str, Any]) -> Result:
        member = self._named(asked)
        plan = self._plan(member)
        if plan is None:
            raise UsageError(
                f"{member.name} is no node that others ask",
                "`lab node stop` ends it, `lab node pause` lets it answer nobody.",
            )
        self._cut_off.add(str(plan.config))
        self._tell_all()
        return self._seen(member)

    def _tell_all(self) -> None:
        cut_off = frozenset(self._cut_off)
        for member in self._members.values():
            conditions = member.conditions._replace(
                cut_off=cut_off, prompt=self._prompt
            )
            member.tell(conditions)

    def _fail(self, asked: Mapping[str, Any]) -> Result:
        name = asked.get("name")
        if name is None:
            return {**self.shown(), "failures": _failures()}
        if name == "none":
            for member in self._members.values():
                member.tell(member.conditions._replace(failures=frozenset()))
            return self.shown()
        found = next((each for each in FAILURES if each.name == name), None)
        if found is None:
            known = ", ".join(each.name for each in FAILURES)
            raise UsageError(f"there is no failure {name!r}", f"There are: {known}.")
        able = [
            each
            for each in self._members.values()
            if (found.of_nodes if self._plan(each) else found.of_backup)
        ]
        chosen = [self._named(asked)] if asked.get("node") else able
        for member in chosen:
            if member not in able:
                raise UsageError(
                    f"{member.name} cannot have {found.name}: {found.what}",
                    f"These can: {', '.join(each.name for each in able)}.",
                )
        for member in chosen:
            failures = member.conditions.failures | {found.name}
            member.tell(member.conditions._replace(failures=failures))
        return self.shown()

    def _sites_of(self, asked: Mapping[str, Any]) -> list[Site]:
        sites = self._cluster.sites()
        if not asked.get("node"):
            return sites
        member = self._named(asked)
        found = [
            site
            for site in sites
            if member.name in (site.node.name, *site.node.aliases)
        ]
        if not found:
            raise UsageError(f"{member.name} has no clock of its own")
        return found

    def _clock(self, asked: Mapping[str, Any]) -> Result:
        """``passed`` and ``wrong`` are added; ``is_reset`` ends both."""
        sites = self._sites_of(asked)
        passed, wrong = (_seconds(asked.get(key, 0)) for key in ("passed", "wrong"))
        set_anew = []
        for site in sites:
            old = read_time(site.settings)
            new = old._replace(passed=old.passed + passed, wrong=old.wrong + wrong)
            if asked.get("is_reset"):
                new = LabTime(has_hold=old.has_hold)
            if max(abs(new.passed), abs(new.wrong)) > MOST_SECONDS:
                raise RefusedError("that is more than a hundred years in all")
            set_anew.append((site, new))
        for site, new in set_anew:
            write_time(site.settings, new)
        return {
            "nodes": [
                {
                    "name": site.node.name,
                    "now": site.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "passed": read_time(site.settings).passed,
                    "wrong": read_time(site.settings).wrong,
                }
                for site in sites
            ]
        }

    def _hold(self, asked: Mapping[str, Any]) -> Result:
        self.set_hold(has_hold=bool(asked.get("is_on")))
        return {"hold": bool(asked.get("is_on"))}

    def _monitor(self, asked: Mapping[str, Any]) -> Result:
        """A round of each node that runs, by its own hook."""
        rounds: list[Result] = []
        for site in self._sites_of(asked):
            name = site.node.name  # which may be another one than the lab's
            if self._members[self._first_name(name)].state is not Run.RUNNING:
                problem = f"{name} does not run; `lab node start {name}` starts it"
                rounds.append({"name": name, "status": None, "said": [problem]})
                continue
            status, said = monitor_round_of(site.settings.path)
            rounds.append({"name": name, "status": status, "said": said})
        return {"nodes": rounds}

    def _snapshot(self, asked: Mapping[str, Any]) -> Result:
        name = str(asked.get("name"))
        if name in self._snapshots.names():  # what is lost cannot be had again
            raise RefusedError(
                f"there is a snapshot {name} already",
                f"Take another name, or remove {self._snapshots.place(name)} first.",
            )
        state = self._state()  # asked of the nodes, which then hold still
        with self._quiet(f"lab snapshot {name}"):
            self._snapshots.save(name, state)
        return {"snapshot": name}

    def _restore(self, asked: Mapping[str, Any]) -> Result:
        name = str(asked.get("name"))
        state = self._snapshots.state_of(name)
        if state["ports"] != self._ports():
            raise RefusedError(
                f"the snapshot {name} was made with other ports than this lab has",
                "End what has taken them, and start the lab again.",
            )
        self._cut_off.clear()
        for member in self._members.values():
            member.go_on()
            member.conditions = Conditions()
            if member.name in state["running"] and member.state is Run.STOPPED:
                self._cluster.begin(member)
        self._tell_all()
        phones = self._cluster.phones
        if phones is not None:  # they hold in memory what is about to change
            self._cluster.end(phones.member)
        with self._quiet(f"lab restore {name}"):
            self._snapshots.put_back(name)
        for plan in self._cluster.plans:
            member = self._members[plan.name]
            if plan.name not in state["running"]:
                self._stop(member)
                continue
            for service in SERVICES:
                verb = control.SERVE if plan.name in state[service] else "stop"
                problem = control.ask(str(plan.control), service, verb)
                if problem:
                    raise ServiceError(f"{plan.name}: {problem}", "Run it again.")
        if phones is not None:
            self._cluster.begin(phones.member)
        return {"snapshot": name, **self.shown()}

    def _ports(self) -> dict[str, object]:
        described = self._cluster.describe()
        nodes = [described["publisher"], *described["subscribers"]]
        ports: dict[str, object] = {
            node["name"]: [node["ssh"]["port"], node["tftp"]["port"]] for node in nodes
        }
        return ports

    def _state(self) -> Result:
        running = [
            each.name
            for each in self._members.values()
            if each.state is not Run.STOPPED
        ]
        serving = {
            service: [
                plan.name
                for plan in self._cluster.plans
                if self._members[plan.name].state is Run.RUNNING
                and not control.ask(str(plan.control), service, "status")
            ]
            for service in SERVICES
        }
        return {"running": running, **serving, "ports": self._ports()}

    @contextmanager
    def _quiet(self, what: str) -> Iterator[None]:
        """Nobody changes anything for the length of the block.

        Raises:
            BusyError: somebody is in the middle of a change.
        """
        with ExitStack() as stack:
            for site in self._cluster.sites():
                stack.enter_context(site.cluster_lock(what))
                stack.enter_context(site.node_lock(what))
            phones = self._cluster.phones
            still = [phones.member] if phones is not None else []
            for member in [*self._members.values(), *still]:
                stack.enter_context(member.hold_still())
            yield


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _no_number(value)
    return float(value)


def _no_number(value: object) -> NoReturn:
    raise UsageError(f"{value!r} is no number of seconds")


def _failures() -> list[Result]:
    return [
        {
            "name": each.name,
            "nodes": each.of_nodes,
            "backup": each.of_backup,
            "what": each.what,
        }
        for each in FAILURES
    ]
