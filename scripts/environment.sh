#!/bin/sh
# Create a virtual environment: environment.sh PYTHON DIRECTORY
set -eu
python=$1
directory=$2

if ! command -v "$python" >/dev/null; then
    echo "galexplorer: '$python' is not installed; on Debian or Ubuntu run: sudo apt-get install python3 python3-venv" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "galexplorer needs Python 3.11 or newer and '$python' is $("$python" -V); name another one: make PYTHON=python3.12 app" >&2
    exit 1
fi

# Debian ships venv apart from Python, and says so only once venv has half succeeded.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        DEBIAN_FRONTEND=noninteractive
        export DEBIAN_FRONTEND
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends python3-venv
    else
        echo "galexplorer: Python's venv module is missing; on Debian or Ubuntu run: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi

trap 'rm -rf "$directory"' INT TERM
"$python" -m venv "$directory" || { rm -rf "$directory"; exit 1; }
