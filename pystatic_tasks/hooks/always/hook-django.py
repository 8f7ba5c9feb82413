# Django is asked itself which of its parts the settings use (in_env/examine/frameworks.py); its own hook takes all.
hiddenimports: list[str] = []
