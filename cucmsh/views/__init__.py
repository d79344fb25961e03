"""Values to lines of text. Pure: no file, no clock, no terminal.

Lines come without their ends, and with whatever stands in the values: escaping control
characters is the business of the one function that writes to the terminal. The names
that commands use stand here, and come with their module when they are first asked for.
"""

from typing import TYPE_CHECKING

from cucmsh.late import late_names

if TYPE_CHECKING:
    from cucmsh.views.accounts import account_lines as account_lines
    from cucmsh.views.accounts import lockout_lines as lockout_lines
    from cucmsh.views.accounts import system_account_lines as system_account_lines
    from cucmsh.views.certificate import afterwards_lines as afterwards_lines
    from cucmsh.views.certificate import bulk_lines as bulk_lines
    from cucmsh.views.certificate import certificate_lines as certificate_lines
    from cucmsh.views.certificate import certificate_rows as certificate_rows
    from cucmsh.views.certificate import import_lines as import_lines
    from cucmsh.views.certificate import regeneration_text as regeneration_text
    from cucmsh.views.certificate import regeneration_warning as regeneration_warning
    from cucmsh.views.certificate import request_lines as request_lines
    from cucmsh.views.certificate import trusted_rows as trusted_rows
    from cucmsh.views.certificate_documents import bulk_document as bulk_document
    from cucmsh.views.certificate_documents import (
        certificate_document as certificate_document,
    )
    from cucmsh.views.certificate_documents import (
        certificate_shown_document as certificate_shown_document,
    )
    from cucmsh.views.certificate_documents import (
        certificates_document as certificates_document,
    )
    from cucmsh.views.certificate_documents import imports_document as imports_document
    from cucmsh.views.certificate_documents import (
        known_certificates_document as known_certificates_document,
    )
    from cucmsh.views.certificate_documents import request_document as request_document
    from cucmsh.views.certificate_documents import trusted_document as trusted_document
    from cucmsh.views.change_documents import listing_document as listing_document
    from cucmsh.views.change_documents import (
        regenerated_document as regenerated_document,
    )
    from cucmsh.views.change_documents import release_document as release_document
    from cucmsh.views.change_documents import sent_document as sent_document
    from cucmsh.views.change_documents import sent_logs_document as sent_logs_document
    from cucmsh.views.change_documents import service_document as service_document
    from cucmsh.views.change_documents import signing_document as signing_document
    from cucmsh.views.change_documents import text_document as text_document
    from cucmsh.views.documents import Document as Document
    from cucmsh.views.documents import cluster_document as cluster_document
    from cucmsh.views.documents import list_document as list_document
    from cucmsh.views.documents import reset_document as reset_document
    from cucmsh.views.every_list import every_list_document as every_list_document
    from cucmsh.views.every_list import every_list_lines as every_list_lines
    from cucmsh.views.files import deleted_document as deleted_document
    from cucmsh.views.files import detailed_document as detailed_document
    from cucmsh.views.files import detailed_lines as detailed_lines
    from cucmsh.views.files import listing_lines as listing_lines
    from cucmsh.views.files import search_document as search_document
    from cucmsh.views.files import search_lines as search_lines
    from cucmsh.views.files import tail_document as tail_document
    from cucmsh.views.give_up import give_up_lines as give_up_lines
    from cucmsh.views.passwords import (
        security_password_document as security_password_document,
    )
    from cucmsh.views.passwords import (
        security_password_lines as security_password_lines,
    )
    from cucmsh.views.phone_resets import open_resets_line as open_resets_line
    from cucmsh.views.phone_resets import phone_reset_document as phone_reset_document
    from cucmsh.views.phone_resets import phone_reset_lines as phone_reset_lines
    from cucmsh.views.phone_resets import phone_reset_progress as phone_reset_progress
    from cucmsh.views.phones import itl_words as itl_words
    from cucmsh.views.phones import phone_history_document as phone_history_document
    from cucmsh.views.phones import phones_csv as phones_csv
    from cucmsh.views.phones import phones_document as phones_document
    from cucmsh.views.phones import phones_lines as phones_lines
    from cucmsh.views.preview import lock_out_lines as lock_out_lines
    from cucmsh.views.preview import preview_document as preview_document
    from cucmsh.views.preview import preview_lines as preview_lines
    from cucmsh.views.recovery import backup_lines as backup_lines
    from cucmsh.views.recovery import device_document as device_document
    from cucmsh.views.recovery import device_lines as device_lines
    from cucmsh.views.recovery import history_lines as history_lines
    from cucmsh.views.recovery import job_document as job_document
    from cucmsh.views.recovery import job_lines as job_lines
    from cucmsh.views.recovery import prepared_lines as prepared_lines
    from cucmsh.views.recovery import schedule_document as schedule_document
    from cucmsh.views.recovery import schedule_lines as schedule_lines
    from cucmsh.views.recovery import set_document as set_document
    from cucmsh.views.recovery import set_lines as set_lines
    from cucmsh.views.releases import (
        release_changed_document as release_changed_document,
    )
    from cucmsh.views.releases import release_changed_lines as release_changed_lines
    from cucmsh.views.releases import (
        release_preview_document as release_preview_document,
    )
    from cucmsh.views.releases import release_preview_lines as release_preview_lines
    from cucmsh.views.rename import renamed_document as renamed_document
    from cucmsh.views.rename import renamed_lines as renamed_lines
    from cucmsh.views.rename import yours_to_do_lines as yours_to_do_lines
    from cucmsh.views.report import delivery_lines as delivery_lines
    from cucmsh.views.report import mismatch_lines as mismatch_lines
    from cucmsh.views.report import report_lines as report_lines
    from cucmsh.views.services import service_list_lines as service_list_lines
    from cucmsh.views.services import services_document as services_document
    from cucmsh.views.signing import pending_lines as pending_lines
    from cucmsh.views.signing import replica_lines as replica_lines
    from cucmsh.views.signing import signing_lines as signing_lines
    from cucmsh.views.status import hold_document as hold_document
    from cucmsh.views.status import hold_lines as hold_lines
    from cucmsh.views.status import status_document as status_document
    from cucmsh.views.status import status_lines as status_lines
    from cucmsh.views.times_and_sizes import format_time as format_time
    from cucmsh.views.times_and_sizes import kilobytes as kilobytes
    from cucmsh.views.times_and_sizes import login_date as login_date
    from cucmsh.views.trust_list import show_trust_list as show_trust_list
    from cucmsh.views.trust_map import sha1_of as sha1_of
    from cucmsh.views.trust_map import trust_map_document as trust_map_document

__getattr__ = late_names(
    __name__,
    {
        "cucmsh.views.certificate": (
            "afterwards_lines",
            "bulk_lines",
            "regeneration_text",
            "regeneration_warning",
            "certificate_lines",
            "certificate_rows",
            "import_lines",
            "request_lines",
            "trusted_rows",
        ),
        "cucmsh.views.accounts": (
            "account_lines",
            "lockout_lines",
            "system_account_lines",
        ),
        "cucmsh.views.change_documents": (
            "listing_document",
            "regenerated_document",
            "release_document",
            "sent_document",
            "sent_logs_document",
            "service_document",
            "signing_document",
            "text_document",
        ),
        "cucmsh.views.certificate_documents": (
            "certificate_document",
            "known_certificates_document",
            "bulk_document",
            "certificate_shown_document",
            "certificates_document",
            "imports_document",
            "request_document",
            "trusted_document",
        ),
        "cucmsh.views.documents": (
            "Document",
            "cluster_document",
            "list_document",
            "reset_document",
        ),
        "cucmsh.views.every_list": ("every_list_document", "every_list_lines"),
        "cucmsh.views.files": (
            "deleted_document",
            "detailed_document",
            "detailed_lines",
            "listing_lines",
            "search_document",
            "search_lines",
            "tail_document",
        ),
        "cucmsh.views.give_up": ("give_up_lines",),
        "cucmsh.views.passwords": (
            "security_password_document",
            "security_password_lines",
        ),
        "cucmsh.views.phone_resets": (
            "open_resets_line",
            "phone_reset_document",
            "phone_reset_lines",
            "phone_reset_progress",
        ),
        "cucmsh.views.preview": (
            "lock_out_lines",
            "preview_document",
            "preview_lines",
        ),
        "cucmsh.views.phones": (
            "itl_words",
            "phone_history_document",
            "phones_csv",
            "phones_document",
            "phones_lines",
        ),
        "cucmsh.views.releases": (
            "release_changed_document",
            "release_changed_lines",
            "release_preview_document",
            "release_preview_lines",
        ),
        "cucmsh.views.rename": (
            "renamed_document",
            "renamed_lines",
            "yours_to_do_lines",
        ),
        "cucmsh.views.report": ("delivery_lines", "mismatch_lines", "report_lines"),
        "cucmsh.views.services": ("service_list_lines", "services_document"),
        "cucmsh.views.signing": ("pending_lines", "replica_lines", "signing_lines"),
        "cucmsh.views.status": (
            "hold_document",
            "hold_lines",
            "status_document",
            "status_lines",
        ),
        "cucmsh.views.times_and_sizes": ("format_time", "kilobytes", "login_date"),
        "cucmsh.views.trust_list": ("show_trust_list",),
        "cucmsh.views.trust_map": ("sha1_of", "trust_map_document"),
        "cucmsh.views.recovery": (
            "backup_lines",
            "device_lines",
            "schedule_document",
            "prepared_lines",
            "device_document",
            "history_lines",
            "job_document",
            "job_lines",
            "schedule_lines",
            "set_lines",
            "set_document",
        ),
    },
)
