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

# Debian's minimal systems lack it; where nothing lists the libraries, it is taken to be there
has_library() {
    ldconfig="$(PATH="$PATH:/sbin:/usr/sbin" command -v ldconfig)" || return 0
    listed="$("$ldconfig" -p 2>/dev/null)" || return 0
    case "$listed" in *libatomic.so.1*) return 0 ;; esac
    return 1
}

wanted=""
has_browser || wanted="chromium fonts-dejavu-core"
has_library || wanted="$wanted libatomic1"
[ -z "$wanted" ] && exit 0
if ! command -v apt-get >/dev/null; then
    echo "The browser tests want $wanted, and there is no apt-get here: they may fail or be skipped."
    exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "The browser tests want more; to run them: sudo apt-get install $wanted"
    exit 0
fi

echo "Installing for the browser tests: $wanted"
$as_root apt-get update -qq &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $wanted >/dev/null ||
    echo "That failed: the browser tests may fail or be skipped."
