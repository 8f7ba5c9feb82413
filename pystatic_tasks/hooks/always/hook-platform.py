# Only on Android, iOS and macOS.
excludedimports = ["ctypes", "plistlib", "_ios_support"]
