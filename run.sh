#!/usr/bin/env bash
# Installs what the build needs, builds Quicksilver, and shows what it does. See usage below.
set -euo pipefail

usage() {
    cat <<'END'
Usage: ./run.sh [-y] [COMMAND …]

  ./run.sh                   build, then run the demonstration
  ./run.sh serve --help      build, then run the program with these arguments

  -y    install missing packages without asking
END
}

ask=yes
while [ $# -gt 0 ]; do
    case $1 in
        -y | --yes) ask=no ;;
        -h | --help) usage; exit 0 ;;
        -*) echo "run.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
        *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || set -- demo

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$root/packaging/packages.sh"
. "$root/scripts/build.sh"

install_missing build "$ask"
(cd "$root" && build_preset release quicksilver)
exec "$root/build/release/src/app/quicksilver" "$@"
