#!/usr/bin/env bash
# Runs the checks of .clang-tidy, which are kept at zero: ./scripts/tidy.sh [FILE…], every source without a FILE.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/build.sh

if ! command -v clang-tidy >/dev/null; then
    echo "clang-tidy is not installed. As root: packaging/packages.sh tidy" >&2
    exit 1
fi

# A configuration of its own, because clang cannot read the precompiled header of g++. Nothing is built in it.
cmake --preset tidy >/dev/null
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(git ls-files 'src/*.cpp' 'tests/*.cpp')
echo "clang-tidy: ${#files[@]} files"
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(compile_jobs)" clang-tidy -p build/tidy --quiet 2> \
    >(grep -v 'warnings generated' >&2)
echo "clang-tidy: nothing found"
