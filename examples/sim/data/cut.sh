#!/bin/sh
# Makes the excerpts here from the trials of the pack (README.md): cut.sh FOLDER_WITH_TRIALS
# 60 s of each, starting 10 s before the movement does. A row is 56 bytes, 3.5 ms.
set -eu
cd "$(dirname "$0")"
while read -r trial first_row; do
    gzip -dc "$1/$trial.f32.gz" | tail -c +$((first_row * 56 + 1)) | head -c $((17143 * 56)) |
        gzip -9n >"$trial.f32.gz"
done <<TRIALS
01_undisturbed_slow_rotation_A 6857
06_undisturbed_fast_rotation_A 8000
15_undisturbed_fast_translation_A 8857
26_disturbed_phone_vibration_A 10000
TRIALS
