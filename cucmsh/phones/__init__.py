"""What a phone holds, asks for and shows: values and rules, no files, no sockets.

Empty until the first module comes. Here belong what families of phones do differently,
what a line of a TFTP service's log says of a phone, and what is known of one. Finding
and telling phones is a use-case's business (``services``).
"""
