"""Commands of a lab, which only its nodes have: their configurations name this pack."""

PACK = "lab"

# The phrases of each module, so that a session imports what is typed and no more
# (tests/house/test_command_tables.py compares).
COMMANDS = {
    "clock": (
        "lab clock show",
        "lab clock forward <time> [node]",
        "lab clock ahead|behind <time> [node]",
        "lab clock right",
        "lab hold on|off",
    ),
    "monitor": ("lab monitor [node]",),
    "node": (
        "lab node list",
        "lab node stop|start|pause|partition <node>",
        "lab node delay <node> <milliseconds>",
        "lab fail list",
        "lab fail none",
        "lab fail <name> [node]",
    ),
    "phones": (
        "lab phone list",
        "lab phone show <name>",
        "lab phone reset|restart|erase|unplug|plug <name...>",
        "lab phone poll",
        "lab phone clock <name> [time...]",
    ),
    "snapshots": ("lab snapshot <name>", "lab restore <name>", "lab snapshots"),
    "tvs": ("lab tvs stop|start [node]",),
}
