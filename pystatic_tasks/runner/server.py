"""A WSGI or ASGI application served by a gunicorn that lives in the same program."""

from __future__ import annotations

import errno
import gc
import importlib.util
import os
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.errors import HaltServer

from .asgi import is_asgi, log_late_errors
from .healthcheck import ask_myself
from .settings import SettingsError, address_of, binds, configure

HEALTHCHECK = "--healthcheck"
ASGI_WORKER = "asgi"
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class StandaloneApplication(BaseApplication):
    """gunicorn around one application, set up by us and by nothing on disk."""

    def __init__(self, load: Callable[[], Any], config: Config) -> None:
        self._load = load
        self._config = config
        super().__init__()

    def load_default_config(self) -> None:
        self.cfg = self._config

    def load_config(self) -> None:
        """Everything was set before."""

    def load(self) -> Any:
        """The application; called in each worker, or once before them with `preload_app`."""
        if not self.cfg.preload_app:
            return self.load_app()
        try:
            app = self.load_app()
        except Exception:
            traceback.print_exc()
            raise HaltServer("The application does not load.", Arbiter.APP_LOAD_ERROR) from None
        # What no collection looks at any more stays in pages that the workers share.
        gc.freeze()
        return app

    def load_app(self) -> Any:
        app = self._load()
        return log_late_errors(app) if self.cfg.worker_class_str == ASGI_WORKER and is_asgi(app) else app


def main(
    load: Callable[[], Any],
    settings: Mapping[str, Any],
    own: Mapping[str, Any],
    arguments: Sequence[str] | None = None,
) -> int:
    """Serve until told to stop, or ask the running server whether it is well.

    Args:
        load: Returns the application; called once before the workers start, or in each without `preload_app`.
        settings: The project's settings, by gunicorn's names.
        own: The names of its own configuration file of gunicorn, empty without one.
        arguments: Command-line arguments; those of the process unless given.

    Returns:
        The exit code: 0 after an orderly stop or with `--check-config`, 1 if the health check found no good answer,
        2 if a setting, a variable or an argument is wrong, a port is in use or no folder is writable,
        3 or 4 if the workers do not start or the application does not load (gunicorn's codes).
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    checks_health = arguments[:1] == [HEALTHCHECK]
    try:
        config = configure(settings, os.environ, [] if checks_health else arguments, own)
        if checks_health:
            return ask_myself(config, arguments[1] if len(arguments) > 1 else "/")
        if config.print_config:
            print(config)
        os.chdir(config.chdir)
        if config.print_config or config.check_config:
            load()
            return 0
        refuse_what_was_left_out(config)
        refuse_ports_in_use(config)
        refuse_no_heartbeat(config)
    except SettingsError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    os.register_at_fork(after_in_child=end_by_signals)
    try:
        StandaloneApplication(load, config).run()
    except HaltServer as halted:
        return halted.exit_status
    return 0


def end_by_signals() -> None:
    """For processes that were just forked: the handlers that they inherit only work in their parent.

    gunicorn waits for a worker that it told to end before the worker had handlers of its own;
    so does a pool for a child of a worker.
    """
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda number, frame: sys.exit(0))


def refuse_what_was_left_out(config: Config) -> None:
    """Programs without dirty apps are frozen without what would run them."""
    names = ("dirty_apps", "dirty_workers")
    is_wanted = all(name in config.settings and config.settings[name].get() for name in names)
    if is_wanted and importlib.util.find_spec("gunicorn.dirty") is None:
        raise SettingsError(
            "dirty_apps cannot be added here: name them in the settings that the program is built with."
        )


def refuse_ports_in_use(config: Config) -> None:
    """Say at once what gunicorn would find out after five tries."""
    if config.reuse_port or "LISTEN_FDS" in os.environ or "GUNICORN_FD" in os.environ:
        return
    for address in map(address_of, binds(config)):
        if not isinstance(address, tuple):
            continue
        host, port = address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise SettingsError(
                        f"Port {port} of {host} is in use. Stop the program that holds it, or set PORT to a free one."
                    ) from None
                if error.errno == errno.EACCES:
                    raise SettingsError(
                        f"Port {port} of {host} is not allowed to this user. Set PORT to one above 1023."
                    ) from None


def refuse_no_heartbeat(config: Config) -> None:
    """Say at once, and what to do, where gunicorn would end in a traceback."""
    folder = config.worker_tmp_dir
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        place = f"in {folder}: {error.strerror}" if folder else "anywhere: neither /dev/shm nor /tmp is writable"
        raise SettingsError(
            f"The workers cannot keep their heartbeat {place}. Mount a writable /dev/shm, as engines do "
            "unless told otherwise (--tmpfs /dev/shm), or name another folder: --worker-tmp-dir."
        ) from None
