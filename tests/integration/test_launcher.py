"""One packed program, started where this and that is missing."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import packed
import pytest
from support import NOBODY, let_others_pass, tool_or_skip

from pystatic_tasks.in_env.elf.shared_libraries import UNWINDER, find_library, machine_of
from pystatic_tasks.in_env.pack import launcher as pack_launcher
from pystatic_tasks.steps.import_times import parse_imports
from pystatic_tasks.steps.start_phases import parse_phases

DAMAGED = "shop: cannot start: its file is damaged or cut short; build or copy it again\n"
NO_FILE = "shop: cannot start: /proc/self/exe: {}; /proc has to be mounted, and the file be readable\n"
NO_PLACE = (
    "shop: cannot start: there is no place for its files{}. "
    "Mount a tmpfs at /tmp{}, or name a folder in PYSTATIC_TMPDIR\n"
)
PLACES = ("/dev/shm", "/tmp", "/var/tmp")
TRAILER = struct.Struct("<3Q8s")
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
FORBID_MEMFD = """
import ctypes, os, platform, struct, sys
errno, number = int(sys.argv[1]), {"x86_64": 319, "aarch64": 279}[platform.machine()]
# Load the number of the system call; if it is that one, return the error; else allow it.
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50000 | errno), (6, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
program = struct.pack("<HxxxxxxQ", len(steps), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execvp(sys.argv[2], sys.argv[2:])
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("launcher")
    let_others_pass(folder)
    return folder


@pytest.fixture(scope="module")
def tree(work: Path) -> Path:
    return packed.lay_out(work)


@pytest.fixture(scope="module")
def program(work: Path, tree: Path) -> Path:
    """The program in one file."""
    output = work / "bin" / packed.NAME
    output.parent.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack_launcher, "LEVEL", 3)
        packed.pack(tree, output, work / "kept")
    return output


@pytest.fixture(scope="module")
def next_version(work: Path, tree: Path, program: Path) -> Path:
    output = work / "next" / packed.NAME
    output.parent.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack_launcher, "LEVEL", 3)
        packed.pack(tree, output, work / "kept", options=("-ISuO",))
    return output


@pytest.fixture(scope="module")
def large(work: Path, tree: Path) -> Path:
    """The program packed as if it were a large one."""
    output = work / "large" / packed.NAME
    output.parent.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack_launcher, "LARGE_BYTES", 1)
        patch.setattr(pack_launcher, "LEVEL_OF_LARGE", 3)
        packed.pack(tree, output, work / "kept-in-parts")
    assert len(list((work / "kept-in-parts").iterdir())) > pack_launcher.PARTS
    return output


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder for what the program unpacks; nothing may be left there."""
    folder = tmp_path / "place"
    folder.mkdir()
    folder.chmod(0o1777)
    let_others_pass(tmp_path)
    yield folder
    wait_until(lambda: not list(folder.iterdir()))


def wait_until(is_so: Callable[[], bool], seconds: float = 3) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "that did not come true in time"
        time.sleep(0.02)


def run(command: Sequence[str | Path], place: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        env=environment(place, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def environment(place: Path | None, **variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("TMPDIR", "PYSTATIC_TMPDIR")}
    return kept | ({"PYSTATIC_TMPDIR": str(place)} if place else {}) | variables


def output_of(command: Sequence[str | Path], place: Path | None = None, **variables: str) -> str:
    result = run(command, place, **variables)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@contextlib.contextmanager
def running(command: Sequence[str | Path], place: Path, said: str = "ready\n") -> Iterator[subprocess.Popen[str]]:
    """The program, once it has said that it runs; killed in the end."""
    pipe = subprocess.PIPE
    command = [str(word) for word in command]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment(place), text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == said
            yield process
        finally:
            process.kill()


# Says that it runs, and ends when its input does.
WAIT = "print('ready'); sys.stdin.read()"


def end(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.close()
    assert process.wait(timeout=20) == 0


def without_memfd(error: int = 1) -> list[str]:
    """What a command begins with that may make no files in memory: error 1 is EPERM, 38 ENOSYS."""
    return [sys.executable, "-c", FORBID_MEMFD, str(error)]


def among_mounts(commands: str, *command: str | Path, options: Sequence[str] = ()) -> list[str]:
    """A command that is run after some others in a mount namespace of its own."""
    as_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    before = [tool_or_skip("unshare"), "--mount", *as_user, *options]
    trial = subprocess.run([*before, "true"], capture_output=True, text=True, check=False, timeout=20)
    if trial.returncode:
        pytest.skip(f"no namespaces: {trial.stderr.strip()}")
    return [*before, "sh", "-ec", f'{commands}\nexec "$@"', "sh", *map(str, command)]


def mounted(options: str) -> str:
    """Commands that mount a tmpfs at each place, and the folder of the program where it is found nevertheless."""
    return "\n".join(f"mount -t tmpfs -o {options} none {place}" for place in PLACES)


def aside(program: Path) -> tuple[str, Path]:
    """Commands that show the program outside of all places, and its path there."""
    return f"mount --bind {program.parent} /mnt", Path("/mnt", program.name)


# What it is started with.


def test_it_is_the_interpreter_with_what_it_needs(program: Path, place: Path) -> None:
    code = (
        "print(sys.prefix, sys.executable, sys.argv, __file__, sorted(n for n in globals() if n[0] != '_'), sep='\\n')"
    )
    prefix, executable, arguments, file, names = output_of([program, code, "a b"], place).splitlines()
    assert Path(prefix).parent == place
    assert Path(prefix).name.startswith(f"shop-{os.geteuid()}-")
    assert executable == f"{prefix}/bin/python"
    assert arguments == str([str(program), code, "a b"])
    assert file == f"{prefix}/lib/{packed.VERSION}/site-packages/shop-entry.pyc"
    assert names == "['double', 'sys']"


@pytest.mark.parametrize("before", [(), without_memfd()], ids=["memory", "folder"])
def test_a_large_program_is_unpacked_in_parts(large: Path, place: Path, before: Sequence[str]) -> None:
    code = "import _socket, unicodedata; print(unicodedata.name('a'))"
    assert output_of([*before, large, code], place) == "LATIN SMALL LETTER A\n"


def test_found_by_its_name_it_knows_its_path(program: Path, place: Path) -> None:
    found = ["env", f"PATH={program.parent}", program.name]
    assert output_of([*found, "print(sys.argv[0])"], place) == f"{program}\n"


def test_the_program_has_its_exit_code(program: Path, place: Path) -> None:
    assert run([program, "sys.exit(7)"], place).returncode == 7


def test_it_times_imports_as_python_does_for_a_variable_of_its_own(program: Path, place: Path) -> None:
    begun = time.monotonic_ns()
    said = run([program, "import json; print(sys.argv[1:])", "one"], place, PYTHONPROFILEIMPORTTIME="1")
    assert (said.returncode, said.stdout) == (0, "['import json; print(sys.argv[1:])', 'one']\n")
    assert "json.decoder" in {each.name for each in parse_imports(said.stderr)}
    phases = parse_phases(said.stderr, begun, time.monotonic_ns())
    assert [each.name for each in phases] == ["container", "unpacking", "interpreter", "imports", "server"]
    assert all(each.us for each in phases)
    assert output_of([program, "import json"], place, PYTHONPROFILEIMPORTTIME="") == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_program(program: Path, place: Path, number: signal.Signals) -> None:
    handler = f"import signal; signal.signal({int(number)}, lambda *_: sys.exit(3));"
    with running([program, f"{handler} {WAIT}"], place) as process:
        process.send_signal(number)
        assert process.wait(timeout=20) == 3


# Where it may be executed, and where not.


def test_elf_files_are_in_memory(program: Path, place: Path) -> None:
    code = "import os, _json; print(os.readlink(_json.__file__), os.path.exists(_json.__file__))"
    link, exists = output_of([program, code], place).split()
    assert link.startswith("/proc/self/fd/")
    assert exists == "True"


@pytest.mark.parametrize("error", [1, 38])
def test_without_files_in_memory_they_are_in_the_folder(program: Path, place: Path, error: int) -> None:
    code = "import os, _json; print(os.path.islink(_json.__file__), _json.__file__)"
    is_link, file = output_of([*without_memfd(error), program, code], place).split()
    assert is_link == "False"
    assert Path(file).is_relative_to(place)


def test_where_memory_and_places_may_not_be_executed_each_is_named(program: Path) -> None:
    show, path = aside(program)
    result = run([*without_memfd(), *among_mounts(f"{show}\n{mounted('noexec')}", path)])
    reasons = "; memory: Operation not permitted" + "".join(f"; {each}: mounted noexec" for each in PLACES)
    assert (result.returncode, result.stderr) == (
        126,
        NO_PLACE.format(reasons, " that may hold executables, or allow memfd_create"),
    )


def test_noexec_does_not_matter_where_memory_may_be_executed(program: Path) -> None:
    show, path = aside(program)
    result = run(among_mounts(f"{show}\n{mounted('noexec')}", path, "print(sys.prefix)"))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("/dev/shm/shop-")


@as_root
@pytest.mark.parametrize("setting", [1, 2])
def test_the_setting_that_forbids_to_execute_memory_is_heeded(program: Path, place: Path, setting: int) -> None:
    if not Path("/proc/sys/vm/memfd_noexec").exists():
        pytest.skip("this kernel has no vm.memfd_noexec")
    own = among_mounts(f"echo {setting} >/proc/sys/vm/memfd_noexec", options=("--pid", "--fork", "--mount-proc"))
    code = "import os, _json; print(os.path.islink(_json.__file__))"
    assert output_of([*own, program, code], place) == f"{setting == 1}\n"


def test_where_nothing_can_be_written_each_place_is_named(program: Path) -> None:
    show, path = aside(program)
    result = run(among_mounts(f"{show}\n{mounted('ro')}", path))
    reasons = "".join(f"; {each}: Read-only file system" for each in PLACES)
    assert (result.returncode, result.stderr) == (126, NO_PLACE.format(reasons, " (noexec will do)"))


def test_places_are_tried_in_their_order_and_once(program: Path) -> None:
    show, path = aside(program)
    result = run(among_mounts(f"{show}\n{mounted('ro')}", path), PYSTATIC_TMPDIR="/none", TMPDIR="/tmp")
    reasons = "; /none: No such file or directory" + "".join(f"; {each}: Read-only file system" for each in PLACES)
    assert result.stderr == NO_PLACE.format(reasons, " (noexec will do)")


@pytest.mark.parametrize("before", [(), without_memfd()], ids=["memory", "folder"])
def test_where_there_is_no_room_the_next_place_is_tried(
    program: Path, place: Path, tmp_path: Path, before: Sequence[str]
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    code = "import os; print(os.listdir(os.environ['PYSTATIC_TMPDIR']), sys.prefix)"
    # The Docker default for /dev/shm is not for this test.
    commands = f"mount -t tmpfs -o size=300k none {small}\nmount -t tmpfs -o size=100k none /dev/shm"
    command = among_mounts(commands, *before, program, code)
    left, prefix = output_of(command, PYSTATIC_TMPDIR=str(small), TMPDIR=str(place)).split()
    assert left == "[]"
    assert Path(prefix).parent == place


def test_without_proc_it_says_so(program: Path) -> None:
    result = run(among_mounts("mount -t tmpfs none /proc", program))
    assert (result.returncode, result.stderr) == (126, NO_FILE.format("No such file or directory"))


@as_root
def test_a_file_that_may_only_be_executed_cannot_be_read(program: Path, tmp_path: Path) -> None:
    private = tmp_path / "shop"
    shutil.copy(program, private)
    private.chmod(0o711)
    let_others_pass(tmp_path)
    result = run([*AS_NOBODY, private])
    assert (result.returncode, result.stderr) == (126, NO_FILE.format("Permission denied"))


def test_too_few_descriptors_are_too_few(program: Path, place: Path) -> None:
    result = run(["sh", "-c", 'ulimit -n 40; exec "$@"', "sh", program], place)
    words = result.stderr.split()
    needed = words[words.index("needs") + 1]
    message = f"it needs {needed} open files, and may have 40; raise the limit, as by --ulimit nofile=1024"
    assert (result.returncode, result.stderr) == (126, f"shop: cannot start: {message}\n")
    enough: list[str | Path] = ["sh", "-c", f'ulimit -n {needed}; exec "$@"', "sh", program, "print(1)"]
    assert output_of(enough, place) == "1\n"


def test_descriptors_that_are_open_already_stay_what_they_are(program: Path, place: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    code = "import os; print([os.pread(number, 9, 0) for number in (200, 900, 1000, 1023)])"
    script = 'for n in 200 900 1000 1023; do eval "exec $n<\\"$0\\""; done; exec "$@"'
    result = output_of(["bash", "-c", script, str(tmp_path / "file"), program, code], place)
    assert result == f"{[b'mine'] * 4}\n"


# A file that is not what was built.


def changed(program: Path, path: Path, at: int, mask: int) -> Path:
    content = bytearray(program.read_bytes())
    content[at] ^= mask
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def start_of_payload(program: Path) -> int:
    content = program.read_bytes()
    start, *_ = TRAILER.unpack(content[-TRAILER.size :])
    return int(start)


def must_run_or_say_that_it_is_damaged(path: Path, place: Path) -> None:
    result = run([path, "print('as before')"], place)
    assert (result.returncode, result.stdout, result.stderr) in [(0, "as before\n", ""), (126, "", DAMAGED)]
    assert not list(place.iterdir())


def test_a_damaged_file_is_never_run(program: Path, place: Path, tmp_path: Path) -> None:
    generator, size = random.Random(14), program.stat().st_size
    start = start_of_payload(program)
    anywhere = [generator.randrange(start, size) for _ in range(60)]
    for at in [*anywhere, *range(size - TRAILER.size, size), start, start + 4]:
        must_run_or_say_that_it_is_damaged(changed(program, tmp_path / "shop", at, 1 << generator.randrange(8)), place)


def test_a_file_that_is_cut_short_is_never_run(program: Path, place: Path, tmp_path: Path) -> None:
    generator, size, path = random.Random(14), program.stat().st_size, tmp_path / "shop"
    start = start_of_payload(program)
    for end_at in [size - 1, size - TRAILER.size, start, *(generator.randrange(start, size) for _ in range(12))]:
        path.write_bytes(program.read_bytes()[:end_at])
        path.chmod(0o755)
        result = run([path], place)
        assert (result.returncode, result.stderr) == (126, DAMAGED)


# Folders.


def test_a_folder_of_a_killed_start_is_removed_by_the_next(program: Path, place: Path) -> None:
    with running([program, WAIT], place) as process:
        process.kill()
        process.wait(timeout=20)
        assert len(list(place.iterdir())) == 1
    assert output_of([program, "import os; print(len(os.listdir(os.path.dirname(sys.prefix))))"], place) == "1\n"


def test_a_folder_in_use_is_left_alone(program: Path, place: Path) -> None:
    with running([program, f"{WAIT}; import json"], place) as process:
        [folder] = place.iterdir()
        output_of([program, "pass"], place)
        assert list(place.iterdir()) == [folder]
        end(process)


def test_folders_of_others_with_such_a_name_are_left_alone(program: Path, place: Path) -> None:
    names = [f"shop-{os.geteuid()}-x-{os.geteuid()}-abcdef", f"shop-{os.geteuid() + 1}-abcdef", "shop-abcdef"]
    for name in names:
        (place / name).mkdir()
    output_of([program, "pass"], place)
    assert {path.name for path in place.iterdir()} == set(names)
    for name in names:
        (place / name).rmdir()


def test_many_starts_at_once_do_not_meet(program: Path, place: Path) -> None:
    results: list[str] = []

    def start() -> None:
        results.extend(
            output_of([program, "import json, os; print(os.path.exists(json.__file__))"], place) for _ in range(5)
        )

    threads = [threading.Thread(target=start) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["True\n"] * 25


@as_root
def test_two_users_do_not_meet(program: Path, place: Path) -> None:
    look = "import os; print(sorted(n[:7] for n in os.listdir(os.path.dirname(sys.prefix))), os.getuid())"
    with running([program, f"{WAIT}; import json"], place) as process:
        [folder] = place.iterdir()
        assert output_of([*AS_NOBODY, program, look], place) == f"['shop-0-', 'shop-65'] {NOBODY}\n"
        assert list(place.iterdir()) == [folder]
        process.kill()
        process.wait(timeout=20)
        output_of([*AS_NOBODY, program, "pass"], place)
        assert list(place.iterdir()) == [folder]
    output_of([program, "pass"], place)


@as_root
@pytest.mark.parametrize("before", [(), without_memfd()], ids=["memory", "folder"])
def test_a_worker_that_changes_its_user_can_read(program: Path, place: Path, before: Sequence[str]) -> None:
    code = f"""
        import os, subprocess, sys
        child = os.fork()
        if not child:
            os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
            import json, unicodedata
            again = subprocess.run([sys.executable, "-ISc", "import sys; print(sys.prefix)"], stdout=-1, text=True)
            print(json.dumps([unicodedata.name("a"), again.stdout.strip() == sys.prefix]))
            sys.exit()
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert output_of([*before, program, textwrap.dedent(code)], place) == '["LATIN SMALL LETTER A", true]\n'


@as_root
def test_others_may_read_what_they_may_read_of_the_file_itself(program: Path, place: Path, tmp_path: Path) -> None:
    private = tmp_path / "shop"
    shutil.copy(program, private)
    private.chmod(0o700)
    code = "import os; print(oct(os.stat(sys.prefix).st_mode & 0o777))"
    assert output_of([private, code], place) == "0o700\n"
    assert output_of([program, code], place) == "0o755\n"
    assert output_of([*AS_NOBODY, program, code], place) == "0o700\n"


# The interpreter once more.

BEFORE = pytest.mark.parametrize("before", [(), without_memfd()], ids=["memory", "folder"])


@BEFORE
@pytest.mark.parametrize("options", [["-ISc"], ["-IS", "-c"], ["-ISX", "dev", "-Wignore", "-c"]])
def test_its_executable_is_an_interpreter(
    program: Path, place: Path, before: Sequence[str], options: Sequence[str]
) -> None:
    inner = "import sys, unicodedata; print(sys.prefix, sys.argv, __name__, sorted(n for n in dir() if n[0] != '_'))"
    code = f"""
        import subprocess
        print(sys.prefix)
        sys.exit(subprocess.run([sys.executable, *{options}, {inner!r}, "a"]).returncode)
    """
    first, second = output_of([*before, program, textwrap.dedent(code)], place).splitlines()
    assert second == f"{first} ['-c', 'a'] __main__ ['sys', 'unicodedata']"


def test_its_executable_runs_modules(program: Path, place: Path) -> None:
    code = "import subprocess; sys.exit(subprocess.run([sys.executable, '-IS', '-m', 'getpass', 'a']).returncode)"
    assert run([program, code], place).returncode == 0
    code = "import subprocess; sys.exit(subprocess.run([sys.executable, '-IS', '-m', 'nowhere']).returncode)"
    result = run([program, code], place)
    assert (result.returncode, result.stderr.split(": ", 1)[1]) == (1, "No module named nowhere\n")


def test_an_exception_in_it_is_shown(program: Path, place: Path) -> None:
    code = "import subprocess; sys.exit(subprocess.run([sys.executable, '-IS', '-c', '1/0']).returncode)"
    result = run([program, code], place)
    assert (result.returncode, result.stderr.splitlines()[-1]) == (1, "ZeroDivisionError: division by zero")


@BEFORE
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_every_kind_can_be_started(program: Path, place: Path, before: Sequence[str], method: str) -> None:
    code = f"""
        import multiprocessing
        with multiprocessing.get_context({method!r}).Pool(2) as pool:
            print(pool.map(double, range(4)))
    """
    assert output_of([*before, program, textwrap.dedent(code)], place) == "[0, 2, 4, 6]\n"


def test_the_program_itself_can_be_started_again(program: Path, place: Path) -> None:
    again = "os.execv(sys.executable, [sys.executable, *sys.argv, 'again'])"
    code = f"import os, sys; len(sys.argv) < 3 and {again}; print(sys.argv[2])"
    assert output_of([program, code], place) == "again\n"
    # The folder of the first is left, since its end was none; the next start removes it.
    output_of([program, "pass"], place)


def test_a_process_that_outlives_its_parent_removes_the_folder(program: Path, place: Path) -> None:
    code = """
        import os, subprocess, sys
        subprocess.Popen([sys.executable, "-IS", "-c", "import sys; sys.stdin.read(); import _json"])
        print("ready")
    """
    with running([program, textwrap.dedent(code)], place) as process:
        assert process.wait(timeout=20) == 0
        time.sleep(0.2)
        assert len(list(place.iterdir())) == 1
        assert process.stdin
        process.stdin.close()
        wait_until(lambda: not list(place.iterdir()))


def test_a_fork_that_outlives_its_parent_has_its_files(program: Path, place: Path) -> None:
    code = """
        import os, sys
        if os.fork():
            sys.exit()
        os.setsid()
        print("ready")
        sys.stdin.read()
        import json, unicodedata
        print(json.dumps(unicodedata.name("a")))
    """
    with running([program, textwrap.dedent(code)], place) as process:
        assert process.wait(timeout=20) == 0
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        assert process.stdout.read() == '"LATIN SMALL LETTER A"\n'


def test_threads_can_be_ended_when_the_folder_is_gone(program: Path, place: Path) -> None:
    code = """
        import _thread, sys, time

        def work():
            while True:
                sum(range(100))

        class Slow:
            def __del__(self):
                time.sleep(0.1)

        for _ in range(3):
            _thread.start_new_thread(work, ())
        sys.modules["kept until the interpreter ends"] = Slow()
    """
    # The loader has nothing but what the program brings.
    library = find_library(UNWINDER, machine_of(Path(sys.executable)))
    assert library
    hidden = among_mounts(f"mount -t tmpfs none {library.resolve().parent}", program, textwrap.dedent(code))
    assert output_of(hidden, place) == ""


def test_another_version_of_the_program_does_not_join_its_folder(
    program: Path, next_version: Path, place: Path, tmp_path: Path
) -> None:
    path = tmp_path / "shop"
    shutil.copy(program, path)
    inner = "import sys; print(sys.prefix)"
    start = f"subprocess.run([sys.executable, '-IS', '-c', {inner!r}])"
    code = f"{WAIT}; import subprocess; print(sys.prefix, flush=True); {start}"
    with running([path, code], place) as process:
        shutil.copy(next_version, tmp_path / "new")
        (tmp_path / "new").replace(path)
        output, _ = process.communicate(timeout=20)
        first, second = output.splitlines()
    assert first != second
    assert {Path(first).parent, Path(second).parent} == {place}


def test_a_link_that_somebody_calls_python_is_the_program(program: Path, place: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(program)
    assert output_of([tmp_path / "bin" / "python", "print(len(sys.argv))"], place) == "2\n"
    assert (tmp_path / "bin" / "python").exists()


# What others get.


@BEFORE
def test_programs_that_are_started_inherit_no_descriptors(program: Path, place: Path, before: Sequence[str]) -> None:
    show = "import os; os.system('ls /proc/self/fd | wc -l')"
    code = f"{show}; import subprocess; subprocess.run([sys.executable, '-IS', '-c', {show!r}])"
    # The three of each, and that of the folder that is listed.
    assert output_of([*before, program, code], place).split() == ["4", "4"]


def test_the_launcher_answers_health_checks_itself(program: Path, place: Path) -> None:
    code = f"open(sys.prefix + '/address', 'w').write('127.0.0.1 ' + sys.argv[2]); {WAIT}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with running([program, code, str(port)], place) as process:
            for answer, expected in (
                (b"HTTP/1.1 200 OK\r\n\r\n", (0, "")),
                (b"HTTP/1.1 503 No\r\n\r\n", (1, "unhealthy: /well answered 503\n")),
                (b"", (1, f"unhealthy: no answer from 127.0.0.1 {port}: Protocol error\n")),
            ):
                thread = threading.Thread(target=answer_one, args=(server, answer))
                thread.start()
                result = run([program, "--healthcheck", "/well"], place)
                thread.join()
                assert (result.returncode, result.stderr) == expected
            end(process)


def answer_one(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(answer)
