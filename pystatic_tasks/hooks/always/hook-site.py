# Only an interactive prompt imports these; they bring readline, curses and the new REPL.
excludedimports = ["readline", "rlcompleter", "_pyrepl"]
