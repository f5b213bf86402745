#!/bin/sh
# Install Debian's Chromium, and a library that Playwright's driver needs, for the browser tests
# where that is possible without asking; where it is not, those tests skip and say so.
set -u

has_browser() {
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && return 0
    done
    return 1
}

# only Linux has ldconfig, and only there the driver wants the library
has_library() {
    ldconfig="$(PATH="$PATH:/sbin:/usr/sbin" command -v ldconfig)" || return 0
    "$ldconfig" -p | grep -q 'libatomic\.so\.1'
}

has_browser && has_library && exit 0
if ! command -v apt-get >/dev/null; then
    echo "No Chromium or libatomic, and no apt-get here: the browser tests will be skipped."
    exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "Chromium is missing: the browser tests will be skipped; to run them: sudo apt-get install chromium libatomic1"
    exit 0
fi

echo "Installing Chromium for the browser tests."
$as_root apt-get update -qq &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        chromium fonts-dejavu-core libatomic1 >/dev/null ||
    echo "Chromium could not be installed: the browser tests will be skipped."
