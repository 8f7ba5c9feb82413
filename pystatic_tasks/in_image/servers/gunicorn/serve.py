"""A WSGI or ASGI application served by a gunicorn that lives in the same program."""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.errors import AppImportError, HaltServer

from ...asgi import is_asgi
from ...errors import SettingsError, TargetError
from ...leaving import leave
from ...ports import refuse_port_in_use
from .late_errors import log_late_errors
from .settings import address_of, binds

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
        app = load_app(self._load)
        return log_late_errors(app) if self.cfg.worker_class_str == ASGI_WORKER and is_asgi(app) else app


def serve(load: Callable[[], Any], config: Config) -> int:
    """Serve what `load` returns, or only check it with `check_config` or print the settings with `print_config`.

    Returns:
        The exit code: 0 after an orderly stop, gunicorn's own 3 or 4 if the workers do not start or the application
        does not load.

    Raises:
        SettingsError: a port is in use, no folder is writable, or a part of gunicorn was left out that is wanted.
    """
    if config.print_config:
        print(config)
    os.chdir(config.chdir)
    if config.print_config or config.check_config:
        load_app(load)
        return 0
    refuse_what_was_left_out(config)
    refuse_ports_in_use(config)
    refuse_no_heartbeat(config)
    os.register_at_fork(after_in_child=end_by_signals)
    parent = os.getpid()
    try:
        StandaloneApplication(load, config).run()
    except HaltServer as halted:
        return halted.exit_status
    except SystemExit as ended:
        if os.getpid() != parent:
            leave(ended.code)
        raise
    return 0


def load_app(load: Callable[[], Any]) -> Any:
    """What `load` returns; a target that is none is the error by which gunicorn knows that."""
    try:
        return load()
    except TargetError as error:
        raise AppImportError(str(error)) from None


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
        if isinstance(address, tuple):
            refuse_port_in_use(*address)


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
