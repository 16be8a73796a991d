"""The command line: one module per command, over the public Python API.

Nothing of rich is imported before something has to be drawn, and ``foretold --version`` does not
even wait for typer.
"""

from __future__ import annotations

import sys

__all__ = ["main", "version_line"]


def version_line() -> str:
    """Name, release and format generation, as ``foretold --version`` prints them."""
    import foretold

    return f"foretold {foretold.__version__} (format generation {foretold.FORMAT_GENERATION})"


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and ends the process with one of the codes of :mod:`.exits`.

    Parameters
    ----------
    arguments : list of str, optional
        Without the program's name; by default those the process was started with.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments in (["--version"], ["-V"]):
            print(version_line())
            sys.stdout.flush()
            return
        from .app import gather

        # A file's name must not stop its description.
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        gather(arguments[0] if arguments else None)(arguments, prog_name="foretold")
    except KeyboardInterrupt:
        # Before a command had begun, so that there is nothing to put in order.
        sys.exit(130)
    except BrokenPipeError:
        from .streams import abandon_stdout

        abandon_stdout()
        sys.exit(141)
    except OSError as error:
        from .streams import abandon_stdout

        abandon_stdout()
        from .exits import explain

        print(f"foretold: {explain(error)}", file=sys.stderr)
        sys.exit(1)
