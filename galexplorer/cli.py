"""The command line: the same engine as the app, one command for each station."""

import atexit
import gc
import os
import re
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from galexplorer import console
from galexplorer.commands import app as explorer
from galexplorer.commands import infer, library, sky, survey, targets, training
from galexplorer.errors import GalexplorerError, InterruptionError, OptionError
from galexplorer.version import __version__

# Nothing heavy is imported here: --help and a wrong option are answered at once.

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended."""

app = typer.Typer(
    name="galexplorer",
    help="Joint posteriors of galaxy properties from an image, from photometry, or both.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

infer.register(app)
survey.register(app)
explorer.register(app)
sky.register(app)
targets.register(app)
training.register(app)
library.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.

    Returns
    -------
    int
        0 if all went well; 2 after an error, which is one line on stderr; 128 more than the number
        of the signal that ended the command.
    """
    if arguments is None:
        _spare_the_collector()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=arguments or ["--help"], prog_name="galexplorer", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:
            return _fail("interrupted.", INTERRUPTED)
        return code if isinstance(code, int) else 0
    except InterruptionError as error:
        return _fail(str(error), 128 + error.signal)
    except GalexplorerError as error:
        return _fail(str(error))
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted.", INTERRUPTED)
    except typer.TyperException as error:
        # Usage errors name the option only in their formatted message.
        told = error.format_message() if hasattr(error, "format_message") else str(error)
        if re.match(r"No such option:? '?-\d", told):
            told += ". Quote a position whose declination is negative: '162.1 -5.7'."
        if re.match(r"No such option:? '?(-[vq]+|--verbose|--quiet)\b", told):
            told += ". Give it before the command: galexplorer -v infer."
        return _fail(told)
    except BrokenPipeError:
        # The reader went away (head, less): not an error, and Python must not flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _spare_the_collector() -> None:
    """Have Python look for cycles among the objects of this process less often, and not at its end.

    Imports make half a million objects that stay. By default Python looks through them dozens of
    times while they are made, and again before it exits: a quarter of the time of a short command.
    """
    gc.set_threshold(100_000, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


def _fail(message: str, code: int = 2) -> int:
    console.tell_failure(f"error: {' '.join(message.split())}")
    return code


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"galexplorer {__version__}")
        raise typer.Exit


@app.callback()
def _set_up(
    context: typer.Context,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            help="Show the log; twice, its details.",
        ),
    ] = 0,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks; failures alone.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Joint posteriors of galaxy properties from an image, from photometry, or both."""
    if verbose and quiet:
        raise OptionError("--verbose and --quiet exclude each other: give one.")
    context.with_resource(console.verbosity(-1 if quiet else verbose))


if __name__ == "__main__":
    sys.exit(main())
