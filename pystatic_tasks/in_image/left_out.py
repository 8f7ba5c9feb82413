"""Says why a module is missing that slim left out, and what keeps it.

Its source, with a call of `explain` behind it, is a module of its own in the program, which has nothing else of ours if
it serves no application. Whatever it imports may be left out: even `__future__`.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# The function of the import system that wants a module, and does not only ask whether there is one.
IMPORTING = "_find_and_load_unlocked"


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


def explain(names: "Iterable[str]") -> None:
    sys.meta_path.append(Explaining(names))
