"""Each command of the built-in pack gives the JSON document that the schema describes.

One line of each phrase is run with ``--json``; a phrase without a line here fails, and
so does a document whose keys `pydoc cucmsh.views.documents` does not name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from cucmsh.layout import BROUGHT_KEYS, CTL_FILE, RECOVERY_FILE, RECOVERY_NAME
from cucmsh.phones.service_control import PhoneAction
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.imports import import_trusted
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.certificates.requests import generate_request
from cucmsh.services.phones.resets import PhoneResets
from cucmsh.services.site import Site
from cucmsh.shell.scripted import Answer, ScriptedDialog, ScriptedSession
from cucmsh.views import documents
from cucmsh.views.phone_resets import phone_reset_document
from tests.commands.calls import GRAMMAR, TO_CCM, call, run
from tests.commands.test_certificate_bulk import HOST_KEY, TO_SERVER
from tests.commands.test_disaster_recovery import (
    ADD,
    AGREE,
    BACKUP,
    CONNECT,
    FEATURES,
    PASSWORD,
    label_of,
)
from tests.commands.test_files import ANSWERS
from tests.commands.test_itl import REMOTE, save_key
from tests.commands.test_passwords import CCM_ANSWERS, NEW_ACCOUNT, OWN_ANSWERS
from tests.commands.test_passwords import LINE as PASSWORD_LINE
from tests.commands.test_passwords import answers as password_answers
from tests.commands.test_phones import say
from tests.inventory.claims import FOREIGN
from tests.rigs.authority import Authority, Wanted, authority_usages
from tests.services.made_cluster import (
    SFTP_PASSWORD,
    START,
    MadeCluster,
    made_cluster,
)
from tests.services.test_usecases import with_accounts

pytestmark = pytest.mark.thorough

CTL = Path(__file__).parents[1] / "vectors" / "cucm10-blank-record.ctl"
ROOT = Authority("Root CA", authority_usages(START))
ONLY_END = {"quit", "exit"}
ONLY_REFUSED = {"utils system restart|shutdown"}
# Needs a telephone system; its document is made below.
PHONE = "utils phone reset|restart <which>"
# That of a backup that runs, in another process, is as that of its status.
ELSEWHERE = {PHONE, "utils disaster_recovery cancel_backup [confirm]"}
RECOVERY = "utils disaster_recovery"
YES = ("(yes|no)? ", "yes")
LINES: dict[str, tuple[str, Sequence[tuple[str, Answer]]]] = {
    "file get tftp <file>": ("file get tftp ITLRecovery.p12", ANSWERS),
    "file delete activelog <spec> [options...]": (
        "file delete activelog errors noconfirm",
        (),
    ),
    "file delete tftp <spec> [options...]": (
        "file delete tftp some.xml",
        [('Enter "y" followed by return to continue: ', "y")],
    ),
    "file get activelog <spec> [options...]": ("file get activelog audit", ANSWERS),
    "file list activelog <spec> [options...]": ("file list activelog * det", ()),
    "file list tftp <spec> [options...]": ("file list tftp *", ()),
    "file search activelog <spec> <expression> [options...]": (
        "file search activelog audit {",
        (),
    ),
    "file search tftp <spec> <expression> [options...]": (
        "file search tftp * some",
        (),
    ),
    "file tail activelog <spec> [options...]": ("file tail activelog * rec", ()),
    "file tail tftp <spec> [options...]": ("file tail tftp some.xml recent", ()),
    "file view activelog <file>": ("file view activelog audit", ()),
    "file view tftp <file>": ("file view tftp some.xml", ()),
    "help [command...]": ("help", ()),
    "set cert bulk consolidate <type>": (
        "set cert bulk consolidate tomcat",
        [*TO_SERVER, HOST_KEY],
    ),
    "set cert bulk export <type>": (
        "set cert bulk export tomcat",
        [*TO_SERVER, HOST_KEY],
    ),
    "set cert bulk import <type>": (
        "set cert bulk import capf",
        [*TO_SERVER, HOST_KEY, ("(yes/no)? ", "yes")],
    ),
    "set cert delete <unit> <name>": ("set cert delete tomcat Root_CA.pem", ()),
    "set cert import own <unit> [caCert]": ("set cert import own TVS", ()),
    "set cert import trust <unit>": (
        "set cert import trust CAPF",
        [("", line) for line in ROOT.pem.splitlines()],
    ),
    "set csr gen <unit>": ("set csr gen CAPF", ()),
    "set cert regen <unit>": ("set cert regen TVS", [YES]),
    "set cli pagination on|off": ("set cli pagination on", ()),
    "set cli session timeout <minutes>": (
        "set cli session timeout 60",
        [("Continue (y/n)?", "y")],
    ),
    "set tls min-version 1.0|1.1|1.2|1.3": (
        "set tls min-version 1.1",
        [("(yes/no) ? ", "yes")],
    ),
    "set network domain <name>": (
        "set network domain other.org",
        [("Continue (y/n)?", "y")],
    ),
    "set network hostname [name]": (
        "set network hostname",
        [
            ("Enter the hostname:: ", "new"),
            (
                "Would you like to change the network ip address at this time [yes]:: ",
                "no",
            ),
            ("Do you want to continue [yes/no]? ", "yes"),
        ],
    ),
    "set commandcount enable|disable": ("set commandcount enable", ()),
    "set accountlocking enable|disable": ("set accountlocking enable", ()),
    "set accountlocking count <attempts>": ("set accountlocking count 2", ()),
    "set accountlocking unlocktime <seconds>": (
        "set accountlocking unlocktime 30",
        (),
    ),
    "set password user ccmadmin": ("set password user ccmadmin", CCM_ANSWERS),
    "set session maxlimit <sessions>": ("set session maxlimit 5", ()),
    "show session maxlimit": ("show session maxlimit", ()),
    "delete account <name>": ("delete account ann", ()),
    "set account enable|disable <name>": ("set account disable ann", ()),
    "set account name <name>": ("set account name bob", NEW_ACCOUNT),
    "set password user admin": ("set password user admin", OWN_ANSWERS),
    "show account": ("show account", ()),
    "show accountlocking": ("show accountlocking", ()),
    "set password user security": (PASSWORD_LINE, password_answers("y")),
    "show cert list own": ("show cert list own", ()),
    "show cert list trust": ("show cert list trust", ()),
    "show cert trust <name>": ("show cert trust tomcat-trust/Root_CA.pem", ()),
    "show csr list": ("show csr list", ()),
    "show csr own <name>": ("show csr own TVS", ()),
    "show cert own <unit>": ("show cert own TVS/TVS.pem", ()),
    "show cert hold": ("show cert hold", ()),
    "show cli pagination": ("show cli pagination", ()),
    "show cli session timeout": ("show cli session timeout", ()),
    "show ctl": ("show ctl", ()),
    "show itl": ("show itl", ()),
    "show itl all": ("show itl all", ()),
    "show itl phones [state] [node] [page]": ("show itl phones", ()),
    "show itl phones csv [state] [node]": ("show itl phones csv", ()),
    "show myself": ("show myself", ()),
    "show network cluster [node]": ("show network cluster", ()),
    "show packs": ("show packs", ()),
    "show status": ("show status", ()),
    "show tls min-version": ("show tls min-version", ()),
    "show version active": ("show version active", ()),
    f"{RECOVERY} backup network <features> <device>": (BACKUP, ()),
    (
        f"{RECOVERY} device add network "
        "<name> <path> <server> <user> [number_of_backups]"
    ): (ADD.replace("weekly", "another"), [PASSWORD]),
    f"{RECOVERY} device delete <name>": (f"{RECOVERY} device delete unused", ()),
    f"{RECOVERY} device list": (f"{RECOVERY} device list", ()),
    f"{RECOVERY} estimate_tar_size <features>": (
        f"{RECOVERY} estimate_tar_size UCM",
        (),
    ),
    f"{RECOVERY} history backup|restore": (f"{RECOVERY} history backup", ()),
    f"{RECOVERY} prepare restore pub_from_sub": (
        f"{RECOVERY} prepare restore pub_from_sub",
        (),
    ),
    f"{RECOVERY} restore network <server> <tar> <device>": (
        f"{RECOVERY} restore network test10pub LABEL weekly",
        [FEATURES, AGREE],
    ),
    f"{RECOVERY} schedule add <name> <device> <features> <time> <repeat>": (
        f"{RECOVERY} schedule add monthly weekly UCM 2014/03/01-03:00 monthly",
        (),
    ),
    f"{RECOVERY} schedule enable|disable|delete <name>": (
        f"{RECOVERY} schedule enable nightly",
        (),
    ),
    f"{RECOVERY} schedule list": (f"{RECOVERY} schedule list", ()),
    f"{RECOVERY} show_backupfiles <device>": (
        f"{RECOVERY} show_backupfiles weekly",
        (),
    ),
    f"{RECOVERY} status backup|restore": (f"{RECOVERY} status backup", ()),
    "utils itl reset localkey": ("utils itl reset localkey", [TO_CCM]),
    "utils itl reset remotekey <host> <user> <path>": (
        REMOTE,
        [("Enter Sftp password :", SFTP_PASSWORD), ("(yes/no)? ", "yes"), TO_CCM],
    ),
    "set release <release>": (
        "set release 12.5",
        [("Do you want to continue (yes/no)? ", "yes")],
    ),
    "utils itl preview release <release>": ("utils itl preview release 15", ()),
    "utils itl preview hostname|domain <name>": (
        "utils itl preview hostname new",
        (),
    ),
    "utils itl preview localkey|restart": ("utils itl preview restart", ()),
    "utils itl preview regen <unit>": ("utils itl preview regen TVS", ()),
    "utils itl preview remotekey <file>": (
        "utils itl preview remotekey ITLRecovery.p12",
        (),
    ),
    "utils itl trust release": (
        "utils itl trust release",
        [("(yes/no)? ", "yes")],
    ),
    "utils service list [page]": ("utils service list", ()),
    "utils service restart <service...>": ("utils service restart Cisco Tftp", ()),
    "utils service start <service...>": ("utils service start Cisco Tftp", ()),
    "utils service stop <service...>": ("utils service stop Cisco Tftp", ()),
    "utils tftp sign [spec...]": ("utils tftp sign", ()),
}
PHRASES = sorted(
    entry.phrase
    for entry in GRAMMAR.commands
    if entry.phrase not in ONLY_END | ONLY_REFUSED | ELSEWHERE
)


@pytest.fixture
def walked(cluster: MadeCluster, tmp_path: Path) -> MadeCluster:
    """A cluster with something to show for each of them."""
    cluster.write_configurations()
    cluster.site.home.append("log/audit", "{}")
    cluster.site.home.append("log/errors", "one")
    say(cluster, 1, FOREIGN)
    with_accounts(cluster.site)
    (Path(cluster.site.tftp.root) / "some.xml").write_text("<some/>")
    home = cluster.site.home
    cluster.write_configurations()
    for name in ("tomcat_one", "tomcat_two", "consolidated_CAPF"):
        Path(cluster.backups, f"home/joe/{name}.pem").write_text(ROOT.pem)
    for unit in ("tomcat", "TVS"):
        import_trusted(cluster.site, unit, ROOT.pem.encode())
    generate_request(cluster.site, Unit.TVS)
    home.write(f"{BROUGHT_KEYS}/{RECOVERY_NAME}", home.read(RECOVERY_FILE))
    del tmp_path
    return cluster


@pytest.mark.parametrize("phrase", PHRASES)
def test_command_gives_a_document(
    walked: MadeCluster, tmp_path: Path, phrase: str
) -> None:
    site = walked.site
    if phrase == "utils itl trust release":
        bound = made_cluster(tmp_path / "bound", keep_trust=True)
        bound.start()
        regenerate(bound.site, Unit.CALL_MANAGER)
        bound.publisher.start()
        site = bound.site
    if phrase == "show ctl":  # one of another tool
        site = made_cluster(tmp_path / "ctl").site
        Path(site.node.tftp_directory).mkdir(exist_ok=True)
        site.tftp.write(CTL_FILE, CTL.read_bytes(), 0o644)
    line, answers = LINES[phrase]
    if line == "set cert import own TVS":
        asked = generate_request(site, Unit.TVS).pem
        signed = ROOT.answer(asked, Wanted(START)).splitlines()
        answers = [("", each) for each in signed]
    if phrase.startswith(RECOVERY):
        line = line.replace("LABEL", backed_up(walked))
    if phrase.endswith("pub_from_sub"):
        site = alone(site)
    if line == REMOTE:
        save_key(walked)
    session = ScriptedSession(GRAMMAR)
    dialog = ScriptedDialog(answers, wants_json=True, session=session)
    with dialog:
        assert run(dialog, site, line) == (1 if "preview" in line else 0)
    assert dialog.json is not None
    written = json.loads(json.dumps(dialog.json))
    described = set(re.findall(r"\w+", documents.__doc__ or ""))
    assert set(written) <= described
    assert [key for key in keys_below(written) if key not in described] == []


def test_resets_of_phones_give_a_document() -> None:
    (entry,) = (each for each in GRAMMAR.commands if each.phrase == PHONE)
    assert entry.has_json
    done = PhoneResets(PhoneAction.RESET, 3, told=1, failed=(("SEP1", "no way"),))
    written = json.loads(json.dumps(phone_reset_document("pub", done)))
    described = set(re.findall(r"\w+", documents.__doc__ or ""))
    assert [key for key in keys_below(written) if key not in described] == []


def backed_up(made: MadeCluster) -> str:
    """A device, a schedule and a set; gives the label of that."""
    made.write_configurations()
    site = made.site
    call(site, ADD, [PASSWORD, CONNECT])
    call(site, ADD.replace("weekly", "unused"), [PASSWORD])
    call(site, f"{RECOVERY} schedule add nightly weekly UCM 2014/03/01-03:00 daily")
    call(site, BACKUP)
    return label_of(made)


def alone(site: Site) -> Site:
    """The same without its subscriber."""
    cluster = site.settings.cluster._replace(nodes=(site.node,))
    return site.with_settings(site.settings._replace(cluster=cluster))


def keys_below(value: object) -> list[str]:
    """The keys of all objects in it; a table of options by name has none of ours."""
    if isinstance(value, dict):
        inner = [
            key
            for name, part in value.items()
            if name != "options"
            for key in keys_below(part)
        ]
        return [*value, *inner]
    if isinstance(value, list):
        return [key for part in value for key in keys_below(part)]
    return []


def test_nothing_is_walked_that_is_not_there() -> None:
    assert sorted(LINES) == PHRASES
