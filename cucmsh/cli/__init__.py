"""The verbs of the program, one module each, and logins by SSH."""
