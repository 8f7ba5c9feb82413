# Stands in where the interpreter lacks _datetime, which ours have.
excludedimports = ["_pydatetime"]
