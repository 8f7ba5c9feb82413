# For members of a ZIP file that are compressed so.
excludedimports = ["bz2", "lzma"]
