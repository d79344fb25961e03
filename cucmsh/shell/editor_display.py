"""Draws characters that cannot be shown as escapes, in a line that a person edits.

prompt_toolkit does so for control characters (`^A`, `<9b>`), but sends bidirectional
and zero-width ones as they are (docs/security.md T10).
"""

from __future__ import annotations

from bisect import bisect_right

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.processors import (
    Processor,
    Transformation,
    TransformationInput,
)

from cucmsh.shell.screen import visible


class VisibleText(Processor):
    """Draws each character as `visible` writes it, and keeps the cursor's place."""

    def apply_transformation(
        self, transformation_input: TransformationInput
    ) -> Transformation:
        fragments = transformation_input.fragments
        if all(_is_drawn_as_it_is(fragment[1]) for fragment in fragments):
            return Transformation(fragments)
        drawn: StyleAndTextTuples = []
        starts = [0]  # of each character, and the end
        for style, text, *_ in fragments:
            shown = [drawn_as(char) for char in text]
            drawn.append((style, "".join(shown)))
            for each in shown:
                starts.append(starts[-1] + len(each))
        last = len(starts) - 1
        return Transformation(
            drawn,
            lambda at: starts[min(at, last)] + max(at - last, 0),
            lambda at: bisect_right(starts, at) - 1 + max(at - starts[last], 0),
        )


def drawn_as(text: str) -> str:
    """Return the text, its ASCII as it is: prompt_toolkit draws or sends that."""
    if _is_drawn_as_it_is(text):
        return text
    return "".join(char if char < "\x7f" else visible(char) for char in text)


def _is_drawn_as_it_is(text: str) -> bool:
    return text.isascii() or text.isprintable()
