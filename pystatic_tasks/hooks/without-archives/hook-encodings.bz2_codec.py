# A codec from bytes to bytes, which is of no use without bz2.
excludedimports = ["bz2"]
