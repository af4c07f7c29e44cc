//! From "I have no idea how to tune it" to gains whose margins are known.

mod excitation;
mod least_squares;
mod margins;
mod response;

pub use excitation::{Excitation, ExcitationConfig, ExcitationState};
pub use least_squares::{Fit, LeastSquares};
pub use margins::{Margins, margins};
pub use response::{FrequencyResponse, ResponsePoint};
