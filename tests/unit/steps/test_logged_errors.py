from __future__ import annotations

from pystatic_tasks.steps.logged_errors import LoggedError, logged_errors

LOG = """\
[2026-01-02 10:00:00 +0000] [7] [INFO] Starting
[2026-01-02 10:00:01 +0000] [8] [ERROR] Error handling request /page/5
Traceback (most recent call last):
  File "shop.py", line 5, in f
    raise KeyError(5)

FileNotFoundError: [Errno 2] No such file: '/dev/shm/x-a7f_/y.txt'
Traceback (most recent call last):
  File "shop.py", line 5, in f
"""


def test_errors_are_told_apart_by_what_they_say() -> None:
    assert list(logged_errors(LOG, "gunicorn")) == [
        LoggedError(
            "[2026-01-02 10:00:01 +0000] [8] [ERROR] Error handling request /page/5",
            "[0-0-0 0:0:0 +0] [0] [ERROR] Error handling request /",
        ),
        LoggedError("Traceback (most recent call last):", "FileNotFoundError: [Errno 0] No such file: '/'"),
        LoggedError("Traceback (most recent call last):", ""),
    ]


def test_what_python_ignores_is_no_error() -> None:
    ignored = "Exception ignored in atexit callback <function rmtree>:\nTraceback (most recent call last):\nOSError\n"
    assert list(logged_errors(ignored, "gunicorn")) == []
    assert len(list(logged_errors(ignored * 2 + LOG, "gunicorn"))) == 3


GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "shop.py", line 5, in f
  | ExceptionGroup: errors (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "shop.py", line 6, in g
    | KeyError: <Session at 0x7f3ab2c4d0>
    +------------------------------------
"""


def test_groups_of_exceptions_are_errors_of_their_own() -> None:
    assert [error.text for error in logged_errors(GROUP, "gunicorn")] == [
        "ExceptionGroup: errors (0 sub-exception)",
        "KeyError: <Session at 0>",
    ]


def test_secrets_are_hidden_before_what_differs_is_left_out() -> None:
    texts = [error.text for error in logged_errors(LOG, "gunicorn", lambda text: text.replace("/page/5", "***"))]
    assert texts[0] == "[0-0-0 0:0:0 +0] [0] [ERROR] Error handling request ***"
