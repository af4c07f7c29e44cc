#!/usr/bin/env bash
# Builds the firmware and says how much of the chip it takes. Options go to `cargo build`:
#   ./build.sh                  saturating fixed point
#   ./build.sh --features f32   single precision in software
#   ./build.sh --bin blink_imu  another image: blink_imu, motor_check
# Takes the target from rustup where it is installed; else Debian's Rust with a core library built
# from source (apt-get install rustc-web cargo-web rust-web-src); else says what to do.
# Leaves the ELF image and, beside it, balance.uf2 for a Pico in BOOTSEL mode.
set -euo pipefail
cd "$(dirname "$0")"
target=thumbv6m-none-eabi
bin=balance
if [ "${1:-}" = --bin ]; then
    bin=$2
    shift 2
fi

rustup_has_target() {
    command -v rustup >/dev/null && rustup target list --installed 2>/dev/null | grep -qx "$target"
}
debian_has_source() {
    [ -x /usr/bin/cargo ] && [ -x /usr/bin/rustc ] \
        && [ -e "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/core/Cargo.toml" ]
}
# Debian's Rust links for hosts only; the linker for bare metal comes from any other toolchain.
find_rust_lld() {
    local sysroot
    for sysroot in "$(rustc +stable --print sysroot 2>/dev/null)" "$(/usr/bin/rustc --print sysroot)"; do
        [ -d "$sysroot/lib/rustlib" ] && find "$sysroot/lib/rustlib" -name rust-lld -type f && return
    done
    command -v rust-lld || command -v ld.lld || true
}

if rustup_has_target; then
    build=(cargo build --release)
elif debian_has_source; then
    lld="$(find_rust_lld | head -n1)"
    [ -n "$lld" ] || { echo "No linker: install 'lld', or any toolchain by rustup." >&2; exit 1; }
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_THUMBV6M_NONE_EABI_LINKER="$lld"
    build=(/usr/bin/cargo build --release -Z build-std=core)
else
    cat >&2 <<MESSAGE
Nothing here can build for $target. Either
    rustup target add $target
or, on Debian,
    apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld
MESSAGE
    exit 1
fi
"${build[@]}" --bin "$bin" "$@"

image="${CARGO_TARGET_DIR:-target}/$target/release/$bin"
"${RUSTC:-rustc}" --edition 2024 -O uf2.rs -o "${CARGO_TARGET_DIR:-target}/uf2"
"${CARGO_TARGET_DIR:-target}/uf2" "$image" "$image.uf2"
# readelf (binutils) reads every machine's ELF; `size` knows the host's only.
if command -v readelf >/dev/null; then
    flash=0 ram=0
    while read -r kind _ address _ in_file in_memory _; do
        [ "$kind" = LOAD ] || continue
        flash=$((flash + in_file))
        if ((address >= 0x20000000)); then ram=$((ram + in_memory)); fi
    done < <(readelf -lW "$image")
    echo "$image: flash $flash bytes, RAM $ram bytes (without the stack)"
else
    echo "$image (sizes need readelf, of the package binutils)"
fi
