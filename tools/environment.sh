#!/bin/sh
# Make the course's own environment: .venv with the libraries of requirements.txt
# and this project in it.  With nothing to do it takes no time.
#
#     sh tools/environment.sh
#
# PYTHON names the interpreter to use; else the first fitting one on the path is taken.
# Whatever goes wrong ends in one sentence that says what to do.
set -u
cd "$(dirname "$0")/.." || exit 1

need_kb=3145728 # 3 GiB: the libraries, and room to unpack them
venv=.venv
mark=$venv/complete # written last, so that half an installation never passes for one
log=$venv/pip.log

fail() {
    printf '\nNo environment: %s\n' "$1" >&2
    exit 1
}

version_of() {
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null
}

find_python() { # sets python and version
    seen=
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.13 python3.12 python3.11 python
    fi
    for python in "$@"; do
        command -v "$python" >/dev/null 2>&1 || continue
        version=$(version_of "$python")
        case $version in
        '') continue ;;
        3.1[1-9].* | 3.[2-9][0-9].*) return ;;
        esac
        seen="$seen $python is $version,"
    done
    if [ -n "$seen" ]; then
        fail "Python 3.11 or newer is needed, but${seen%,}: install a newer one (https://www.python.org/downloads) and say 'make PYTHON=/path/to/it book'."
    fi
    fail "no Python was found${PYTHON:+ at $PYTHON}: install Python 3.11 or newer (Debian and Ubuntu: apt-get install python3 python3-venv; others: https://www.python.org/downloads), or say 'make PYTHON=/path/to/it book'."
}

need_venv_module() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv), or say 'make PYTHON=/path/to/another/python book'."
}

no_disk() {
    fail "about 3 GB of free disk are needed in this folder and $1: free some, or move the folder to a larger disk."
}

need_disk() {
    free_kb=$(df -Pk . 2>/dev/null | awk 'NR == 2 { print $4 }')
    case $free_kb in
    '' | *[!0-9]*) return ;; # df says nothing usable: let pip find out
    esac
    [ "$free_kb" -ge "$need_kb" ] || no_disk "$((free_kb / 1024)) MB are left"
}

explain() { # what pip's log says went wrong
    printf '\nThe last lines of pip (all of them: %s):\n' "$log" >&2
    tail -n 12 "$log" >&2
    if grep -qi 'no space left' "$log"; then
        no_disk "the disk is full"
    fi
    if grep -Eqi 'NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|name resolution|getaddrinfo|network is unreachable|connection (to|refused|broken|reset)' "$log"; then
        fail "pip can't reach the package registry: connect to the network (behind a proxy set HTTPS_PROXY, for a mirror set PIP_INDEX_URL) and say the same again; what was downloaded is kept."
    fi
    fail "pip could not install the libraries: its last lines above say why; 'make clean-all' and the same command again start afresh."
}

key() { # changes when what should be installed, or the place, changes
    printf '%s %s %s\n' "$(cat requirements.txt pyproject.toml | cksum)" "$1" "$(pwd)"
}

inside=$venv/bin/python
[ ! -e "$venv/Scripts/python.exe" ] || inside=$venv/Scripts/python.exe

# Nothing to do?  (A PYTHON of another version asks for a new environment.)
current=$([ -x "$inside" ] && version_of "$inside")
if [ -n "$current" ] && [ -f "$mark" ] && [ "$(cat "$mark")" = "$(key "$current")" ]; then
    [ -n "${PYTHON:-}" ] || exit 0
    find_python
    [ "$version" != "$current" ] || exit 0
fi

find_python
need_venv_module
need_disk
rm -f "$mark"
if [ "$current" != "$version" ] || ! "$inside" -m pip --version >/dev/null 2>&1; then
    printf 'environment: making %s with Python %s\n' "$venv" "$version"
    problem=$("$python" -m venv --clear "$venv" 2>&1) ||
        fail "$python can't make a virtual environment here: install its venv module (Debian and Ubuntu: apt-get install python3-venv); it said: $(printf '%s' "$problem" | tail -n 1)"
    inside=$venv/bin/python
    [ ! -e "$venv/Scripts/python.exe" ] || inside=$venv/Scripts/python.exe
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
printf 'environment: installing %s libraries (2 GB; minutes the first time)\n' \
    "$(grep -c '^[a-z].*==' requirements.txt)"
"$inside" -m pip install --requirement requirements.txt >"$log" 2>&1 || explain
# setuptools is in the lock, so this asks the network for nothing
"$inside" -m pip install --no-deps --no-build-isolation --editable . >>"$log" 2>&1 || explain
key "$version" >"$mark.part" && mv "$mark.part" "$mark" || exit 1
printf 'environment: ready, Python %s in %s\n' "$version" "$venv"
