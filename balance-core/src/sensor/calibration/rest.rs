//! The mean of a vector at rest.

/// Mean and spread of a vector.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rest {
    pub(super) count: u32,
    sum: [f64; 3],
    low: [f64; 3],
    high: [f64; 3],
}

impl Rest {
    /// Takes a reading; false, and all is forgotten, if it is further than `spread` from another.
    pub(super) fn add(&mut self, reading: [f64; 3], spread: f64) -> bool {
        if self.count == 0 {
            (self.low, self.high) = (reading, reading);
        }
        let mut still = true;
        for i in 0..3 {
            self.sum[i] += reading[i];
            self.low[i] = self.low[i].min(reading[i]);
            self.high[i] = self.high[i].max(reading[i]);
            still &= self.high[i] - self.low[i] <= spread;
        }
        self.count = self.count.saturating_add(1);
        if !still {
            *self = Self::default();
        }
        still
    }

    pub(super) fn mean(&self) -> [f64; 3] {
        let share = 1.0 / f64::from(self.count.max(1));
        self.sum.map(|x| x * share)
    }
}

pub(super) fn length(v: [f64; 3]) -> f64 {
    libm::sqrt(inner(v, v))
}

pub(super) fn inner(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}
