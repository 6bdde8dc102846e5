#!/usr/bin/env bash
# The one list of Debian packages: run.sh, test.sh, the Dockerfile and bench use it.
# Sourced for its functions; run as `packages.sh build|test|bench` it installs that list without asking (as root).

packages_for() {
    local boost=libboost-dev clang_format=clang-format codename
    codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")
    if [ "$codename" = bookworm ]; then
        boost=libboost1.81-dev # Debian 12's default is 1.74, and we need 1.81
        clang_format=clang-format-14
    fi
    case $1 in
        build) echo g++ cmake ninja-build pkg-config ccache mold "$boost" libssl-dev libfmt-dev libspdlog-dev \
            nlohmann-json3-dev libdcmtk-dev libsqlite3-dev zlib1g-dev libcurl4-openssl-dev libarchive-dev libcli11-dev \
            libre2-dev libxxhash-dev libsodium-dev ;;
        test) echo "$(packages_for build)" catch2 git python3 python3-asyncssh python3-pydicom dcmtk curl openssl \
            xfsprogs openssh-server openssh-client rsync iproute2 orthanc orthanc-dicomweb docker.io podman \
            busybox-static "$clang_format" ;;
        bench) echo "$(packages_for test)" eatmydata wrk ;;
        tidy) echo "$(packages_for test)" clang-tidy ;;
        *) echo "packages_for: $1 is none of build, test, bench, tidy" >&2; return 1 ;;
    esac
}

# Those of the given packages that are not installed.
missing_packages() {
    local installed package
    # dpkg-query fails as soon as it does not know one of them, and says what it knows of the others all the same.
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
        sed -n 's/ installed$//p') || true
    for package in "$@"; do
        grep -qxF "$package" <<<"$installed" || echo "$package"
    done
}

# install_missing LIST ASK: installs what LIST still needs. ASK=yes asks before sudo. Fast when nothing is missing.
install_missing() {
    local missing sudo=() answer
    if ! command -v apt-get >/dev/null; then
        echo "No apt-get here: make sure that the counterparts of these packages are installed:" >&2
        echo "  $(packages_for "$1")" >&2
        return 0
    fi
    # shellcheck disable=SC2046  # the list is words on purpose
    mapfile -t missing < <(missing_packages $(packages_for "$1"))
    [ ${#missing[@]} -gt 0 ] || return 0

    echo "To be installed from this system's packages: ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Not root, and no sudo here. As root: apt-get install ${missing[*]}" >&2
            return 1
        fi
        sudo=(sudo)
        if [ "$2" = yes ]; then
            if [ ! -t 0 ]; then
                echo "Installing needs sudo and nobody can be asked here; give -y to agree beforehand." >&2
                return 1
            fi
            read -r -p "Install them with sudo? [Y/n] " answer
            case $answer in
                "" | [Yy]*) ;;
                *) echo "Nothing installed." >&2; return 1 ;;
            esac
        fi
    fi
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends "${missing[@]}"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    install_missing "${1:-build}" no
fi
