"""Words and limits that the reader knows before any command is loaded.

Imports nothing: the first prompt waits for it, and not for the grammar.
"""

FAILED = "Executed command unsuccessfully"  # docs/cli.md#errors
LONGEST_LINE = 1024  # characters (T14)
PROMPT = "admin:"  # no blank after it (docs/clients.md P1)
