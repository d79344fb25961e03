"""Words and limits that the reader knows before any command is loaded.

Imports nothing: the first prompt waits for it, and not for the grammar.
"""

FAILED = "Executed command unsuccessfully"  # cucm-cli.md section 1, Errors
LONGEST_LINE = 1024  # characters (T14)
PROMPT = "admin:"  # no blank after it (clients.md P1)
