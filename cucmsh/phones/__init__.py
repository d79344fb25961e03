"""What a phone holds, asks for, decides and shows: values and rules, no I/O.

What families of phones do differently, what a line of a log, a page or an alarm says of
a phone, and what a phone does with a list. Finding and telling phones is a use-case's
business (``services.phones``); the simulated ones are the lab's.
"""
