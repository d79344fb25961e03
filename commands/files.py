"""The files under ``tftp/`` and the logs: listed, viewed, sent to an SFTP server."""

from __future__ import annotations

from commands.questions import ask_value, host_key_question
from cucmsh.errors import CancelledError, MissingFileError, UsageError
from cucmsh.services.doors import BackupServer
from cucmsh.services.site import Site
from cucmsh.shell.answers import ATTEMPTS, read_port
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.kinds import FILE, HOST, PATH, USER

TFTP_FOLDER = "/usr/local/cm/tftp"  # what the original calls it on screen


def files(site: Site) -> list[str]:
    """The files under tftp/, for completion."""
    from cucmsh.services.files import list_files

    return list_files(site, "*")


def logs(site: Site) -> list[str]:
    """The logs, for completion."""
    from cucmsh.services.logs import list_logs

    return list_logs(site, "*")


@command("file list activelog <spec>", candidates={"spec": logs}, kinds={"spec": FILE})
def file_list_activelog(dialog: Dialog, site: Site, spec: str) -> int:
    """List the logs of this node.

    'audit' has a line for each command, 'errors' one for what broke.

    spec: a log's name; '*' and '?' in it stand for any letters

    Example:
    file list activelog *
    """
    from cucmsh.services.logs import list_logs

    return _list(dialog, list_logs(site, spec))


@command("file list tftp <spec>", candidates={"spec": files}, kinds={"spec": FILE})
def file_list_tftp(dialog: Dialog, site: Site, spec: str) -> int:
    """List files of the TFTP directory.

    On the publisher ITLRecovery.p12 is among them; TFTP itself never serves it.

    spec: a file's name; '*' and '?' in it stand for any letters

    Example:
    file list tftp *.tlv
    """
    from cucmsh.services.files import list_files

    return _list(dialog, list_files(site, spec))


@command("file view activelog <file>", candidates={"file": logs}, kinds={"file": FILE})
def file_view_activelog(dialog: Dialog, site: Site, name: str) -> None:
    """Show a log of this node, 20 lines a page.

    Keys: n shows the next page, p the one before, b the first, e the last; q quits.
    Of a log larger than a mebibyte the end is shown.

    file: a log's name, as `file list activelog *` prints it

    Example:
    file view activelog audit
    """
    from cucmsh.services.logs import read_log

    text, before = read_log(site, name)
    if before:
        text = f"({before} bytes of earlier lines are left out.)\n{text}"
    dialog.view(text)


@command("file view tftp <file>", candidates={"file": files}, kinds={"file": FILE})
def file_view_tftp(dialog: Dialog, site: Site, name: str) -> None:
    """Show a text file of the TFTP directory, 20 lines a page.

    Keys: n shows the next page, p the one before, b the first, e the last; q quits.

    file: a file's name, as `file list tftp *` prints it

    Example:
    file view tftp XMLDefault.cnf.xml
    """
    from cucmsh.services.files import read_text

    dialog.view(read_text(site, name))


@command("file get tftp <file>", candidates={"file": files}, kinds={"file": FILE})
def file_get_tftp(dialog: Dialog, site: Site, name: str) -> None:
    """Send a file of the TFTP directory to an SFTP server.

    `file get tftp ITLRecovery.p12` on the publisher saves the recovery key. An
    earlier file of that name on the server is kept under NAME.1, NAME.2 and so on.

    file: a file's name, as `file list tftp *` prints it

    Example:
    file get tftp ITLRecovery.p12
    """
    from cucmsh.services.files import read_file, send_file
    from cucmsh.views.kilobytes import kilobytes

    dialog.write("Please wait while the system is gathering files info ...")
    try:
        raw = read_file(site, name)
    finally:
        dialog.say("done.")
    dialog.say("Sub-directories were not traversed.")
    dialog.say("Number of files affected: 1")
    dialog.say(f"Total size in Bytes: {len(raw)}")
    dialog.say(f"Total size in Kbytes: {kilobytes(len(raw))}")
    again = "Please answer 'y' for <yes> or 'n' for <no>: "
    if dialog.ask_key("Would you like to proceed [y/n]? ", "yn", again) == "n":
        raise CancelledError("Nothing was transferred.")
    server = _ask_server(dialog)
    dialog.say()
    directory = ask_value(dialog, "Download directory: ", PATH)
    dialog.say()
    accept = host_key_question(dialog, server.host)
    try:
        with dialog.working(lambda: f"Waiting for {server.host}..."):
            sent = send_file(site, server, (directory, name), raw, accept)
    except MissingFileError as problem:
        raise MissingFileError(
            f"there is no directory {directory} on {server.host}",
            "Name one that is there and that the user may write to.",
        ) from problem
    dialog.say(".")
    dialog.say("Transfer completed.")
    dialog.say(f"Downloading file: {TFTP_FOLDER}/{name}")
    if dialog.helpful and sent.earlier:
        dialog.say(f"An earlier {name} there is kept as {sent.earlier}")


def _list(dialog: Dialog, names: list[str]) -> int:
    for name in names:
        dialog.say(name)
    dialog.say(f"dir count = 0, file count = {len(names)}")
    return 0 if names else 1


def _ask_server(dialog: Dialog) -> BackupServer:
    host = ask_value(dialog, "SFTP server IP: ", HOST)
    port = _ask_port(dialog)
    user = ask_value(dialog, "User ID: ", USER)
    password = dialog.ask_secret("Password: ", mask="*")
    return BackupServer(host, port, user, password.reveal())


def _ask_port(dialog: Dialog) -> int:
    question = "SFTP server port [22]: "
    for _ in range(ATTEMPTS):
        try:
            return read_port(dialog.ask(question) or "22")
        except UsageError as problem:
            dialog.ask_again(question, problem.message)
    raise UsageError("No usable answer was given; nothing was transferred.")
