# Django is asked itself which of its parts the settings use (workbench/frameworks.py); PyInstaller's hook takes all.
hiddenimports: list[str] = []
