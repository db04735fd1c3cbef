"""`muntin account …`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="People who can sign in.", no_args_is_help=True)


@app.command()
def create(
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    admin: Annotated[bool, typer.Option(help="Make them an administrator.")] = False,
) -> None:
    """Create an account; its password is asked for."""
    from muntin.accounts.commands import create_account
    from muntin.cli.running import run

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    username = run(lambda _panel: create_account(email, password, admin=admin))
    typer.echo(f"Created {username}.")


@app.command()
def password(email: Annotated[str, typer.Argument(help="E-mail address.")]) -> None:
    """Set a new password; every session of the account ends."""
    from muntin.accounts.commands import set_password
    from muntin.cli.running import run

    new = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    run(lambda _panel: set_password(email, new))
    typer.echo("Changed.")


@app.command()
def disable(email: Annotated[str, typer.Argument(help="E-mail address.")]) -> None:
    """Suspend an account; its sessions and keys stop working at once."""
    from muntin.accounts.commands import disable_account
    from muntin.cli.running import run

    run(lambda _panel: disable_account(email))
    typer.echo("Disabled.")
