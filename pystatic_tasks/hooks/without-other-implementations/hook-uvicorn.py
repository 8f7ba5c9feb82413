# Goes before the hook that brings every submodule: the implementations that the settings lead to are named.
hiddenimports: list[str] = []
