"""Use-cases of a node: plan, then apply. No terminal, no view, no library.

Collaborators come in as arguments (``site``); every change is read back before it is
reported. What a node keeps on disk is in docs/architecture.md#a-node-on-disk. The names
that commands call stand here, and the module of each is imported when it is first asked
for: a session that shows a version imports no reset (docs/performance.md row 4).
"""

from typing import TYPE_CHECKING

from cucmsh.late import late_names

if TYPE_CHECKING:
    from cucmsh.phones.service_control import PhoneAction as PhoneAction
    from cucmsh.services.accounts.ccm_password import (
        set_ccm_password as set_ccm_password,
    )
    from cucmsh.services.accounts.lockout import LockoutPolicy as LockoutPolicy
    from cucmsh.services.accounts.lockout import read_retry_count as read_retry_count
    from cucmsh.services.accounts.lockout import read_unlock_time as read_unlock_time
    from cucmsh.services.accounts.lockout import set_policy as set_policy
    from cucmsh.services.accounts.lockout import show_policy as show_policy
    from cucmsh.services.accounts.own_password import (
        require_own_password as require_own_password,
    )
    from cucmsh.services.accounts.own_password import (
        set_own_password as set_own_password,
    )
    from cucmsh.services.accounts.security_password import (
        require_security_change as require_security_change,
    )
    from cucmsh.services.accounts.security_password import (
        set_security_password as set_security_password,
    )
    from cucmsh.services.accounts.store import create_account as create_account
    from cucmsh.services.accounts.store import delete_account as delete_account
    from cucmsh.services.accounts.store import has_login as has_login
    from cucmsh.services.accounts.store import read_level as read_level
    from cucmsh.services.accounts.store import (
        require_new_account as require_new_account,
    )
    from cucmsh.services.accounts.store import (
        set_account_enabled as set_account_enabled,
    )
    from cucmsh.services.accounts.store import show_accounts as show_accounts
    from cucmsh.services.caller import Privilege as Privilege
    from cucmsh.services.certificates.afterwards import afterwards as afterwards
    from cucmsh.services.certificates.bulk import BulkCertificates as BulkCertificates
    from cucmsh.services.certificates.bulk import Exported as Exported
    from cucmsh.services.certificates.bulk import bulk_kinds as bulk_kinds
    from cucmsh.services.certificates.bulk import bulk_kinds_of as bulk_kinds_of
    from cucmsh.services.certificates.bulk import consolidate_bulk as consolidate_bulk
    from cucmsh.services.certificates.bulk import export_bulk as export_bulk
    from cucmsh.services.certificates.bulk import import_bulk as import_bulk
    from cucmsh.services.certificates.every_certificate import (
        KnownCertificate as KnownCertificate,
    )
    from cucmsh.services.certificates.every_certificate import (
        every_certificate as every_certificate,
    )
    from cucmsh.services.certificates.hold import Hold as Hold
    from cucmsh.services.certificates.hold import present_hold as present_hold
    from cucmsh.services.certificates.imports import Imports as Imports
    from cucmsh.services.certificates.imports import check_own as check_own
    from cucmsh.services.certificates.imports import delete_trusted as delete_trusted
    from cucmsh.services.certificates.imports import import_own as import_own
    from cucmsh.services.certificates.imports import import_trusted as import_trusted
    from cucmsh.services.certificates.imports import require_request as require_request
    from cucmsh.services.certificates.keystore import ImportedKey as ImportedKey
    from cucmsh.services.certificates.own import own_certificate as own_certificate
    from cucmsh.services.certificates.own import own_certificates as own_certificates
    from cucmsh.services.certificates.own import own_units as own_units
    from cucmsh.services.certificates.own import require_unit as require_unit
    from cucmsh.services.certificates.own import (
        trusted_certificate as trusted_certificate,
    )
    from cucmsh.services.certificates.own import (
        trusted_certificates as trusted_certificates,
    )
    from cucmsh.services.certificates.own import trusted_names as trusted_names
    from cucmsh.services.certificates.own import trusts as trusts
    from cucmsh.services.certificates.regenerate import regenerate as regenerate
    from cucmsh.services.certificates.regenerate import (
        require_no_hold as require_no_hold,
    )
    from cucmsh.services.certificates.regenerate import state_of_trust as state_of_trust
    from cucmsh.services.certificates.regenerate import what_follows as what_follows
    from cucmsh.services.certificates.requests import (
        generate_request as generate_request,
    )
    from cucmsh.services.certificates.requests import open_requests as open_requests
    from cucmsh.services.certificates.requests import own_request as own_request
    from cucmsh.services.certificates.requests import request_names as request_names
    from cucmsh.services.certificates.requests import (
        require_signed_by_others as require_signed_by_others,
    )
    from cucmsh.services.certificates.trust_store import require_trust as require_trust
    from cucmsh.services.file_delete import delete_files as delete_files
    from cucmsh.services.file_search import Search as Search
    from cucmsh.services.file_search import Tail as Tail
    from cucmsh.services.file_search import search_files as search_files
    from cucmsh.services.file_search import tail_file as tail_file
    from cucmsh.services.file_span import TIME_FORM as TIME_FORM
    from cucmsh.services.file_span import TIME_UNITS as TIME_UNITS
    from cucmsh.services.file_span import Span as Span
    from cucmsh.services.file_span import read_abstime as read_abstime
    from cucmsh.services.file_span import read_reltime as read_reltime
    from cucmsh.services.files import Destination as Destination
    from cucmsh.services.files import Entry as Entry
    from cucmsh.services.files import get_file as get_file
    from cucmsh.services.files import get_logs as get_logs
    from cucmsh.services.files import list_files as list_files
    from cucmsh.services.files import list_in_detail as list_in_detail
    from cucmsh.services.files import missing_folder as missing_folder
    from cucmsh.services.files import paths as paths
    from cucmsh.services.files import read_log as read_log
    from cucmsh.services.files import read_text as read_text
    from cucmsh.services.idle import idle_minutes as idle_minutes
    from cucmsh.services.idle import read_minutes as read_minutes
    from cucmsh.services.idle import set_idle_minutes as set_idle_minutes
    from cucmsh.services.lists.every_list import ListOnNode as ListOnNode
    from cucmsh.services.lists.every_list import ListState as ListState
    from cucmsh.services.lists.every_list import every_list as every_list
    from cucmsh.services.lists.foreign import ForeignList as ForeignList
    from cucmsh.services.lists.foreign import how_to_compose as how_to_compose
    from cucmsh.services.lists.give_up_phones import GiveUpPlan as GiveUpPlan
    from cucmsh.services.lists.give_up_phones import release_trust as release_trust
    from cucmsh.services.lists.locate_nodes import NodeStatus as NodeStatus
    from cucmsh.services.lists.own_list import foreign_list as foreign_list
    from cucmsh.services.lists.phone_files import Choice as Choice
    from cucmsh.services.lists.phone_files import choose as choose
    from cucmsh.services.lists.plan_reset import ResetPlan as ResetPlan
    from cucmsh.services.lists.run_reset import ResetDone as ResetDone
    from cucmsh.services.lists.run_reset import (
        reset_with_local_key as reset_with_local_key,
    )
    from cucmsh.services.lists.run_reset import (
        reset_with_saved_key as reset_with_saved_key,
    )
    from cucmsh.services.lists.show_ctl import show_ctl as show_ctl
    from cucmsh.services.lists.show_list import HeldList as HeldList
    from cucmsh.services.lists.show_list import find_mismatches as find_mismatches
    from cucmsh.services.lists.show_list import show_list as show_list
    from cucmsh.services.lists.sign_and_bring import sign_and_bring as sign_and_bring
    from cucmsh.services.lists.sign_files import SignReport as SignReport
    from cucmsh.services.nodes.health.node_status import reach_each as reach_each
    from cucmsh.services.nodes.rename import LookedAt as LookedAt
    from cucmsh.services.nodes.rename import Renamed as Renamed
    from cucmsh.services.nodes.rename import RenameStep as RenameStep
    from cucmsh.services.nodes.rename import look_at_rename as look_at_rename
    from cucmsh.services.nodes.rename import set_domain as set_domain
    from cucmsh.services.nodes.rename import set_host_name as set_host_name
    from cucmsh.services.nodes.service_control import Start as Start
    from cucmsh.services.nodes.service_control import restart_service as restart_service
    from cucmsh.services.nodes.service_control import services_of as services_of
    from cucmsh.services.nodes.service_control import start_service as start_service
    from cucmsh.services.nodes.service_control import stop_service as stop_service
    from cucmsh.services.nodes.service_list import ServiceList as ServiceList
    from cucmsh.services.nodes.service_list import list_services as list_services
    from cucmsh.services.nodes.system_status import SystemStatus as SystemStatus
    from cucmsh.services.nodes.system_status import system_status as system_status
    from cucmsh.services.outcome import NodeOutcome as NodeOutcome
    from cucmsh.services.outcome import Progress as Progress
    from cucmsh.services.outcome import Step as Step
    from cucmsh.services.phones.after_change import phone_action as phone_action
    from cucmsh.services.phones.after_change import settle_change as settle_change
    from cucmsh.services.phones.after_change import units_changed as units_changed
    from cucmsh.services.phones.holders import holder_lines as holder_lines
    from cucmsh.services.phones.inventory import PhoneShown as PhoneShown
    from cucmsh.services.phones.inventory import PhonesShown as PhonesShown
    from cucmsh.services.phones.inventory import one_phone as one_phone
    from cucmsh.services.phones.inventory import phone_state as phone_state
    from cucmsh.services.phones.inventory import phones_by_state as phones_by_state
    from cucmsh.services.phones.preview import SavedKey as SavedKey
    from cucmsh.services.phones.preview import locked_out as locked_out
    from cucmsh.services.phones.preview import (
        locked_out_by_reset as locked_out_by_reset,
    )
    from cucmsh.services.phones.preview import preview as preview
    from cucmsh.services.phones.preview import saved_key as saved_key
    from cucmsh.services.phones.preview import saved_keys as saved_keys
    from cucmsh.services.phones.reset_journal import OpenResets as OpenResets
    from cucmsh.services.phones.resets import PhoneResets as PhoneResets
    from cucmsh.services.phones.resets import reset_phones as reset_phones
    from cucmsh.services.phones.takers import Holders as Holders
    from cucmsh.services.phones.takers import Way as Way
    from cucmsh.services.phones.trust_map import MappedList as MappedList
    from cucmsh.services.phones.trust_map import TrustMap as TrustMap
    from cucmsh.services.phones.trust_map import trust_map as trust_map
    from cucmsh.services.records.rename_journal import open_renames as open_renames
    from cucmsh.services.records.seen_alarms import SeenAlarm as SeenAlarm
    from cucmsh.services.records.seen_alarms import seen_alarms as seen_alarms
    from cucmsh.services.records.seen_audit import SeenAudit as SeenAudit
    from cucmsh.services.records.seen_audit import seen_audit as seen_audit
    from cucmsh.services.records.waiting import open_waiting as open_waiting
    from cucmsh.services.records.work import Work as Work
    from cucmsh.services.recovery.backup import back_up as back_up
    from cucmsh.services.recovery.backup import cancel_backup as cancel_backup
    from cucmsh.services.recovery.backup import estimate as estimate
    from cucmsh.services.recovery.devices import Device as Device
    from cucmsh.services.recovery.devices import add_device as add_device
    from cucmsh.services.recovery.devices import delete_device as delete_device
    from cucmsh.services.recovery.devices import device_names as device_names
    from cucmsh.services.recovery.devices import read_devices as read_devices
    from cucmsh.services.recovery.devices import require_addable as require_addable
    from cucmsh.services.recovery.jobs import Job as Job
    from cucmsh.services.recovery.jobs import Kind as Kind
    from cucmsh.services.recovery.jobs import is_running as is_running
    from cucmsh.services.recovery.jobs import read_jobs as read_jobs
    from cucmsh.services.recovery.member import (
        prepare_from_subscriber as prepare_from_subscriber,
    )
    from cucmsh.services.recovery.plans import Repeat as Repeat
    from cucmsh.services.recovery.plans import Schedule as Schedule
    from cucmsh.services.recovery.plans import read_schedules as read_schedules
    from cucmsh.services.recovery.plans import read_time as read_time
    from cucmsh.services.recovery.restore import restore as restore
    from cucmsh.services.recovery.schedule import add_schedule as add_schedule
    from cucmsh.services.recovery.schedule import change_schedule as change_schedule
    from cucmsh.services.recovery.schedule import schedule_names as schedule_names
    from cucmsh.services.recovery.sets import find_sets as find_sets
    from cucmsh.services.releases.change import ReleaseChanged as ReleaseChanged
    from cucmsh.services.releases.change import set_release as set_release
    from cucmsh.services.releases.preview import ReleasePreview as ReleasePreview
    from cucmsh.services.releases.preview import preview_release as preview_release
    from cucmsh.services.seats import most_sessions as most_sessions
    from cucmsh.services.seats import read_limit as read_limit
    from cucmsh.services.seats import set_most_sessions as set_most_sessions
    from cucmsh.services.tvs.tls_minimum import set_tls_minimum as set_tls_minimum
    from cucmsh.services.tvs.tls_minimum import tls_minimum as tls_minimum
    from cucmsh.services.tvs.way import cut_off_without as cut_off_without

__getattr__ = late_names(
    __name__,
    {
        "cucmsh.services.certificates.every_certificate": (
            "KnownCertificate",
            "every_certificate",
        ),
        "cucmsh.services.certificates.hold": ("Hold", "present_hold"),
        "cucmsh.services.accounts.ccm_password": ("set_ccm_password",),
        "cucmsh.services.accounts.own_password": (
            "require_own_password",
            "set_own_password",
        ),
        "cucmsh.services.accounts.store": (
            "create_account",
            "delete_account",
            "has_login",
            "read_level",
            "require_new_account",
            "set_account_enabled",
            "show_accounts",
        ),
        "cucmsh.services.caller": ("Privilege",),
        "cucmsh.services.accounts.lockout": (
            "LockoutPolicy",
            "read_retry_count",
            "read_unlock_time",
            "set_policy",
            "show_policy",
        ),
        "cucmsh.services.accounts.security_password": (
            "require_security_change",
            "set_security_password",
        ),
        "cucmsh.services.certificates.afterwards": ("afterwards",),
        "cucmsh.services.certificates.bulk": (
            "BulkCertificates",
            "Exported",
            "bulk_kinds",
            "bulk_kinds_of",
            "consolidate_bulk",
            "export_bulk",
            "import_bulk",
        ),
        "cucmsh.services.certificates.imports": (
            "Imports",
            "check_own",
            "delete_trusted",
            "import_own",
            "import_trusted",
            "require_request",
        ),
        "cucmsh.services.certificates.trust_store": ("require_trust",),
        "cucmsh.services.certificates.requests": (
            "generate_request",
            "open_requests",
            "own_request",
            "request_names",
            "require_signed_by_others",
        ),
        "cucmsh.services.certificates.keystore": ("ImportedKey",),
        "cucmsh.services.certificates.own": (
            "own_certificate",
            "own_certificates",
            "own_units",
            "require_unit",
            "trusted_certificate",
            "trusted_certificates",
            "trusted_names",
            "trusts",
        ),
        "cucmsh.services.certificates.regenerate": (
            "regenerate",
            "require_no_hold",
            "state_of_trust",
            "what_follows",
        ),
        "cucmsh.services.file_delete": ("delete_files",),
        "cucmsh.services.file_search": (
            "Search",
            "Tail",
            "search_files",
            "tail_file",
        ),
        "cucmsh.services.file_span": (
            "TIME_FORM",
            "TIME_UNITS",
            "Span",
            "read_abstime",
            "read_reltime",
        ),
        "cucmsh.services.files": (
            "Destination",
            "Entry",
            "get_file",
            "get_logs",
            "list_files",
            "list_in_detail",
            "missing_folder",
            "paths",
            "read_log",
            "read_text",
        ),
        "cucmsh.services.idle": ("idle_minutes", "read_minutes", "set_idle_minutes"),
        "cucmsh.services.lists.every_list": ("ListOnNode", "ListState", "every_list"),
        "cucmsh.services.lists.show_ctl": ("show_ctl",),
        "cucmsh.services.lists.show_list": (
            "HeldList",
            "find_mismatches",
            "show_list",
        ),
        "cucmsh.services.lists.phone_files": ("Choice", "choose"),
        "cucmsh.services.lists.sign_and_bring": ("sign_and_bring",),
        "cucmsh.services.lists.plan_reset": ("ResetPlan",),
        "cucmsh.services.lists.run_reset": (
            "ResetDone",
            "reset_with_local_key",
            "reset_with_saved_key",
        ),
        "cucmsh.services.lists.sign_files": ("SignReport",),
        "cucmsh.services.lists.locate_nodes": ("NodeStatus",),
        "cucmsh.services.lists.foreign": ("ForeignList", "how_to_compose"),
        "cucmsh.services.lists.own_list": ("foreign_list",),
        "cucmsh.services.lists.give_up_phones": ("GiveUpPlan", "release_trust"),
        "cucmsh.services.nodes.health.node_status": ("reach_each",),
        "cucmsh.services.nodes.rename": (
            "LookedAt",
            "Renamed",
            "RenameStep",
            "look_at_rename",
            "set_domain",
            "set_host_name",
        ),
        "cucmsh.services.nodes.service_control": (
            "Start",
            "restart_service",
            "services_of",
            "start_service",
            "stop_service",
        ),
        "cucmsh.services.nodes.system_status": ("SystemStatus", "system_status"),
        "cucmsh.services.nodes.service_list": ("ServiceList", "list_services"),
        "cucmsh.services.outcome": ("NodeOutcome", "Progress", "Step"),
        "cucmsh.services.phones.after_change": (
            "phone_action",
            "settle_change",
            "units_changed",
        ),
        "cucmsh.services.phones.holders": ("holder_lines",),
        "cucmsh.services.phones.inventory": (
            "PhoneShown",
            "PhonesShown",
            "one_phone",
            "phone_state",
            "phones_by_state",
        ),
        "cucmsh.services.phones.reset_journal": ("OpenResets",),
        "cucmsh.services.phones.resets": ("PhoneResets", "reset_phones"),
        "cucmsh.phones.service_control": ("PhoneAction",),
        "cucmsh.services.phones.preview": (
            "SavedKey",
            "locked_out",
            "locked_out_by_reset",
            "preview",
            "saved_key",
            "saved_keys",
        ),
        "cucmsh.services.phones.takers": ("Holders", "Way"),
        "cucmsh.services.phones.trust_map": ("MappedList", "TrustMap", "trust_map"),
        "cucmsh.services.releases.change": ("ReleaseChanged", "set_release"),
        "cucmsh.services.releases.preview": ("ReleasePreview", "preview_release"),
        "cucmsh.services.seats": (
            "most_sessions",
            "read_limit",
            "set_most_sessions",
        ),
        "cucmsh.services.records.seen_alarms": ("SeenAlarm", "seen_alarms"),
        "cucmsh.services.records.seen_audit": ("SeenAudit", "seen_audit"),
        "cucmsh.services.records.rename_journal": ("open_renames",),
        "cucmsh.services.records.waiting": ("open_waiting",),
        "cucmsh.services.records.work": ("Work",),
        "cucmsh.services.tvs.tls_minimum": (
            "set_tls_minimum",
            "tls_minimum",
        ),
        "cucmsh.services.tvs.way": ("cut_off_without",),
        "cucmsh.services.recovery.backup": ("back_up", "cancel_backup", "estimate"),
        "cucmsh.services.recovery.devices": (
            "Device",
            "add_device",
            "delete_device",
            "device_names",
            "read_devices",
            "require_addable",
        ),
        "cucmsh.services.recovery.jobs": ("Job", "Kind", "is_running", "read_jobs"),
        "cucmsh.services.recovery.member": ("prepare_from_subscriber",),
        "cucmsh.services.recovery.plans": (
            "Repeat",
            "Schedule",
            "read_schedules",
            "read_time",
        ),
        "cucmsh.services.recovery.restore": ("restore",),
        "cucmsh.services.recovery.schedule": (
            "add_schedule",
            "change_schedule",
            "schedule_names",
        ),
        "cucmsh.services.recovery.sets": ("find_sets",),
    },
)
