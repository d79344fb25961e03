"""The catalogue of alarms: what the original tells, in its words. Values, no more.

``services.records.alarms.tell`` tells one. Names, severities and texts of UC_CERT are
those of the catalogues of 12.5, 14 and 15; a real line has no full stop that the
catalogue adds, nor the blank before it (docs/formats.md#ciscolog). Which texts of
others are ours, docs/cli.md#differences-from-the-original says.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.events import Severity

EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFORMATIONAL, _ = Severity
MONITOR = "Cisco Certificate Monitor"
TVS = "Cisco Trust Verification Service"
SERVICE_MANAGER = "Cisco Service Manager"
LOGIN = "Cisco CLI"
DRF = "Cisco DRF Master Agent"
MESSAGE, SERVICE, REASON = ("Message",), ("ServiceName", "ProcessID"), ("Reason",)
RENEW = "Regenerate the certificate, or import a new one, and see which phones take it."


class Alarm(NamedTuple):
    """One kind of alarm.

    Attributes:
        application: which tells it, such as ``UC_CERT``.
        severity: how bad it is.
        name: of the alarm, ``ITLRecoveryCertBackup``.
        app_id: the service that tells it, ``Cisco Certificate Monitor``.
        tags: names of its parameters, before AppID, ClusterID and NodeID.
        text: what stands behind the tags.
        action: what an administrator should do; empty if nothing.
    """

    application: str
    severity: Severity
    name: str
    app_id: str
    tags: tuple[str, ...]
    text: str
    action: str = ""


def _certificate(severity: Severity, name: str, text: str, action: str) -> Alarm:
    return Alarm("UC_CERT", severity, name, MONITOR, MESSAGE, text, action)


def _recovery(severity: Severity, name: str, text: str, action: str = "") -> Alarm:
    return Alarm("UC_DRF", severity, name, DRF, REASON, text, action)


# --- Certificates, in the order in which they come as the end draws near.

CERT_EXPIRY_APPROACHING = _certificate(
    INFORMATIONAL,
    "CertExpiryApproaching",
    "Information Alarm that Indicates a Certificate Validity Period is approaching and "
    "the expiry date is within the notification window configured",
    RENEW,
)
CERT_VALIDITY_OVER_30_DAYS = _certificate(
    NOTICE,
    "CertValidityOver30Days",
    "Alarm to Indicate certificate to Expiry is approaching but expiry date is more "
    "than 30 days",
    RENEW,
)
CERT_VALID_LESS_THAN_A_MONTH = _certificate(
    WARNING,
    "CertValidLessThanMonth",
    "Alarm that indicates Certificate Expire in 30 days or lesser",
    RENEW,
)
CERT_VALID_FOR_7_DAYS = _certificate(
    CRITICAL,
    "CertValidfor7days",
    "Alarm to indicate that Certificate has Expired or Expires in less than seven days",
    RENEW,
)
CERT_VALID_LESS_THAN_A_DAY = _certificate(
    ALERT,
    "CertValidLessthanADay",  # with a small t, as the original has it
    "Certificate is about to Expire in less than 24 hours or has Expired",
    RENEW,
)
CERT_EXPIRED = _certificate(
    EMERGENCY,
    "CertExpired",
    "Certificate has Expired and needs to be changed at the earliest",
    RENEW,
)
# What is told is its parameter and its text.
NO_RECOVERY_BACKUP = (
    "This cluster has an ITLRecovery certificate that has not been backed up. Taking a "
    "manual backup of this certificate is recommended to avoid the need to manually "
    "delete the ITL file from every phone in the cluster after certain cluster "
    "reconfiguration operations."
)
ITL_RECOVERY_CERT_BACKUP = _certificate(
    WARNING,
    "ITLRecoveryCertBackup",
    NO_RECOVERY_BACKUP,
    "Save the key file: file get tftp ITLRecovery.p12",
)
CERTIFICATE_REVOKED = _certificate(
    EMERGENCY, "CertificateRevoked", "Certificate is revoked", RENEW
)
CERTIFICATE_REVOCATION_STATUS_BY_OCSP = _certificate(
    WARNING,
    "CertificateRevokationStatusByOCSP",  # as the original spells it
    "The revocation status of a certificate was not learnt by OCSP",
    "See whether the OCSP responder answers.",
)
TOMCAT_CERT_REGENERATED = _certificate(
    CRITICAL,
    "TomcatCertRegen",
    "The tomcat certificate was regenerated",
    "Restart Cisco Tomcat: utils service restart Cisco Tomcat",
)

# --- Trust lists. The same name twice, of two applications.

ITL_FILE_REGENERATED_TFTP = Alarm(
    "UC_TFTP",
    NOTICE,
    "ITLFileRegenerated",
    "Cisco Tftp",
    (),
    "ITL file regeneration",
)
ITL_FILE_REGENERATED_TVS = Alarm(
    "UC_TVS",
    INFORMATIONAL,
    "ITLFileRegenerated",
    TVS,
    (),
    "New ITL File has been generated.",
)
TVS_CERTIFICATE_REGENERATED = Alarm(
    "UC_TVS",
    INFORMATIONAL,
    "TVSCertificateRegenerated",
    TVS,
    (),
    "TVS Server certificate has been regenerated; TVS server will automatically be "
    "restarted",
)
# The last tag is left out where the phone reports a success without a number.
DEVICE_TL_INFO = Alarm(
    "UC_PHONE",
    INFORMATIONAL,
    "DeviceTLInfo",
    "Cisco CallManager",
    (
        "DeviceName",
        "IPv4Address",
        "IPv6Address",
        "CTL_Signature",
        "CTL_TFTP_Server",
        "ITL_Signature",
        "ITL_TFTP_Server",
        "StatusCode",
    ),
    "Trust list of a phone",
)

# --- Logins and passwords.

PLATFORM_ADMIN_ACCOUNT_LOCKED = Alarm(
    "UC_LOGIN",
    WARNING,
    "PlatformAdminAccountLocked",
    LOGIN,
    ("UserID", "UnlockTime", "FailedLoginCount"),
    "The account of a platform administrator is locked",
    "Wait until UnlockTime, and find out who tried the passwords.",
)
AUTHENTICATION_FAILED = Alarm(
    "UC_LOGIN",
    WARNING,
    "AuthenticationFailed",
    LOGIN,
    ("LoginFrom", "TimeStamp", "UserID", "Interface"),
    "Login Authentication failed",
    "Find out who tried a wrong password.",
)
AUTHENTICATION_SUCCEEDED = Alarm(
    "UC_LOGIN",
    INFORMATIONAL,
    "AuthenticationSucceeded",
    LOGIN,
    ("LoginFrom", "TimeStamp", "UserID", "Interface"),
    "Login Authentication succeeded",
)
ADMIN_PASSWORD = Alarm(
    "UC_IMS",
    INFORMATIONAL,
    "AdminPassword",
    LOGIN,
    ("UserID", "Status"),
    "Administrative password change",
)

# --- Services.

SERVICE_FAILED = Alarm(
    "UC_SERVICEMANAGER",
    CRITICAL,
    "ServiceFailed",
    SERVICE_MANAGER,
    ("ServiceName", *REASON),
    "Service terminated.",  # with a full stop, in a real line
    "See what the service wrote, and start it: utils service start NAME",
)
SERVICE_START_FAILED = Alarm(
    "UC_SERVICEMANAGER",
    CRITICAL,
    "ServiceStartFailed",
    SERVICE_MANAGER,
    ("ServiceName", *REASON),
    "Failed to start service",
    "See what the service wrote, and start it: utils service start NAME",
)
SERVICE_STARTED = Alarm(
    "UC_GENERIC",
    INFORMATIONAL,
    "ServiceStarted",
    SERVICE_MANAGER,
    SERVICE,
    "Service is now starting",
)
SERVICE_STOPPED = Alarm(
    "UC_GENERIC",
    INFORMATIONAL,
    "ServiceStopped",
    SERVICE_MANAGER,
    SERVICE,
    "Service is now stopped",
)
CLM_MSG_INT_CHK_ERROR = Alarm(
    "UC_CLUSTERMANAGER",
    ALERT,
    "CLM_MsgIntChkError",
    "Cisco Cluster Manager",
    ("NodeName",),
    "A node has another security password",
    "Give every node the same: set password user security",
)

# --- Disaster recovery. No page of ours shows these; names as administrators know them.

DRF_BACKUP_COMPLETED = _recovery(
    INFORMATIONAL, "DRFBackupCompleted", "DRF backup completed successfully"
)
DRF_RESTORE_COMPLETED = _recovery(
    INFORMATIONAL, "DRFRestoreCompleted", "DRF restore completed successfully"
)
DRF_BACKUP_FAILURE = _recovery(
    CRITICAL,
    "DRFBackupFailure",
    "DRF backup process has failed",
    "See: utils disaster_recovery status backup",
)
DRF_RESTORE_FAILURE = _recovery(
    CRITICAL,
    "DRFRestoreFailure",
    "DRF restore process has failed",
    "See: utils disaster_recovery status restore",
)
DRF_BACKUP_DEVICE_ERROR = _recovery(
    CRITICAL,
    "DRFBackupDeviceError",
    "DRF backup process is unable to access the backup device",
    "See that the server is up, and the device: utils disaster_recovery device list",
)
DRF_RESTORE_DEVICE_ERROR = _recovery(
    ERROR,
    "DRFRestoreDeviceError",
    "DRF restore process is unable to read from the device",
    "See that the server is up, and the device: utils disaster_recovery device list",
)
DRF_SFTP_FAILURE = _recovery(
    ERROR,
    "DRFSftpFailure",
    "DRF SFTP operation has failed",
    "See that the SFTP server is up, its disk is not full, and the account may write.",
)
DRF_NO_BACKUP_TAKEN = _recovery(
    WARNING,
    "DRFNoBackupTaken",
    "A valid backup of the current system was not found",
    "Make one: utils disaster_recovery backup network FEATURES DEVICE",
)
DRF_SCHEDULER_UPDATED = _recovery(
    INFORMATIONAL, "DRFSchedulerUpdated", "DRF scheduler updated"
)
DRF_SCHEDULER_DISABLED = _recovery(
    NOTICE,
    "DRFSchedulerDisabled",
    "DRF scheduler is disabled because no features are configured",
)
