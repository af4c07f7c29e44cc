#!/usr/bin/env bash
# Copies an image to a Pico that was plugged in with BOOTSEL held down: `./flash.sh [IMAGE.elf]`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
image="${1:-$here/target/thumbv6m-none-eabi/release/balance}"
"${RUSTC:-rustc}" --edition 2024 -O "$here/uf2.rs" -o "$here/target/uf2"
"$here/target/uf2" "$image" "$image.uf2"
for drive in /media/*/RPI-RP2 /run/media/*/RPI-RP2 /media/RPI-RP2 /Volumes/RPI-RP2; do
    if [ -e "$drive/INFO_UF2.TXT" ]; then
        cp "$image.uf2" "$drive/"
        echo "$image.uf2 copied to $drive"
        exit 0
    fi
done
echo "No drive RPI-RP2: hold BOOTSEL while plugging the Pico in, or copy $image.uf2 there yourself." >&2
exit 1
