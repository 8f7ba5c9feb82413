"""What the launcher starts the interpreter with: `launched.pyc FIRST LOCK NAME …`.

FIRST to LOCK are the descriptors of the program's files in memory and, the last, of its folder, which is locked as
long as it is open. Behind NAME stand the arguments of the program, its own path first; or, if NAME is empty, those of
an interpreter, from "-c" or "-m" on.

The program is executed in this very module, as "__main__": nothing of what is defined here stays in it.
"""

# Nothing is imported that a program may do without.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType


def tell_time() -> None:
    """Say when the program begins, by the clock and in the words that the launcher has for what comes before."""
    import sys
    import time

    now = time.monotonic_ns()
    print(f"start time: {now // 10**9} s {now % 10**9} ns: program", file=sys.stderr)


def keep_to_ourselves(first: int, lock: int) -> None:
    """Let no other program that is started have the files; processes that are forked share them."""
    import os

    for descriptor in range(first, lock + 1):
        try:
            os.set_inheritable(descriptor, False)
        except OSError:
            continue


def remove_at_end(root: str, lock: int) -> None:
    """Remove the folder when the last process that needs it ends, whichever that is."""
    import atexit
    import os
    from _thread import get_ident

    # The folder, locked once more for a child, by the thread that is about to fork it.
    for_child: dict[int, int] = {}

    def lock_for_child() -> None:
        try:
            import fcntl

            for_child[get_ident()] = folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(folder, fcntl.LOCK_SH)
        except (ImportError, OSError):
            return

    def leave_to_child() -> None:
        if get_ident() in for_child:
            os.close(for_child.pop(get_ident()))

    def take_from_parent() -> None:
        if get_ident() in for_child:
            os.dup2(for_child[get_ident()], lock, inheritable=False)
        for folder in for_child.values():
            os.close(folder)
        for_child.clear()

    def load_unwinder() -> None:
        """What glibc opens by name to end a thread; threads that are left are ended when the folder is gone."""
        import _imp
        from _frozen_importlib import ModuleSpec

        try:
            _imp.create_dynamic(ModuleSpec("libgcc_s", None, origin=f"{root}/lib/libgcc_s.so.1"))
        except ImportError:
            # It is no module of Python, or not there; what was loaded stays loaded.
            return

    def remove_below(folder: str) -> None:
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                remove_below(entry.path)
                os.rmdir(entry.path)
            else:
                os.unlink(entry.path)

    def remove() -> None:
        try:
            import fcntl

            # Even if that is refused, the shared lock is gone: of several that end at once, the last succeeds.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            load_unwinder()
            remove_below(root)
            os.rmdir(root)
        except (ImportError, OSError):
            # It is in use, or another user's.
            return

    atexit.register(remove)
    os.register_at_fork(before=lock_for_child, after_in_parent=leave_to_child, after_in_child=take_from_parent)


def entry_script(root: str, name: str) -> "CodeType":
    """What the program executes."""
    import os
    import sys
    from _frozen_importlib_external import SourcelessFileLoader

    if os.getpid() == 1:
        import signal

        # The kernel keeps from process 1 what it does not handle. A server has handlers of its own later.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    packages = f"{root}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    sys.path.append(packages)
    if os.path.exists(f"{packages}/pystatic_left_out.pyc"):
        __import__("pystatic_left_out")
    module = sys.modules["__main__"]
    # Tracebacks ask the loader for the lines of a script that has no source; those of this one are not its.
    module.__file__ = f"{packages}/{name}-entry.pyc"
    module.__loader__ = loader = SourcelessFileLoader("__main__", module.__file__)
    code = loader.get_code("__main__")
    assert code is not None
    return code


def command(kind: str, text: str) -> "CodeType":
    """What an interpreter executes for its "-c" or "-m"."""
    import os
    import sys

    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = "" if kind == "-c" else os.getcwd()
    del sys.modules["__main__"].__file__
    if kind == "-m":
        text = f"__import__('runpy')._run_module_as_main({text!r})"
    return compile(text, "<string>", "exec", dont_inherit=True)


def begin() -> "CodeType":
    """What is to be executed; nothing that is defined here is left."""
    import sys

    root, (first, lock, name) = sys.argv[0].rpartition("/")[0], sys.argv[1:4]
    del sys.argv[:4]
    if name and "importtime" in sys._xoptions:
        tell_time()
    keep_to_ourselves(int(first), int(lock))
    remove_at_end(root, int(lock))
    code = entry_script(root, name) if name else command(sys.argv[0], sys.argv.pop(1))
    names = vars(sys.modules["__main__"])
    for each in [each for each in names if not each.startswith("__")]:
        del names[each]
    return code


exec(begin())  # noqa: S102 - the program itself
