"""The administrator's page: a way in beside the prompt, a caller of use-cases.

Empty until the first page comes. A page asks ``services`` as a caller of its own
(``WayIn.PAGE``) and shows what ``views`` makes of the answer. What an HTTP server takes
is imported by the verb that starts it, never at a prompt.
"""
