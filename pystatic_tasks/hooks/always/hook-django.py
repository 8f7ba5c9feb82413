# Django is asked itself which of its parts the settings use (in_env/frameworks.py); PyInstaller's hook takes all.
hiddenimports: list[str] = []
