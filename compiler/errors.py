"""The one error a user sees: what is wrong, where, and what to do about it."""

from __future__ import annotations


class CompileError(Exception):
    """A model or a request that cannot be compiled. The command line prints it and exits with code 2.

    Args:
        what: What is wrong, in a few words, with the offending key and value.
        layer: The Keras layer at fault, if one is.
        file: The file at fault; whoever opened it fills it in.
        hint: What the user can do about it.
    """

    def __init__(
        self, what: str, *, layer: str | None = None, file: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.layer = layer
        self.file = file
        self.hint = hint

    def __str__(self) -> str:
        where = [part for part in (self.file, f"layer '{self.layer}'" if self.layer else None) if part]
        text = ": ".join([*where, self.what])
        return f"{text}\n  {self.hint}" if self.hint else text


class CheckError(Exception):
    """A build that does not do what its graph says. The command line prints it and exits with code 1."""
