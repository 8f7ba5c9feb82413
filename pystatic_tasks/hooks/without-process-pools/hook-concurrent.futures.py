# Imported when somebody asks for ProcessPoolExecutor; it brings multiprocessing and ctypes.
excludedimports = ["concurrent.futures.process"]
