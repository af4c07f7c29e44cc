# Sourced: `bare_metal_cargo TARGET ARGUMENTS…` takes the target from rustup where it is installed,
# else builds core from Debian's Rust sources (installing them, given root).
bare_metal_cargo() {
    local target=$1 linker variable
    shift
    if command -v rustup >/dev/null && rustup target list --installed 2>/dev/null | grep -qx "$target"; then
        cargo "$@" --target "$target"
        return
    fi
    if ! [ -e /usr/lib/rustlib/src/rust/library/core/Cargo.toml ] \
        && ! [ -e "$(/usr/bin/rustc --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library/core/Cargo.toml" ]; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq
            apt-get install -y -qq --no-install-recommends rustc-web cargo-web rust-web-src binutils >/dev/null
        else
            echo "Cannot build for $target: rustup target add $target" >&2
            return 1
        fi
    fi
    linker=$(find "$(rustc +stable --print sysroot 2>/dev/null || rustc --print sysroot)" -name rust-lld -type f | head -n1)
    variable=CARGO_TARGET_$(echo "$target" | tr 'a-z-' 'A-Z_')_LINKER
    env RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 "$variable=${linker:-ld.lld}" \
        /usr/bin/cargo "$@" -Z build-std=core --target "$target"
}
