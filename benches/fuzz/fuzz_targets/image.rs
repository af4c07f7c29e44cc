//! A parameter image: no panic, and a set that is read can be written and read again. The first byte
//! says whether the check sum is made right, so that what lies behind it is reached.
#![no_main]

use balance_core::math::Q12;
use balance_core::params::image::{MAX_IMAGE, read, write};
use balance_core::platform::Words;
use balance_core::robot::RobotConfig;
use balance_core::telemetry::{KeptBox, KeptFaults};
use libfuzzer_sys::fuzz_target;

/// CRC-32 of ISO-HDLC, bit by bit.
fn check(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fuzz_target!(|bytes: &[u8]| {
    let defaults = RobotConfig::<f32>::pico_kit();
    let mut image = bytes.get(1..).unwrap_or(&[]).to_vec();
    if bytes.first().is_some_and(|first| first & 1 == 1) {
        let right = check(&image).to_le_bytes();
        image.extend(right);
    }
    if let Ok(config) = read::<Q12>(&image, &defaults) {
        let mut buffer = [0; MAX_IMAGE];
        let written = write(&config, &mut buffer);
        assert_eq!(read::<Q12>(written, &defaults), Ok(config));
    }
    // What a reset leaves in RAM is an image too.
    let mut memory = [0_u32; 3 + 40];
    for (index, chunk) in bytes.chunks_exact(4).take(43).enumerate() {
        memory.write(
            index,
            u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]),
        );
    }
    let kept = KeptBox::with_last_run(&mut memory, 1, 1);
    for index in 0..6 {
        let _ = kept.get::<Q12>(index);
    }
    let faults = KeptFaults::new(&mut memory);
    for index in 0..6 {
        let _ = faults.get(index);
    }
});
