# Only on Windows.
excludedimports = ["multiprocessing.popen_spawn_win32"]
