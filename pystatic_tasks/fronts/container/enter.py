"""What the container starts: it makes an environment of our own tools, unless it is there, and goes on in that.

It is run as a file, by the Python of the image, which has nothing but the standard library.
"""

import json
import os
import subprocess
import sys
from pathlib import Path


def main(question: str, kept: str, *folders: str) -> int:
    """Go on in the environment.

    Args:
        question: The file with what it must hold.
        kept: The folder that it is in.
        folders: What else it imports from.

    Returns:
        The exit code of what failed, or 0.
    """
    asked = json.loads(Path(question).read_text(encoding="utf-8"))
    requirements = asked["requirements"]
    # Not by the engine, which would show them to whoever inspects the container.
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
