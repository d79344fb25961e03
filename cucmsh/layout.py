"""Every name that cucmsh gives a file or folder, what lies there, and its mode.

Opens nothing. Paths are relative to the folder that the heading names, with ``/``;
modules take names from here and write none of their own (``tests/house`` holds that).
Files are 0600 and folders 0700 unless a line says otherwise.

A name on disk is a promise: homes of earlier versions have it, and an earlier version
that is installed again looks for it. So names are added here, and not changed.
"""

from __future__ import annotations

PUBLIC_MODE = 0o644  # certificates and the public half of the SSH key
SERVED_MODE = 0o644  # what TFTP serves: the TFTP service is another account
SERVED_FOLDER_MODE = 0o755
CONFIGURATION_MODE = 0o644  # it holds no secret; people and services read it

# --- This machine: where things are unless an option or the configuration says so.

DEFAULT_CONFIGURATION = "/etc/cucmsh/cucmsh.toml"
DEFAULT_HOME = "/var/lib/cucmsh"
DEFAULT_TFTP_DIRECTORY = "/srv/tftp"
LOGIN_PROGRAMS = "/usr/local/bin"  # the administrators' login program; root's
LOGIN_HOMES = "/var/lib/cucmsh-logins"  # the administrators' homes; root's
SSHD_DROP_IN = "/etc/ssh/sshd_config.d/00-cucmsh-{name}.conf"
SUDOERS = "/etc/sudoers.d/cucmsh"
UNIT_FOLDER = "/etc/systemd/system"
LIST_UNIT = "cucmsh-list.service"  # runs before the TFTP service
TVS_UNIT = "cucmsh-tvs.service"  # answers phones that do not know a signer
REPLICAS_UNIT = "cucmsh-replicas.service"  # runs after it, on a publisher
LOGS_UNIT = "cucmsh-phones-import.service"  # reads logs as they are written
LISTEN_UNIT = "cucmsh-phones-listen.service"  # takes HEP packets
POLL_UNIT = "cucmsh-phones-poll.service"  # asks phones for their pages, by its timer
POLL_TIMER = "cucmsh-phones-poll.timer"
MONITOR_UNIT = "cucmsh-monitor.service"  # runs the Certificate Monitor, by its timer
MONITOR_TIMER = "cucmsh-monitor.timer"
WEB_UNIT = "cucmsh-web.service"  # the administrator's page
BACKUP_UNIT = "cucmsh-backup.service"  # runs the backups that are due, by its timer
BACKUP_TIMER = "cucmsh-backup.timer"

# --- HOME (0700): keys.

SECURITY_FOLDER = "security"
SECRETS_FOLDER = "security/secrets"
SECURITY_PASSWORD = "security/secrets/security"  # noqa: S105 - a file name
# Where backup sets go: servers, accounts and their passwords, JSON.
BACKUP_DEVICES = "security/secrets/backup-devices"
CCM_VERIFIER = "security/secrets/ccm"  # scrypt verifier of the CCM Administrator's
# The new bytes of files that change as one, by number, while they are put in place
# (``services.records.as_one``): key files and their password, or what a restore brings.
NEXT_FOLDER = "security/secrets/next"
TRUST_FOLDER = "security/trust"  # certificates of the other members
# Certificates from elsewhere, PEM. The folder that one lies in says as what: TVS
# answers for those in Phone-SAST-trust, CallManager-trust, CAPF-trust and tomcat-trust;
# in TVS-trust and ipsec-trust are authorities of this node's own certificates.
IMPORTED_FOLDER = "security/imported"
# Recovery key files that somebody brought, for `utils itl preview remotekey NAME`.
BROUGHT_KEYS = "security/imported/ITLRecovery"
# Keys that came with lists of another tool: key and certificate of each, PEM.
ADOPTED_FOLDER = "security/adopted"
REQUEST = "request.pem"  # a key and the request for its certificate, in that folder
# Accounts of administrators: with a scrypt verifier each; and their wrong passwords.
ACCOUNTS_FOLDER = "security/accounts"
ACCOUNTS = "security/accounts/accounts"  # JSON
LOGIN_FAILURES = "security/accounts/failures"  # JSON
PAIR = "private.pem"  # a unit's key and certificate, in its folder; then .1, .2 ...
RECOVERY_NAME = "ITLRecovery.p12"  # also what the CLI calls it, as tftp/NAME
RECOVERY_FILE = f"security/ITLRecovery/{RECOVERY_NAME}"  # then .1, .2 ...


def unit_folder(unit: str) -> str:
    """Key and certificate of one of this node's own certificate units."""
    return f"{SECURITY_FOLDER}/{unit}"


def pair_file(unit: str) -> str:
    """The unit's private key and its certificate, PEM."""
    return f"{unit_folder(unit)}/{PAIR}"


def certificate_file(unit: str) -> str:
    """The unit's certificate, PEM, derived from the pair. PUBLIC_MODE."""
    return f"{unit_folder(unit)}/{unit}.pem"


def request_file(unit: str) -> str:
    """A key that waits for its certificate, with the request for it, PEM."""
    return f"{unit_folder(unit)}/{REQUEST}"


def imported_folder(trust: str) -> str:
    """The certificates from elsewhere of one trust, such as ``CallManager-trust``."""
    return f"{IMPORTED_FOLDER}/{trust}"


def imported_file(trust: str, name: str) -> str:
    """One of them, PEM. PUBLIC_MODE."""
    return f"{imported_folder(trust)}/{name}"


def removed_file(trust: str, name: str) -> str:
    """A copy of one that was deleted or replaced, PEM. PUBLIC_MODE."""
    return f"{EARLIER}/{trust}/{name}"


def adopted_file(sha256: str) -> str:
    """An adopted key with its certificate, PEM.

    Args:
        sha256: of the certificate (DER), in hex.
    """
    return f"{ADOPTED_FOLDER}/{sha256[:16]}.pem"


def trusted_folder(node: str) -> str:
    """The certificates that another member brought here."""
    return f"{TRUST_FOLDER}/{node}"


def trusted_id(folder: str) -> str:
    """The id of the node whose certificates lie in a folder of the trust store."""
    return f"{folder}/id"


def trusted_file(folder: str, unit: str) -> str:
    """One certificate in such a folder, PEM. PUBLIC_MODE."""
    return f"{folder}/{unit}.pem"


# --- HOME: the SSH key for the ways to other nodes. The public half is PUBLIC_MODE.

IDENTITY_FOLDER = "ssh"
IDENTITY = "ssh/id_ed25519"
IDENTITY_PUBLIC = "ssh/id_ed25519.pub"

# --- HOME: what is remembered between commands.

STATE_FOLDER = "state"
KNOWN_HOSTS = "state/known_hosts"  # backup servers, by the dialog of the original
SEATS_FOLDER = "state/sessions"  # a locked file for each session by SSH
STAGING = "state/staging"  # lists that another node sent, until they are installed
GIVEN_LIST = "state/given.itl"  # the publisher's, for this subscriber's next start
HISTORY = "state/served"  # lists that phones may hold, one file each
HISTORY_SUFFIX = ".itl"
SERVED_TIMES = "state/served-times"  # which of them was served when, JSON
IMPORTED = "state/imported"  # how far logs are imported that are followed, JSON
# How the unit before the TFTP service ended, in systemd's words (SERVICE_RESULT,
# EXIT_CODE, EXIT_STATUS). A line of shell in the unit writes it: it is there too when
# our Python could not even start.
START_RESULT = "state/tftp-start"
PHONES = "state/phones.sqlite"  # what is known of phones, unless a URL is configured
PLACE = "state/place"  # its inode number and times tell a restored home
INIT_NOTE = "state/init.toml"  # the configuration that `cucmsh init` was asked for
INIT_AGAIN = "state/init-again"  # how far an unfinished `init --again` came
LOCK_SUFFIX = ".lock"  # each names the holder of a lock; the kernel holds the lock
NODE_LOCK = "state/node.lock"
SIGNING_LOCK = "state/signing.lock"
CLUSTER_LOCK = "state/cluster.lock"
IDS_LOCK = "state/ids.lock"
ACCOUNTS_LOCK = "state/accounts.lock"
PHONES_LOCK = "state/phones.lock"
ALARMS_WAITING = "state/alarms"  # a folder for each place, a file for each alarm
ALARMS_LOCK = "state/alarms.lock"
PHONES_LOCK_FOLDER = "state/phones"  # is locked; nothing lies in it
MONITOR_LOCK = "state/monitor.lock"
MONITOR_LOCK_FOLDER = "state/monitor"  # the same
RECOVERY_LOCK = "state/recovery.lock"
RECOVERY_LOCK_FOLDER = "state/recovery"  # is locked; nothing lies in it
BACKUP_JOBS = "state/backup-jobs"  # the last backups and restores, JSON
BACKUP_SCHEDULES = "state/backup-schedules"  # JSON
# Copies of the phones' files that a restore is about to replace, then below EARLIER.
RESTORE_KEPT = "state/restore-kept"

# Facts, a TOML file each in STATE_FOLDER (``services.records.state``).
ADOPTION = "adoption"  # the unfinished adoption
ASKED = "asked"  # which nodes were asked for their lists
CERTIFICATES = "certificates"  # which members this node's were not brought to
CANCELLED = "backup-cancelled"  # the backup that is to stop
FROM_SUBSCRIBER = "pub-from-sub"  # the next subscriber brings the cluster back
BACKUP = "backup"  # digest of the recovery key file that was saved last
HOLD = "hold"  # the hold timer
LOCKOUT = "lockout"  # when wrong passwords lock an account
JOURNAL = "journal"  # the open reset
KEEP = "keep"  # the keep mark
MONITOR = "monitor"  # what the Certificate Monitor told, and when
MONITOR_NOTICE = "monitor-notice"  # what a login is told of it
LISTS = "lists"  # which subscribers were not given the list that the publisher signs
NODE = "node"  # this node's id
NODES = "nodes"  # the ids of all nodes
OTHER_PASSWORDS = "other-passwords"  # who was not seen to have this node's
PASSING = "passing"  # which subscribers were not brought those of others
PHONE_RESETS = "phone-resets"  # which phones are still to be reset
PUBLISHED = "published"  # the last list
RENAMING = "renaming"  # the unfinished rename of this node
RELEASING = "releasing"  # which nodes do not serve by another release yet
NEXT = "rekeying"  # which files change as one just now; an old name of the file
REGENERATED = "regenerated"  # which units changed since phones were told
REPLICAS = "replicas"  # which replicas are pending
SESSION = "session"  # idle time-out, and how many sessions there may be
SIGNING = "signing"  # files that could not be signed
TVS_ENDED = "tvs-ended"  # what was told last of a TVS that failed
UNTOLD = "untold"  # which members do not know how a node is called now
START = "start"  # why no list was composed


def facts_file(facts: str) -> str:
    """The file of one of the facts above."""
    return f"{STATE_FOLDER}/{facts}.toml"


# --- HOME: logs, which only grow, and what `init --again` moved away.

LOG_FOLDER = "log"
AUDIT_FILE = "log/audit"
ERRORS_FILE = "log/errors"  # unexpected exceptions, and alarms that did not go out
CISCO_SYSLOG = "log/syslog/CiscoSyslog"  # alarms; then .1, the youngest earlier one, .2
TFTP_LOG = "log/tftp"  # the lab's TFTP service
TVS_LOG = "log/tvs"  # the lab's TVS
EARLIER = "earlier"  # the nodes before this one, by number; removed certificates

# --- The TFTP directory.

LIST_FILE = "ITLFile.tlv"  # SERVED_MODE
LIST_SUFFIXES = (".tlv", ".itl")  # of lists that people keep elsewhere
CTL_FILE = "CTLFile.tlv"  # of another tool: nothing here writes one

# A set's files until they are whole; TFTP lists no hidden folder.
RESTORE_STAGING = ".cucmsh-restore"

# --- A backup set on its server; STAMP is YYYY-MM-DD-HH-MM-SS, UTC.

SET_FILE = "{stamp}_{host}_{feature}_{component}.tar"  # of the original; age, then tar
SET_MANIFEST = "{stamp}_{host}_drfComponent.xml"
SET_PROBE = "{host}_dUmmI_Drf"  # written and removed when a device is added

# --- The home of an account that a node logs in to.

SSH_FOLDER = ".ssh"
AUTHORIZED_KEYS = ".ssh/authorized_keys"
# All files by which an account's owner lets somebody in, or changes what runs then.
SSH_FILES = (
    *(AUTHORIZED_KEYS, ".ssh/authorized_keys2"),
    *(".ssh/environment", ".ssh/rc"),
)
REPLICA_RECORDS = ".cucmsh"  # what a publisher keeps on its replicas


def replica_folder(tftp_directory: str) -> str:
    """Records of a publisher on a replica; one account may serve several directories.

    Args:
        tftp_directory: what the replica serves, an absolute path.
    """
    from hashlib import sha256  # noqa: PLC0415 - OpenSSL, which no prompt needs

    name = sha256(tftp_directory.rstrip("/").encode()).hexdigest()[:16]
    return f"{REPLICA_RECORDS}/replica-{name}"


def replica_publisher(tftp_directory: str) -> str:
    """Which publisher brings files there, JSON."""
    return f"{replica_folder(tftp_directory)}/publisher"


def replica_manifest(tftp_directory: str) -> str:
    """Which files were brought there, packed JSON."""
    return f"{replica_folder(tftp_directory)}/files"


def replica_plain_manifest(tftp_directory: str) -> str:
    """Which plain files were brought there, packed JSON.

    Not in the file above: an earlier version removes what it does not bring itself.
    """
    return f"{replica_folder(tftp_directory)}/plain"


# --- A folder that `cucmsh export` fills (0700).

EXPORTED_KEYS = "keys"  # PEM, a key and its certificate each, and ITLRecovery.p12
EXPORTED_TFTP = "tftp"  # lists and signed files as they are served; SERVED_MODE
EXPORTED_HELD = "held"  # the lists that phones may hold; SERVED_MODE
EXPORTED_CERTIFICATES = "certificates"  # of all records of these lists. PUBLIC_MODE
EXPORTED_README = "README.txt"  # PUBLIC_MODE; written last

# --- The directory of a lab; each node has a folder there, with its home in it.

LAB_FILE = "lab.json"  # what the lab was described as: passwords, addresses
LAB_LOCK = "lab.lock"
LAB_KNOWN_HOSTS = "known_hosts"  # PUBLIC_MODE: keys of the lab's own hosts
LAB_HOST_KEY = "sftp_host_key"  # of its backup server
LAB_BACKUPS = "sftp"  # what the backup server shows
LAB_CONFIGURATION = "cucmsh.toml"  # in a node's folder
LAB_PHONES = "phones"  # a folder for each of its phones, which is that phone's flash
LAB_PHONES_CONTROL = "phones.socket"  # where they are asked
FLASH_CONFIGURATION = "running.cnf.xml"  # in a phone's folder, beside its lists
FLASH_STATE = "phone.json"  # its messages, clock and history
LAB_DESK = "lab.socket"  # where the lab itself is asked
LAB_SNAPSHOTS = "snapshots"  # a folder each, by name
LAB_SNAPSHOT_STATE = "snapshot.json"  # in each: what ran
LAB_TIME = "lab-time.json"  # in a node's folder: how far its clock was set
LAB_CONTROL = "state/control"  # in a node's home: socket to its TFTP service

# --- Temporary files: each lies beside the file that it is going to replace.

TEMPORARY_PREFIX = ".cucmsh-"
TEMPORARY_SUFFIX = ".tmp"
