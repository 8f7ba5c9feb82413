# Stands in where the interpreter lacks _decimal, which ours have.
excludedimports = ["_pydecimal"]
