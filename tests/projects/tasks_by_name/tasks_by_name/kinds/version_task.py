from packaging.version import Version


def run(text):
    return f"{text} is {'newer' if Version(text) > Version('1.9') else 'not newer'} than 1.9"
