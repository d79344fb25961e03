"""The way in through sshd, as an account's shell or as its forced command.

What the client sends is one line for the parser, or nothing; its environment is
dropped, and so is what sshd says of no use to us. Runs nothing itself: the app does,
once it has looked at the ground it stands on (``services.isolation``).
"""
