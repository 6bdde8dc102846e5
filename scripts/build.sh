# Sourced by run.sh, test.sh and .ci/run: how they configure and build.

# How many compilers at once: one a core, but each may take a gigabyte and a half.
compile_jobs() {
    local cores memory_kb by_memory
    cores=$(nproc)
    memory_kb=$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo)
    by_memory=$((${memory_kb:-0} / 1572864))
    [ "$by_memory" -ge 1 ] || by_memory=1
    echo $((by_memory < cores ? by_memory : cores))
}

# build_preset PRESET [TARGET…]: configures when that was not done yet, then builds what changed. From the root.
build_preset() {
    local preset=$1
    shift
    if [ ! "build/$preset/build.ninja" -nt CMakePresets.json ]; then
        cmake --preset "$preset"
    fi
    cmake --build --preset "$preset" --parallel "$(compile_jobs)" ${1:+--target "$@"}
}
