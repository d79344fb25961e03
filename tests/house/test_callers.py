"""Callers go through use-cases: what else they may call of the services only looks.

A caller (a command, a verb of the program, the app) that called the function behind a
use-case, or one that no use-case has, would go past guard and record.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

from cucmsh import services
from cucmsh.services.usecase import UseCase

ROOT = Path(__file__).parents[2]
CALLERS = sorted(
    [
        *ROOT.glob("commands/*.py"),
        *ROOT.glob("cucmsh/cli/**/*.py"),
        *ROOT.glob("cucmsh/web/**/*.py"),
        ROOT / "cucmsh/app.py",
    ]
)
# Functions that change nothing on this node or elsewhere, by module.
LOOKING = {
    "accounts.kept": {"level_of", "read_accounts"},
    "accounts.own_password": {"require_own_password"},
    "accounts.admission": {"require_may_log_in"},
    "accounts.store": {"has_login", "read_level", "require_new_account"},
    "accounts.lockout": {"is_locked", "read_retry_count", "read_unlock_time"},
    "accounts.security_password": {"require_security_change"},
    "adoption.keys": {"read_key_file"},
    "adoption.material": {"gather"},
    "adoption.sources": {"digest_for", "read_sources"},
    "certificates.monitor_notice": {"monitor_notice"},
    "certificates.afterwards": {"afterwards"},
    "certificates.bulk": {"bulk_kinds", "bulk_kinds_of"},
    "certificates.imports": {"check_own", "require_request"},
    "certificates.own": {"own_units", "require_unit", "trusted_names", "trusts"},
    "certificates.requests": {"request_names", "require_signed_by_others"},
    "certificates.trust_store": {"require_trust"},
    "certificates.regenerate": {
        *("require_no_hold", "state_of_trust", "what_follows"),
    },
    "file_span": {"read_abstime", "read_reltime"},
    "files": {"missing_folder", "paths"},
    "seats": {"most_sessions", "read_limit"},
    "idle": {"idle_minutes", "read_minutes"},
    "lists.foreign": {"how_to_compose"},
    "lists.own_list": {"foreign_list"},
    "lists.verify_file": {"inspect"},
    "lists.verify_table": {"held_at", "inspect_all", "is_one"},
    "phones.after_change": {"phone_action", "units_changed"},
    "phones.takers": {"given_list"},
    "phones.preview": {
        "locked_out",
        "locked_out_by_reset",
        "saved_key",
        "saved_keys",
    },
    "lists.replica_records": {"whose"},
    "lists.phone_files": {"choose", "named"},
    "nodes.account": {"become_owner", "owner_of"},
    "nodes.health.finding": {"exit_status", "has_failed"},
    "nodes.health.isolation": {"require_isolation"},
    "nodes.health.keyless": {"is_lab_of_root"},
    "nodes.health.logins": {"examine_ground", "examine_logins"},
    "nodes.init": {"plan_init"},
    "nodes.rename": {"look_at_rename"},
    "nodes.service_control": {"services_of"},
    "nodes.password_policy": {"require_ccm", "require_strong"},
    "phones.holders": {"holder_lines"},
    "phones.inventory": {"phone_state"},
    "records.open_work": {"login_notice"},
    "records.rename_journal": {"open_renames"},
    "records.waiting": {"open_waiting"},
    "records.state": {"serves_published"},
    "recovery.backup": {"estimate"},
    "recovery.devices": {"device_names", "read_devices", "require_addable"},
    "recovery.jobs": {"is_running", "read_jobs"},
    "recovery.plans": {"read_schedules", "read_time"},
    "recovery.schedule": {"schedule_names"},
    "tvs.way": {"cut_off_without"},
    "usecase": {"require_access"},
}
# Those that change something, and why no use-case stands before them.
EXCEPTIONS = {
    "seats": {"seated"},  # a locked file that ends with the session
    # The rest of a change that was decided, and recorded, before a kill.
    "records.as_one": {"finish_alone", "finish_restore"},
    "lists.tftp_start": {"keep"},  # the rest of `hook tftp-start`, where that failed
    "records.crash_log": {"crash_recorder"},  # writes to the crash log
}


def called_functions() -> set[tuple[str, str]]:
    """Module and name of each plain function of the services that a caller uses."""
    found = set()
    for path in CALLERS:
        for value in used_of_services(ast.parse(path.read_text())):
            if not isinstance(value, UseCase) and inspect.isfunction(value):
                module = value.__module__.removeprefix("cucmsh.services.")
                found.add((module, value.__name__))
    return found


def used_of_services(tree: ast.Module) -> Iterator[object]:
    """What it imports from a module of the services, or asks the package for."""
    has_package = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "cucmsh"
        and any(alias.name == "services" for alias in node.names)
        for node in tree.body
    )
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module.startswith(
                "cucmsh.services."
            ):
                for alias in names:
                    yield getattr(importlib.import_module(module), alias.name)
            case ast.Attribute(value=ast.Name(id="services"), attr=name) if has_package:
                yield getattr(services, name)


def test_callers_change_something_by_use_cases_only() -> None:
    known = {
        (module, name)
        for table in (LOOKING, EXCEPTIONS)
        for module, names in table.items()
        for name in names
    }
    called = called_functions()
    assert called, "no caller calls anything: this test proves nothing"
    unknown = sorted(called - known)
    assert not unknown
    unused = sorted(known - called)
    assert not unused, "nobody calls these any more: take them out of the table"
