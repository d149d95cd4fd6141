# shellcheck shell=bash
# What bin/demo, bin/test and bin/bench share: where things are kept, Debian packages, Python environments.
set -euo pipefail

# shellcheck disable=SC2034
project_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache_dir=${DETECTVIZ_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/detectviz-infra}
export DETECTVIZ_CACHE=$cache_dir
mkdir -p "$cache_dir"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Installs the Debian packages that are missing; asks the package lists only when there is something to install.
ensure_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    command -v apt-get >/dev/null || die "these programs are missing and apt-get is not here to install them: ${missing[*]}"
    [ "$(id -u)" -eq 0 ] || die "run as root, or install first: apt-get install ${missing[*]}"
    say "installing Debian packages: ${missing[*]}"
    local log=$cache_dir/apt.log
    {
        apt-get -q update
        DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}"
    } >"$log" 2>&1 </dev/null || {
        tail -n 20 "$log" >&2
        die "apt-get could not install ${missing[*]}; the whole log is in $log"
    }
}

# Prints a Python of at least the wanted minor version, newest first; fails silently where there is none.
# pyenv's shims are passed over: a shim answers for versions that are not there.
find_python() {
    local least=$1 most=${2:-99} minor candidate
    for minor in 15 14 13 12 11; do
        { [ "$minor" -ge "$least" ] && [ "$minor" -le "$most" ]; } || continue
        for candidate in "/usr/bin/python3.$minor" "/usr/local/bin/python3.$minor" \
            "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/"python3.$minor"; do
            if [ -x "$candidate" ] && "$candidate" -c 'import ensurepip, venv, ssl' 2>/dev/null; then
                printf '%s\n' "$candidate"
                return 0
            fi
        done
    done
    return 1
}

# ensure_venv NAME PYTHON REQUIREMENTS...: an environment with just these requirements, built once for their content.
# Sets the variable `venv` to its folder.
ensure_venv() {
    local name=$1 python=$2 key requirement arguments=()
    shift 2
    key=$({
        "$python" -c 'import sys; print(sys.version, sys.executable)'
        cat "$@"
    } | sha256sum | cut -c1-12)
    venv=$cache_dir/venv/$name-$key
    exec 9>"$cache_dir/venv.lock"
    flock 9
    if [ ! -e "$venv/.complete" ]; then
        say "making the Python environment $name (once; about two minutes)"
        rm -rf "$venv"
        "$python" -m venv "$venv"
        for requirement in "$@"; do arguments+=(-r "$requirement"); done
        "$venv/bin/pip" install --quiet --disable-pip-version-check "${arguments[@]}" </dev/null ||
            die "pip could not install $*; run it again, what was fetched is kept"
        touch "$venv/.complete"
    fi
    exec 9>&-
}

# The environment of the commands themselves: the main line of ansible-core with every tool. Sets `venv` and `python`.
ensure_main_venv() {
    python=$(find_python 11 11) || die "no Python 3.11 with venv was found; on Debian 12: apt-get install python3-venv"
    ensure_venv core-2.19 "$python" tests/core-2.19.txt requirements.txt lab/requirements.txt tests/requirements.txt \
        tests/requirements-every-core.txt
}

# What the embedded lab needs of Debian; `python -m lab up` names what is missing.
# shellcheck disable=SC2034
lab_packages=(runc debootstrap iproute2 iputils-ping gnupg)
