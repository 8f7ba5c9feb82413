# Stands in where the interpreter lacks _decimal, which ours have. It would bring what _decimal itself imports.
excludedimports = ["_pydecimal"]
hiddenimports = ["numbers"]
