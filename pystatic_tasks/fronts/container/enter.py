"""The container's entry point: it creates an environment with our own tools, if needed, and continues in it.

It runs as a script with the image's Python, which has nothing but the standard library.
"""

import json
import os
import subprocess
import sys
from pathlib import Path


def main(question: str, kept: str, *folders: str) -> int:
    """Create the environment if needed, and run `inside` in it.

    Args:
        question: The file with the question; it lists the requirements of the environment.
        kept: The folder that holds the environment.
        folders: Further folders to import from.

    Returns:
        The exit code of the command that failed, or 0.
    """
    asked = json.loads(Path(question).read_text(encoding="utf-8"))
    requirements = asked["requirements"]
    # Set here and not by the engine, which would show them to anyone who inspects the container.
    os.environ.update(asked["variables"])
    tools = Path(kept, "tools")
    python = tools / "bin" / "python"
    marker = tools / "pystatic-installed.json"
    wanted = json.dumps([sys.version, requirements])
    if not marker.exists() or marker.read_text(encoding="utf-8") != wanted:
        print("installing our own tools", flush=True)
        install = ("-m", "pip", "install", "-qq", "--disable-pip-version-check", *requirements)
        for start, *arguments in ((sys.executable, "-m", "venv", "--clear", str(tools)), (str(python), *install)):
            code = subprocess.run([start, *arguments], check=False).returncode
            if code:
                return code
        site = next((tools / "lib").glob("python3*/site-packages"))
        (site / "pystatic.pth").write_text("\n".join(folders), encoding="utf-8")
        marker.write_text(wanted, encoding="utf-8")
    return subprocess.run([python, "-m", "pystatic_tasks.fronts.container.inside"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
