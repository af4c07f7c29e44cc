#!/bin/sh
# In place of the linker: first the image that runs; then, where cargo puts the image and as
# NAME.alone and NAME.step, what is reachable from building and stepping, and from stepping alone.
# Their sizes are the flash of the algorithm.
set -eu
previous='' output=''
for argument in "$@"; do
    [ "$previous" = -o ] && output=$argument
    previous=$argument
done
# Several linkers in one program, and it goes by its name.
# deps/NAME-hash
name=${output##*/}
beside=${output%/deps/*}/${name%-*}
case $BALANCE_LINKER in
    *rust-lld) set -- -flavor gnu "$@" ;;
esac
"$BALANCE_LINKER" "$@" --undefined=vectors
"$BALANCE_LINKER" "$@" --entry=case_step --undefined=case_build -o "$beside.alone"
"$BALANCE_LINKER" "$@" --entry=case_step -o "$beside.step"
