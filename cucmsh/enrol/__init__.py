"""The dialogs of ``cucmsh init`` and ``cucmsh node``: options, questions, lines.

Thin, as the commands are; but they make and change what a shell needs before there is
one, so they are no commands of the pack. What is done is the services' business, and
the app opens every door.
"""
