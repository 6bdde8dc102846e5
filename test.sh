#!/usr/bin/env bash
# Installs what the tests need, builds, and runs them. The last line says how many passed and failed.
set -euo pipefail

usage() {
    cat <<'END'
Usage: ./test.sh [-y] [--preset PRESET] [NAME]

  ./test.sh              every test
  ./test.sh NAME         the tests whose names match the regular expression NAME, such as core: or 'style: text'

  -y                install missing packages without asking
  --preset PRESET   another build: ci (optimised, warnings are errors), asan, tsan; dev is the default
END
}

ask=yes
preset=dev
while [ $# -gt 0 ]; do
    case $1 in
        -y | --yes) ask=no ;;
        --preset) preset=${2:?--preset needs a name}; shift ;;
        -h | --help) usage; exit 0 ;;
        -*) echo "test.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
        *) break ;;
    esac
    shift
done
[ $# -le 1 ] || { usage >&2; exit 2; }

cd "$(dirname "${BASH_SOURCE[0]}")"
. packaging/packages.sh
. scripts/build.sh

install_missing test "$ask"
build_preset "$preset"

report=$PWD/build/$preset/tests.xml
rm -f "$report"
status=0
ctest --preset "$preset" --parallel "$(nproc)" --output-junit "$report" ${1:+--tests-regex "$1"} || status=$?

# The number in the report's first such attribute, as in failures="2".
count() {
    grep -o "\<$1=\"[0-9]*\"" "$report" | head -n 1 | tr -dc 0-9
}
tests=$(count tests) failed=$(count failures) skipped=$(($(count skipped) + $(count disabled)))
if [ "$tests" = 0 ]; then
    echo "No test has a name that matches: ${1:-}" >&2
    status=1
fi
echo "$((tests - failed - skipped)) passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
exit "$status"
