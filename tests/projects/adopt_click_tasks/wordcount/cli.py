import click

from wordcount import count


@click.command()
@click.argument("file", type=click.File())
def main(file):
    """Count the words of FILE ("-" is the standard input)."""
    click.echo(count(file.read()))
