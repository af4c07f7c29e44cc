//! A set of parameters as bytes: versioned, checked, and readable by older and newer firmware.
//!
//! ```text
//! version ‖ number of entries ‖ entries: CRC-32 of the name, value as f32 ‖ CRC-32 of all before
//! ```
//!
//! Little endian. An entry whose name this firmware does not know is left out, and a parameter
//! without an entry keeps the firmware's value, so that a set survives an update.

use crate::config::ConfigError;
use crate::math::{Float, Real, Scalar};
use crate::robot::RobotConfig;
use core::fmt;
use crc::{CRC_32_ISO_HDLC, Crc};

const CHECK: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
const VERSION: u8 = 1;
const ENTRY: usize = 8;

/// Bytes of the longest image.
pub const MAX_IMAGE: usize = 2 + ENTRY * RobotConfig::<f32>::PARAMETERS.len() + 4;

/// Why an image was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// Too short, too long, or its check sum is wrong.
    Damaged,
    /// Of a version that this firmware does not know.
    Version(u8),
    /// A value is out of its range, or not a number.
    OutOfRange(&'static str),
    /// The robot cannot be built with it.
    Refused(ConfigError),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("the stored parameters are damaged"),
            Self::Version(version) => write!(f, "stored parameters of version {version}"),
            Self::OutOfRange(name) => write!(f, "the stored {name} is out of its range"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ImageError {}

fn key(name: &str) -> [u8; 4] {
    CHECK.checksum(name.as_bytes()).to_le_bytes()
}

/// Writes the parameters of a robot; gives the bytes that are used.
pub fn write<'b, P: Float>(config: &RobotConfig<P>, buffer: &'b mut [u8; MAX_IMAGE]) -> &'b [u8] {
    let mut entries = 0;
    let mut end = 2;
    let mut put = |buffer: &mut [u8; MAX_IMAGE], bytes: [u8; 4]| {
        if let Some(place) = buffer.get_mut(end..end + 4) {
            place.copy_from_slice(&bytes);
            end += 4;
        }
    };
    for parameter in RobotConfig::<P>::PARAMETERS {
        if let Some(value) = parameter.of(config) {
            put(buffer, key(parameter.name));
            put(buffer, (value.to_f64() as f32).to_le_bytes());
            entries += 1;
        }
    }
    buffer[0] = VERSION;
    buffer[1] = entries;
    let length = 2 + ENTRY * usize::from(entries);
    let check = CHECK.checksum(buffer.get(..length).unwrap_or(&[]));
    put(buffer, check.to_le_bytes());
    buffer.get(..length + 4).unwrap_or(&[])
}

/// Reads an image over the settings of the firmware.
///
/// # Errors
/// Says why it cannot be used; the settings of the firmware then stand.
pub fn read<T: Real>(
    image: &[u8],
    defaults: &RobotConfig<T::Param>,
) -> Result<RobotConfig<T::Param>, ImageError> {
    let (body, check) = image.split_last_chunk::<4>().ok_or(ImageError::Damaged)?;
    if CHECK.checksum(body) != u32::from_le_bytes(*check) {
        return Err(ImageError::Damaged);
    }
    let (&[version, entries], body) = body.split_first_chunk::<2>().ok_or(ImageError::Damaged)?;
    if version != VERSION {
        return Err(ImageError::Version(version));
    }
    if body.len() != ENTRY * usize::from(entries) {
        return Err(ImageError::Damaged);
    }
    let mut config = *defaults;
    for entry in body.chunks_exact(ENTRY) {
        let (Some(name), Some(value)) = (entry.first_chunk::<4>(), entry.last_chunk::<4>()) else {
            return Err(ImageError::Damaged);
        };
        let known = RobotConfig::<T::Param>::PARAMETERS
            .iter()
            .find(|parameter| key(parameter.name) == *name);
        let Some(parameter) = known else {
            continue;
        };
        let value = T::Param::lit(f64::from(f32::from_le_bytes(*value)));
        if !parameter.allows(value) {
            return Err(ImageError::OutOfRange(parameter.name));
        }
        parameter.put(&mut config, value);
    }
    config.build::<T>().map_err(ImageError::Refused)?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::math::Q12;
    use proptest::prelude::*;
    use std::vec::Vec;

    type Robot = RobotConfig<f32>;

    fn image(config: &Robot) -> Vec<u8> {
        write(config, &mut [0; MAX_IMAGE]).to_vec()
    }

    /// With a right check sum.
    fn sealed(mut body: Vec<u8>) -> Vec<u8> {
        let check = CHECK.checksum(&body);
        body.extend(check.to_le_bytes());
        body
    }

    fn tuned() -> Robot {
        let mut robot = Robot::pico_kit();
        for (name, value) in [
            ("balance.pitch", -31.5),
            ("turn.kp", 1.25),
            ("chassis.track", 0.2),
        ] {
            Robot::parameter(name).unwrap().put(&mut robot, value);
        }
        robot
    }

    #[test]
    fn what_was_written_is_read() {
        let read = read::<Q12>(&image(&tuned()), &Robot::pico_kit());
        assert_eq!(read, Ok(tuned()));
        assert!(image(&tuned()).len() <= MAX_IMAGE);
    }

    #[test]
    fn no_two_names_share_a_key() {
        let mut keys: Vec<_> = Robot::PARAMETERS.iter().map(|p| key(p.name)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Robot::PARAMETERS.len());
    }

    #[test]
    fn entries_of_other_firmware_are_left_out_and_missing_ones_keep_their_default() {
        let mut body = std::vec![VERSION, 2];
        body.extend(key("future.gain"));
        body.extend(f32::NAN.to_le_bytes());
        body.extend(key("turn.kp"));
        body.extend(7.0_f32.to_le_bytes());
        let read = read::<Q12>(&sealed(body), &tuned()).unwrap();
        assert_eq!(read.turn.kp, 7.0);
        assert_eq!(read.chassis, tuned().chassis);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let defaults = Robot::pico_kit();
        let entry = |name: &str, value: f32| {
            let mut body = std::vec![VERSION, 1];
            body.extend(key(name));
            body.extend(value.to_le_bytes());
            sealed(body)
        };
        let why = |bytes: &[u8]| read::<Q12>(bytes, &defaults).unwrap_err();
        assert_eq!(why(&[]), ImageError::Damaged);
        assert_eq!(why(&[0xff; 64]), ImageError::Damaged);
        assert_eq!(why(&sealed(std::vec![9, 0])), ImageError::Version(9));
        assert_eq!(why(&sealed(std::vec![VERSION, 3])), ImageError::Damaged);
        for value in [f32::NAN, f32::INFINITY, -1.0] {
            assert_eq!(
                why(&entry("turn.kp", value)),
                ImageError::OutOfRange("turn.kp")
            );
        }
        assert_eq!(
            why(&entry("limits.max_tilt", 0.1)),
            ImageError::Refused(ConfigError::Order("start_tilt", "max_tilt"))
        );
    }

    proptest! {
        #[test]
        fn a_flipped_bit_is_seen(place in 0..150_usize, bit in 0..8_u8) {
            let mut bytes = image(&tuned());
            let place = place % bytes.len();
            bytes[place] ^= 1_u8 << bit;
            prop_assert_eq!(
                read::<f32>(&bytes, &Robot::pico_kit()),
                Err(ImageError::Damaged)
            );
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read::<f32>(&bytes, &Robot::pico_kit());
            let _ = read::<Q12>(&sealed(bytes), &Robot::pico_kit());
        }
    }
}
