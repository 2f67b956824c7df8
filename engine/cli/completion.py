"""`trailbell completion`: the script that completes commands and options in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(short_help="Print a shell's completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a SHELL.

    \b
    bash:  eval "$(trailbell completion bash)"
    zsh:   eval "$(trailbell completion zsh)"
    fish:  trailbell completion fish | source
    """  # noqa: D301  click keeps these lines apart because of this character
    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(script(context.find_root().command, {}, "trailbell", "_TRAILBELL_COMPLETE").source())
