# Sourced: `bare_metal_cargo TARGET ARGUMENTS…` takes the target from rustup where it is installed,
# else builds core from Debian's Rust sources (installing them, given root). If LINK_WITH is set, it
# is called in place of the linker, which it finds in BALANCE_LINKER.
bare_metal_cargo() {
    local target=$1 linker variable
    shift
    linker=$(find "$(rustc +stable --print sysroot 2>/dev/null || rustc --print sysroot)" -name rust-lld -type f | head -n1)
    export BALANCE_LINKER=${linker:-ld.lld}
    variable=CARGO_TARGET_$(echo "$target" | tr 'a-z.-' 'A-Z__')_LINKER
    if command -v rustup >/dev/null && rustup target list --installed 2>/dev/null | grep -qx "$target"; then
        env ${LINK_WITH:+"$variable=$LINK_WITH"} cargo "$@" --target "$target"
        return
    fi
    bare_metal_ready "$target" || return 1
    env RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 "$variable=${LINK_WITH:-$BALANCE_LINKER}" \
        /usr/bin/cargo "$@" -Z build-std=core --target "$target"
}

# Installs Debian's Rust with its sources, given root, where rustup cannot build for TARGET.
bare_metal_ready() {
    if command -v rustup >/dev/null && rustup target list --installed 2>/dev/null | grep -qx "$1"; then
        return
    fi
    if [ -e /usr/lib/rustlib/src/rust/library/core/Cargo.toml ] \
        || [ -e "$(/usr/bin/rustc --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library/core/Cargo.toml" ]; then
        return
    fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends rustc-web cargo-web rust-web-src binutils >/dev/null
    else
        echo "Cannot build for $1: rustup target add $1" >&2
        return 1
    fi
}
