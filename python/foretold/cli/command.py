"""What all commands have in common: how presets are written, and how they end when something goes wrong."""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from .exits import EPILOG, Exit, Terminated, code_of, explain
from .streams import abandon_stdout

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Command", "PresetCommand"]


@contextlib.contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """SIGTERM and SIGHUP raise, as Ctrl-C does, so that partial files are removed."""

    def end(number: int, frame: object) -> None:
        raise Terminated(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    replaced = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        # What is ignored stays ignored: that is how nohup works.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            replaced[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)


class Command(TyperCommand):
    """A command that ends with a short message and an exit code, never with a traceback.

    Only mistakes of our own keep their traceback: everything that users, files and archives can
    cause is an error of foretold, of the system, or of the memory.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["epilog"] = kwargs.get("epilog") or EPILOG
        super().__init__(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        from foretold.errors import ForetoldError, ParameterError

        try:
            with _signals_as_exceptions():
                return super().invoke(ctx)
        except ParameterError as error:
            _complain(explain(error))
            raise typer.Exit(Exit.USAGE) from None
        except BrokenPipeError:
            # The reader knows that it went away: no message.
            abandon_stdout()
            raise typer.Exit(Exit.BROKEN_PIPE) from None
        except (KeyboardInterrupt, Terminated) as error:
            _complain("interrupted" if isinstance(error, KeyboardInterrupt) else "terminated")
            raise typer.Exit(code_of(error)) from None
        except (ForetoldError, OSError, MemoryError) as error:
            _complain(explain(error))
            abandon_stdout()
            raise typer.Exit(code_of(error)) from None


def _complain(message: str) -> None:
    with contextlib.suppress(OSError):
        print(f"foretold: {message}", file=sys.stderr)


# Letters of flags without a value: what may stand beside a preset's digit in one argument.
_CLUSTER = re.compile(r"-([cfqrv]*)([1-9])([cfqrv]*)")


class PresetCommand(Command):
    """A command that takes ``-1`` to ``-9``, also among other flags as in ``-9f``, and ``--max``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Writes ``-N`` and ``--max`` as ``--preset``; the last one given counts."""
        with_value = {
            name
            for parameter in self.params
            if parameter.param_type_name == "option" and not getattr(parameter, "is_flag", False)
            for name in parameter.opts
        }
        expanded: list[str] = []
        rest = iter(args)
        for argument in rest:
            if argument == "--":
                expanded += [argument, *rest]
                break
            if expanded and expanded[-1] in with_value:
                expanded.append(argument)
            elif argument == "--max":
                expanded.append("--preset=max")
            elif match := _CLUSTER.fullmatch(argument):
                flags = match[1] + match[3]
                expanded += [f"-{flags}"] * bool(flags) + [f"--preset={match[2]}"]
            else:
                expanded.append(argument)
        return super().parse_args(ctx, expanded)
