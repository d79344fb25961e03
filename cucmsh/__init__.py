"""cucmsh: an admin shell for the trust lists of Cisco IP phones.

Imports nothing: a login pays for every import on the way to the prompt.
"""

__version__ = "0.1.0"
