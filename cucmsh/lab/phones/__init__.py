"""The lab's phones: what boots, holds lists and shows what became of them.

They stand in one process (``process``). What one does with a list is
``cucmsh.phones``'s business; here it asks for files, asks TVS and keeps what it holds.
"""
