"""The built-in command pack: one module a noun, one function a command.

To add a command, write a function in a module here (or in a package of your own that
sets ``PACK`` and is named in the configuration's ``packs``)::

    @command("show clock")
    def show_clock(dialog: Dialog, site: Site) -> None:
        \"\"\"Show the time of this node.\"\"\"
        dialog.say(format_time(site.clock.now()))

Nothing is registered anywhere else: the loader takes every decorated function. A
command asks and shows; what it does is a use-case of ``services``. The packages
``services`` and ``views`` import a module when one of its names is first used, for
every session loads all commands and runs few (with all of them at the top ``show
version active`` took 6.5 bare interpreters).
"""

PACK = "cucmsh"
