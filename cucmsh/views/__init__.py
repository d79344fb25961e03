"""Values to lines of text. Pure: no file, no clock, no terminal.

Lines come without their ends, and with whatever stands in the values: escaping control
characters is the business of the one function that writes to the terminal.
"""
