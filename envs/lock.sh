#!/usr/bin/env bash
# Turns the .in files into locks, with uv:  envs/lock.sh [UV'S ARGUMENTS]  ($UV may name uv; `make lock` calls this)
#
# uv prefers the versions that its output file holds, so a pin moves only where an .in file asks for it; --upgrade moves all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

uv=${UV:-uv}
command -v "$uv" >/dev/null || { echo "lock: needs uv (a package of that name), or UV=/path/to/uv" >&2 && exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

resolve() {  # NAME ARGUMENTS…: resolves NAME.in into scratch/NAME, which holds the versions to prefer
  local name=$1
  shift
  # 2_31: the oldest glibc for which every package has a wheel
  "$uv" pip compile --quiet --no-header --no-annotate --python-version 3.11 --python-platform x86_64-manylinux_2_31 \
    "$name.in" --output-file "$scratch/$name" "$@" >/dev/null
}

write() {  # LOCK: standard input becomes LOCK.lock
  { echo "# Written by envs/lock.sh; the .in files say what is wanted and why. Install with --no-deps, as install.sh does." && cat; } \
    >"$scratch/lock"
  cp "$scratch/lock" "$1.lock"
}

pins() { grep -hE '^[^#]' "$@"; }

# An index's own torch is its CUDA build, so these come with every torch; machines with a CPU build do without.
cuda_only='^(cuda|nvidia|triton)[-=]'

pins cpu.lock cuda-libs.lock >"$scratch/cpu"
resolve cpu --override overrides.txt --override overrides-cpu.txt "$@"
# the CUDA environment follows the CPU's versions wherever it can, then its own
{ pins "$scratch/cpu" | grep -Ev "$cuda_only"; pins cuda.lock 2>/dev/null || true; } >"$scratch/cuda"
resolve cuda --override overrides.txt "$@"
pins recbole.lock >"$scratch/recbole"
resolve recbole --override overrides-recbole.txt "$@"

grep -Ev "$cuda_only" "$scratch/cpu" | write cpu
grep -E "$cuda_only" "$scratch/cpu" | write cuda-libs
write cuda <"$scratch/cuda"
grep -Ev "$cuda_only" "$scratch/recbole" | write recbole
