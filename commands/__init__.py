"""The built-in command pack: one module a noun, one function a command.

To add a command, write a function in a module here (or in a package of your own that
sets ``PACK`` and is named in the configuration's ``packs``)::

    @command("show clock")
    def show_clock(dialog: Dialog, site: Site) -> None:
        \"\"\"Show the time of this node.\"\"\"
        dialog.say(format_time(site.clock.now()))

The loader takes every decorated function of a pack. This one has a table besides, one
line a command: a session has dozens of commands and runs few, so a module is imported
when one of its commands is typed (all of them took a tenth of a short command). A
command asks and shows; what it does is a use-case of ``services``. The packages
``services`` and ``views`` import a module when one of its names is first used.
"""

PACK = "cucmsh"

# The phrases of each module, so that a session imports what is typed and no more
# (tests/house/test_command_tables.py compares).
COMMANDS = {
    "accounts": (
        "show accountlocking",
        "set accountlocking enable|disable",
        "set accountlocking count <attempts>",
        "set accountlocking unlocktime <seconds>",
        "show session maxlimit",
        "set session maxlimit <sessions>",
        "show account",
        "set account name <name>",
        "set account enable|disable <name>",
        "delete account <name>",
    ),
    "certificate_bulk": (
        "set cert bulk export <type>",
        "set cert bulk consolidate <type>",
        "set cert bulk import <type>",
    ),
    "certificate_imports": (
        "set cert import own <unit> [caCert]",
        "set cert import trust <unit>",
        "set cert delete <unit> <name>",
    ),
    "certificates": (
        "set cert regen <unit>",
        "show cert list own",
        "show cert own <unit>",
        "show cert list trust",
        "show cert trust <name>",
    ),
    "cli": (
        "set cli pagination on|off",
        "show cli pagination",
        "set cli session timeout <minutes>",
        "show cli session timeout",
        "set commandcount enable|disable",
    ),
    "ctl": ("show ctl",),
    "disaster_recovery": (
        (
            "utils disaster_recovery device add network <name> <path> <server> <user>"
            " [number_of_backups]"
        ),
        "utils disaster_recovery device delete <name>",
        "utils disaster_recovery device list",
        "utils disaster_recovery backup network <features> <device>",
        "utils disaster_recovery cancel_backup [confirm]",
        "utils disaster_recovery status backup|restore",
        "utils disaster_recovery history backup|restore",
        "utils disaster_recovery estimate_tar_size <features>",
        "utils disaster_recovery show_backupfiles <device>",
        (
            "utils disaster_recovery schedule add <name> <device> <features> <time>"
            " <repeat>"
        ),
        "utils disaster_recovery schedule enable|disable|delete <name>",
        "utils disaster_recovery schedule list",
        "utils disaster_recovery prepare restore pub_from_sub",
        "utils disaster_recovery restore network <server> <tar> <device>",
    ),
    "file_search": (
        "file search activelog <spec> <expression> [options...]",
        "file search tftp <spec> <expression> [options...]",
        "file tail activelog <spec> [options...]",
        "file tail tftp <spec> [options...]",
        "file delete activelog <spec> [options...]",
        "file delete tftp <spec> [options...]",
    ),
    "files": (
        "file list activelog <spec> [options...]",
        "file list tftp <spec> [options...]",
        "file view activelog <file>",
        "file view tftp <file>",
        "file get tftp <file>",
        "file get activelog <spec> [options...]",
    ),
    "itl": (
        "show itl",
        "show itl all",
        "utils itl reset localkey",
        "utils itl reset remotekey <host> <user> <path>",
        "utils itl trust release",
    ),
    "network": ("set network hostname [name]", "set network domain <name>"),
    "node": ("show version active", "show network cluster [node]"),
    "passwords": (
        "set password user security",
        "set password user admin",
        "set password user ccmadmin",
    ),
    "phones": (
        "show itl phones [state] [node] [page]",
        "show itl phones csv [state] [node]",
        "utils phone reset|restart <which>",
    ),
    "preview": (
        "utils itl preview localkey|restart",
        "utils itl preview regen <unit>",
        "utils itl preview hostname|domain <name>",
        "utils itl preview remotekey <file>",
    ),
    "release": (
        "set release <release>",
        "utils itl preview release <release>",
    ),
    "services": (
        "utils service list [page]",
        "utils service start <service...>",
        "utils service stop <service...>",
        "utils service restart <service...>",
    ),
    "session": ("show myself", "show packs", "help [command...]", "quit", "exit"),
    "signing_requests": ("set csr gen <unit>", "show csr list", "show csr own <name>"),
    "status": ("show status", "show cert hold"),
    "system": ("utils system restart|shutdown",),
    "tftp": ("utils tftp sign [spec...]",),
    "tls": ("show tls min-version", "set tls min-version 1.0|1.1|1.2|1.3"),
}
