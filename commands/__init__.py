"""The built-in command pack: one module a noun, one function a command.

To add a command, write a function in a module here (or in a package of your own that
sets ``PACK`` and is named in the configuration's ``packs``)::

    @command("show clock")
    def show_clock(dialog: Dialog, site: Site) -> None:
        \"\"\"Show the time of this node.\"\"\"
        dialog.say(format_time(site.clock.now()))

Nothing is registered anywhere else: the loader takes every decorated function. A
command asks and shows; what it does is a service's. Services and views are imported
where a command runs: every login loads all phrases, and none of them needs a trust
list to be listed (measured: 6.5 bare interpreters with them at the top, see
benchmarks/start_up.py).
"""

PACK = "cucmsh"
