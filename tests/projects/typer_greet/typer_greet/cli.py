from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(help="Greets people.")
console = Console()


@app.command()
def hello(name: str, shout: Annotated[bool, typer.Option(help="In capitals.")] = False) -> None:
    """Greet somebody."""
    text = f"Hello {name}"
    console.print(f"[bold green]{text.upper() if shout else text}[/]")


@app.command()
def table() -> None:
    """Show a table of greetings."""
    rows = Table("language", "greeting", title=f"greet-tool {version('typer-greet')}")
    rows.add_row("Deutsch", "Grüß Gott :wave:")
    rows.add_row("Français", "Salut")
    console.print(rows)


@app.command()
def fail() -> None:
    """End with exit code 3."""
    Console(stderr=True).print("failed [red]on purpose[/]")
    raise typer.Exit(3)
