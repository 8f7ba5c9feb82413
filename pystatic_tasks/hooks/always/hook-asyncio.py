# Only on Windows.
excludedimports = ["asyncio.windows_events", "asyncio.windows_utils", "asyncio.proactor_events"]
