"""A command-line engine: phrases, questions, one terminal, two kinds of reader.

Knows no trust lists, nodes or files: it imports the ground and the standard library.
`prompt_toolkit` is imported by `editor` and `editor_display` only, and `editor` when a
person turns out to type (`editor_import`).

    packs             finds and imports packs       pack_place  refuses unsafe ones
    command           declares a command            grammar     a line becomes a call
    parameter_types   what a value may be           complete    for Tab and `?`
    session           prompt, read, run, again      settings    of one session
    audit             what a session records        origin      who the caller is
    dialog            what commands say and ask     answers     yes or no
    terminal_dialog   the dialog of a session       scripted    one for tests
    json_result       a document in place of text   signals     hang-ups, Ctrl-C, timer
    reader            lines, answers, secrets       editor      lines of a person
    keyboard          bytes become keys             line        a line being typed
    screen            writes to the terminal        terminal    its kernel settings
    pager             pages of long output          viewer      pages of `file view`

The reader reads first, always: a plain `PromptSession` broke every client program that
was tried (docs/clients.md#trial).
"""
