# For make_archive() and unpack_archive().
excludedimports = ["tarfile", "zipfile", "bz2", "lzma"]
