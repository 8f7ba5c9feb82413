"""Says why a module is missing that slim left out, and what keeps it.

Its source, with a call of `explain` behind it, is a module of its own in the program, which has nothing else of ours if
it serves no application. Whatever it imports may be left out: even `__future__`.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

# The function of the import system that wants a module, and does not only ask whether there is one.
IMPORTING = "_find_and_load_unlocked"
# Of `unicodedata`, which itself always stays.
NAMES = "unicodedata.names"


class Explaining:
    """Asked when nobody else found a module: finds none either."""

    def __init__(self, names: "Iterable[str]") -> None:
        self.names = frozenset(names)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raises ModuleNotFoundError for what was left out, where it is imported."""
        if name in self.names and sys._getframe(2).f_code.co_name == IMPORTING:
            text = f'No module named {name!r}: slim left it out; keep it by slim.keep = ["{name}"]'
            # With its name, `from package import module` would drop the text.
            raise ModuleNotFoundError(text, name=None if "." in name else name)


def refuse_names(*given: object) -> "NoReturn":
    """Raises RuntimeError where Python would say that a character has no name."""
    text = f'The names of characters are not in this program: slim left them out; keep them by slim.keep = ["{NAMES}"]'
    raise RuntimeError(text)


def explain(names: "Iterable[str]") -> None:
    sys.meta_path.append(Explaining(names))
    if NAMES in names:
        import unicodedata
        from _codecs import register_error

        unicodedata.name = unicodedata.lookup = refuse_names
        register_error("namereplace", refuse_names)
