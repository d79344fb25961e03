"""A command-line engine: phrases, questions, one terminal, two kinds of reader.

Has never heard of trust lists, nodes or files: it imports `cucmsh.errors` and the
standard library; `prompt_toolkit` is met in `editor` alone, which nobody here imports.

    command     what a pack says about one command      packs      where they come from
    grammar     a line becomes a call                   complete   what may come next
    dialog      what a command may say and ask          scripted   the same, for tests
    screen      the one way out                         keyboard   the one way in
    terminal    the kernel's settings, borrowed         line       one line being typed
    reader      lines, answers, secrets, for programs   editor     lines, for people
    pager       a page at a time, for people            session    prompt, run, prompt
    settings    how it behaves                          progress   a line now and then
    signals     a lost line ends the session in order   secret     hidden text

2026-11: the reader is always the first to read. A plain `PromptSession` broke every
client program that was tried (docs/clients.md#trial).
"""
