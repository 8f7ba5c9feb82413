# Only when it is run as a program.
excludedimports = ["argparse", "doctest", "pprint"]
