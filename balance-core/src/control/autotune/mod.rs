//! From "I have no idea how to tune it" to gains whose margins are known.

mod margins;

pub use margins::{Margins, margins};
