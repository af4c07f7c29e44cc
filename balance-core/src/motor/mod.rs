//! Motors: models, their inverses, and bridges over embedded-hal.

mod drive;

pub use drive::Drive;
