//! Loops over the states of a small filter.

/// A loop over an index that the compiler is to know in each pass: with the entries of a small
/// matrix in registers a pass costs half. Beyond eight it is a loop.
macro_rules! each {
    ($index:ident below $end:ident => $pass:expr) => {
        each!(@ $index, $end, $pass, 0 1 2 3 4 5 6 7);
        for $index in 8..$end {
            $pass
        }
    };
    ($index:ident down from $end:ident => $pass:expr) => {
        for $index in (8..$end).rev() {
            $pass
        }
        each!(@ $index, $end, $pass, 7 6 5 4 3 2 1 0);
    };
    (@ $index:ident, $end:ident, $pass:expr, $($at:literal)*) => {
        $(
            if $at < $end {
                let $index = $at;
                $pass
            }
        )*
    };
}
