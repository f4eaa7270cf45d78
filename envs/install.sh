#!/usr/bin/env bash
# Makes the virtual environment VENV hold exactly what a lock pins:  envs/install.sh VENV [LOCK]
#
# LOCK is cpu, cuda or recbole. Without it: $CRAGRU_LOCK, else cuda if nvidia-smi lists a GPU, else cpu. $PYTHON may name a
# Python 3.11. Every `make` target begins here, so a finished environment costs milliseconds and prints nothing. The stamp is
# written last: after an interruption, the same command goes on from there.
set -euo pipefail

say() { printf 'install: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# Snakemake starts jobs through a shell and does not quote its Python; a ':' would end a step of PATH, braces are wildcards.
check_path() {
  case $1 in
    *[[:space:][:cntrl:]\'\"\`\$\\:\;\&\|\<\>\(\)\{\}\[\]\*\?]*)
      die "nothing was installed: Snakemake's jobs cannot start from the folder $(printf %q "$(dirname "$1")"): move the checkout to a path" \
        "without blanks, quotes, line breaks and any of \` \$ \\ : ; & | < > ( ) { } [ ] * ?" ;;
  esac
}

choose_lock() {
  case ${CRAGRU_LOCK:-} in
    cpu | cuda) echo "$CRAGRU_LOCK" ;;
    "") # a driver in trouble can hang, hence the time limit
      if timeout 20 nvidia-smi -L 2>/dev/null | grep -q '^GPU '; then echo cuda; else echo cpu; fi ;;
    *) die "CRAGRU_LOCK is '$CRAGRU_LOCK'; allowed: cpu, cuda, or unset to choose by nvidia-smi" ;;
  esac
}

find_python() {
  local candidate version base found=""
  for candidate in ${PYTHON:-python3.11 python3}; do
    # its base: the candidate may lie in the very environment that is about to be deleted
    read -r version base < <("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys._base_executable)' 2>/dev/null) ||
      version="not there"
    if [ "$version" = 3.11 ]; then echo "$base" && return; fi
    found+="${found:+, }$candidate is $version"
  done
  die "needs Python 3.11, but $found: install it with its venv module, or name one with PYTHON=/path/to/python3.11"
}

# The digest of an environment: its locks, its place (the scripts in bin/ name it) and its Python, read without starting it.
digest() { { cat "${locks[@]}"; echo "$venv"; sed -n 's/^version = //p' "$venv/pyvenv.cfg" 2>/dev/null; } | sha256sum; }
marked() { [ -x "$venv/bin/python" ] && [ "$(cat "$venv/$1" 2>/dev/null)" = "$(digest)" ]; }
mark() { digest >"$venv/$1.part" && mv "$venv/$1.part" "$venv/$1"; }

make_venv() {
  local python && python=$(find_python)
  if [ -d "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ] && [ -n "$(find "$venv" -type f -print -quit)" ]; then
    die "$venv holds files but is no virtual environment: move it away, or name another folder"
  fi
  rm -rf "$venv.old"  # renamed before it is deleted: half an environment would look like somebody else's folder
  if [ -d "$venv" ]; then mv "$venv" "$venv.old" && rm -rf "$venv.old"; fi
  "$python" -m venv "$venv" >&2 || die "'$python -m venv' failed (see above); Debian has it in the package python3.11-venv"
  mark .cragru-begun
}

check_disk() {  # files of an interrupted run are there already
  local there=$((($(df -Pk "$venv" | awk 'NR == 2 { print $4 }') + $(du -sk "$venv" | cut -f1)) / 1024 / 1024))
  [ "$there" -ge "$1" ] || die "needs $1 GB free for $venv, there are $there GB: free some, or clone to a larger disk"
}

heartbeat() {  # every ten seconds until the lock is free: until this script and its pip are gone
  until flock -w 10 "$venv.lock" true >/dev/null 2>&1; do
    say "$SECONDS s: $(grep -cE '^(Collecting|Processing) ' "$log") packages found," \
      "$(find "$venv"/lib/python*/site-packages -maxdepth 1 -name '*.dist-info' | wc -l) installed"
  done
}

logged() {  # WHAT ARGUMENTS…: runs the environment's python; its output goes to the log, and the last lines to the screen if it fails
  local what=$1 status=0 && shift
  "$venv/bin/python" "$@" >>"$log" 2>&1 || status=$?
  if [ "$status" = 0 ]; then return; fi
  { grep -E '^(ERROR|[A-Za-z.]+Error)' "$log" || tail -n 5 "$log"; } | tail -n 5 >&2
  die "$what failed (exit $status). The whole story is in $log; the same command goes on from here"
}
pip_install() { logged "pip install -r $1" -m pip install --no-deps --no-compile --no-input --disable-pip-version-check -r "$1"; }

[ $# -ge 1 ] || die "usage: envs/install.sh VENV [cpu|cuda|recbole]"
here=$(dirname "${BASH_SOURCE[0]}") venv=$(realpath -m "$1") log=$venv/install.log
check_path "$venv"
lock=${2:-$(choose_lock)}
# GB and minutes: measured on 2 busy cores with a fast network; those of cuda are estimated
case $lock in
  cpu) free=6 cost="about 3.2 GB, 4 minutes" modules="torch, snakemake, dgl, pandas" ;;
  cuda) free=15 cost="about 12 GB, 10 minutes" modules="torch, snakemake, dgl, pandas" ;;
  recbole) free=4 cost="about 1.3 GB, 3 minutes" modules="torch, recbole" ;;
  *) die "LOCK is '$lock'; allowed: cpu, cuda, recbole" ;;
esac
locks=("$here/$lock.lock" "$here/cuda-libs.lock")
if marked .cragru-lock; then exit; fi
exec 9>"$venv.lock"
flock -n 9 || { say "waiting for another install into $venv" && flock 9; }
if marked .cragru-lock; then exit; fi

if ! { marked .cragru-begun && "$venv/bin/python" -c ''; } 2>/dev/null; then make_venv; fi
# pip's variables that would install elsewhere, or nothing
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER PIP_PYTHON PIP_DRY_RUN PIP_REQUIRE_VIRTUALENV
check_disk "$free"
say "installing $(grep -c == "${locks[0]}") packages into $venv: $cost (log: $log)" && : >"$log"
heartbeat 9>&- &
trap 'kill $! 2>/dev/null || true' EXIT
pip_install "${locks[0]}"
if [ "$lock" != cuda ] && grep -qs "^cuda.*= '" "$venv"/lib/python3.11/site-packages/torch/version.py; then
  say "pip's index has torch as its CUDA build only, which needs $(grep -c == "${locks[1]}") more libraries, about 3 GB"
  check_disk 9
  pip_install "${locks[1]}"
fi
# pip would compile on one core; some packages hold files for other Pythons, which fail and do not matter
"$venv/bin/python" -m compileall -qq -j 0 "$venv/lib" || true
if [ "$lock" = cpu ] && ! "$venv/bin/python" -c 'import ctypes; ctypes.CDLL("libnuma.so.1")' 2>/dev/null; then
  say "libnuma.so.1 is missing, without which no language model answers on a CPU: Debian has it in the package libnuma1"
fi
DGLBACKEND=pytorch logged "importing $modules" -c "import $modules"
mark .cragru-lock
say "ready after $SECONDS s"
