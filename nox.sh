#!/bin/sh
# Nox with this project's own sessions, on a machine that has python3 and little else.
# Makes a private environment in .venv and installs the system packages that a build needs.
# Usage: ./nox.sh [arguments of nox]; PYTHON=/path/to/python3 chooses another interpreter.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}

missing=
need() { missing="$missing $1"; }
if ! command -v strip >/dev/null || ! command -v objcopy >/dev/null; then need binutils; fi
"$python" -c 'import ensurepip' 2>/dev/null || need python3-venv
# What runs the image: namespaces, which ordinary users have through bubblewrap; else Docker; else PRoot.
as_user=
[ "$(id -u)" = 0 ] || as_user="--user --map-root-user"
# shellcheck disable=SC2086 # options
if unshare $as_user --mount --pid --fork mount -t tmpfs tmpfs /mnt 2>/dev/null; then
    [ -z "$as_user" ] || command -v bwrap >/dev/null || need bubblewrap
elif ! docker version >/dev/null 2>&1; then
    command -v proot >/dev/null || need proot
fi

if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || { echo "nox.sh: please install:$missing" >&2; exit 3; }
    sudo=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "nox.sh: please run as root: apt-get install$missing" >&2; exit 3; }
        sudo=sudo
    fi
    echo "nox.sh: installing$missing" >&2
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

if [ ! -x .venv/bin/nox ]; then
    echo "nox.sh: making .venv" >&2
    # uv is five times as fast, where it is there and finds the packages: it does not read pip's settings.
    by_uv() {
        uv venv --quiet --clear --python "$(command -v "$python")" .venv && uv pip install --quiet --python .venv/bin/python -e .
    }
    if ! by_uv 2>/dev/null; then
        "$python" -m venv --clear .venv
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -e .
    fi
fi
exec .venv/bin/nox "$@"
