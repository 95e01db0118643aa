#!/bin/sh
# Makes the virtual environment that the Makefile's targets run in, and installs this
# project into it, editable, with one extra. Does nothing when that is already so.
#
#   scripts/setup-env.sh EXTRA        EXTRA: examples, test, docs or dev
#
#   VENV=.venv   where the environment is
#   PYTHON=      the interpreter to make it with; left out, the first good one is taken
#   UV=          a uv to install with, ten times as fast; left out, or where it fails, pip does it
set -eu

extra=${1:?usage: scripts/setup-env.sh EXTRA}
venv=${VENV:-.venv}
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }

# A pyenv shim is there and yet does not run, so each candidate has to prove itself.
is_good() {
    "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

can_seed_pip() { "$1" -c 'import ensurepip' >/dev/null 2>&1; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_good "$PYTHON" || fail "PYTHON=$PYTHON does not run, or is older than Python 3.11"
        printf '%s\n' "$PYTHON"
        return
    fi
    spare=
    for candidate in python3 python3.13 python3.12 python3.11 python3.14 python \
        "$HOME"/.pyenv/versions/3.1[1-9]*/bin/python3 /opt/homebrew/bin/python3 /usr/local/bin/python3; do
        is_good "$candidate" || continue
        if can_seed_pip "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
        spare=${spare:-$candidate}
    done
    [ -n "$spare" ] || fail "no Python 3.11 or newer found. Install one, or name it: make PYTHON=/path/to/python3 ..."
    "$spare" -m pip --version >/dev/null 2>&1 ||
        fail "$spare has neither ensurepip nor pip. On Debian or Ubuntu: apt-get install python3-venv"
    printf '%s\n' "$spare"
}

# The state that an installation stands for. When any of it differs, it is done again.
wanted() {
    printf '%s\n' "$(pwd)" "$(cksum <pyproject.toml)"
}

stamp=$venv/.installed-$extra
runs() { "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted)" ] && [ -x "$venv/bin/python" ]; then
    "$venv/bin/python" -c '' 2>/dev/null && exit 0
fi

if ! runs; then
    python=$(find_python)
    # Only ever remove what is a virtual environment.
    if [ -e "$venv" ]; then
        [ -f "$venv/pyvenv.cfg" ] || fail "$venv exists and is no virtual environment: move it away"
        rm -rf "$venv"
    fi
    say "setup: making $venv with $("$python" -c 'import sys; print("Python", sys.version.split()[0])')"
    if can_seed_pip "$python"; then
        "$python" -m venv "$venv"
    else
        # Debian without python3-venv: the system's pip installs pip into the environment.
        "$python" -m venv --without-pip "$venv"
        "$python" -m pip --python "$venv/bin/python" --quiet install pip ||
            fail "could not install pip into $venv. On Debian or Ubuntu: apt-get install python3-venv"
    fi
fi

log=$venv/install.log
say "setup: installing what '$extra' needs into $venv (a minute or so the first time) ..."
by_uv() { [ -n "${UV:-}" ] && "$UV" pip install --quiet --python "$venv/bin/python" "$@"; }
by_pip() { "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off "$@"; }
if ! { by_uv --editable ".[$extra]" || by_pip --editable ".[$extra]"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "the installation failed; all of its output is in $log"
fi
wanted >"$stamp"
say "setup: done"
