"""``with`` blocks without ``contextlib``, which would be a tenth of a login's imports.

For what the prompt waits for. A type checker sees the real ones, and
`tests/house/test_shapes.py` holds these to them. One thing is left out: a StopIteration
in the block comes out of it as a RuntimeError. Imports nothing of ours.
"""

from __future__ import annotations

__all__ = ["contextmanager", "suppress"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import contextmanager, suppress
else:

    def contextmanager(steps):  # noqa: ANN001, ANN201
        """Make a context manager of a generator that yields once."""

        def scope(*words, **named):  # noqa: ANN002, ANN003, ANN202
            return _Scope(steps(*words, **named))

        scope.__doc__ = steps.__doc__
        return scope

    class _Scope:
        def __init__(self, steps: object) -> None:
            self._steps = steps

        def __enter__(self) -> object:
            return next(self._steps)

        def __exit__(self, _: object, error: object, trace: object) -> bool:
            try:
                if error is None:
                    next(self._steps)
                else:
                    self._steps.throw(error)
            except StopIteration:
                return (
                    True  # it came to its end, and handled the error if there was one
                )
            except BaseException as raised:
                if raised is error:
                    raised.__traceback__ = trace
                    return False
                raise
            raise RuntimeError("generator didn't stop")

    class suppress:  # noqa: N801  # as the library calls it
        """Leave out some errors of the block."""

        def __init__(self, *kinds: type[BaseException]) -> None:
            self._kinds = kinds

        def __enter__(self) -> None:
            """Nothing is done yet."""

        def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
            return kind is not None and issubclass(kind, self._kinds)
