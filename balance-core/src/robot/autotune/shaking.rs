//! Shakes a robot as much as it bears, and keeps what it answers.

use super::identification::{BAND, Response};
use super::{AutotuneConfig, AutotuneFailure};
use crate::config::ConfigError;
use crate::control::autotune::Excitation;
use crate::math::{Float, Real, Scalar};
use crate::robot::config::RobotConfig;
use crate::robot::signals::Outputs;
use crate::robot::tick::Robot;

/// What shakes, and what it has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shaking<T: Real> {
    excitation: Excitation<T>,
    response: Response,
    /// Frequencies that are looked at, Hz.
    band: [f64; 2],
    period: f64,
    lag: f64,
    max_tilt: f64,
    max_voltage: f64,
    max_energy: f64,
    amplitude: f64,
    /// Volts in the tick that is looked at.
    volts: f64,
    /// The segment says nothing.
    spoiled: bool,
    energy: f64,
    peak: f64,
    since_peak: f64,
}

impl<T: Real> Shaking<T> {
    pub(super) fn new(
        config: &AutotuneConfig<T::Param>,
        robot: &RobotConfig<T::Param>,
    ) -> Result<Self, ConfigError> {
        let period = robot.period.to_f64();
        let [low, high] = BAND;
        let band = [
            low * config.excitation.low_hz.to_f64(),
            high * config.excitation.high_hz.to_f64(),
        ];
        Ok(Self {
            excitation: config.excitation.build(robot.period)?,
            response: Response::new(band[0], band[1], period),
            band,
            period,
            lag: robot.command.position_lag.to_f64(),
            max_tilt: config.max_tilt.to_f64(),
            max_voltage: config.max_voltage.to_f64(),
            max_energy: config.max_energy.to_f64(),
            amplitude: 0.0,
            volts: 0.0,
            spoiled: false,
            energy: 0.0,
            peak: 0.0,
            since_peak: 0.0,
        })
    }

    pub(super) fn response(&self) -> &Response {
        &self.response
    }

    /// Forgets what it has seen, and shakes on as hard as before.
    pub(super) fn begin_anew(&mut self) {
        let [low, high] = self.band;
        self.response = Response::new(low, high, self.period);
        self.excitation.reset();
        self.spoiled = false;
        self.energy = 0.0;
    }

    /// Begins anew as gently as at first.
    pub(super) fn rest(&mut self) {
        self.begin_anew();
        self.amplitude = 0.0;
    }

    /// Shakes no more.
    pub(super) fn stop(&mut self, robot: &mut Robot<T>) {
        robot.set_excitation(T::zero());
        self.volts = 0.0;
    }

    /// Looks at a tick and shakes the next one.
    pub(super) fn step(
        &mut self,
        robot: &mut Robot<T>,
        outputs: &Outputs<T>,
    ) -> Result<(), AutotuneFailure> {
        let pitch = number(outputs.record.pitch);
        if pitch.magnitude() > self.max_tilt {
            return Err(AutotuneFailure::Tilted);
        }
        self.energy += self.amplitude * self.amplitude * self.period;
        if self.energy > self.max_energy {
            return Err(AutotuneFailure::Energy);
        }
        let battery = number(robot.battery());
        self.watch(outputs);
        self.adapt(pitch, battery);
        if self.excitation.begins() {
            if self.spoiled {
                self.response.drop_segment();
            } else {
                self.response.close();
            }
            self.spoiled = false;
        }
        let volts = self.excitation.step(T::lit(self.amplitude));
        self.volts = number(volts);
        robot.set_excitation(volts);
        Ok(())
    }

    /// Makes the robot pitch by about half of what it may.
    fn adapt(&mut self, pitch: f64, battery: f64) {
        self.peak = self.peak.max(pitch.magnitude());
        self.since_peak += self.period;
        if self.amplitude == 0.0 {
            self.amplitude = 0.06 * battery;
        } else if self.since_peak < 0.3 {
            return;
        } else if self.peak > 0.5 * self.max_tilt {
            self.amplitude *= 0.8;
        } else if self.peak < 0.3 * self.max_tilt {
            self.amplitude *= 1.15;
        }
        let most = self.max_voltage.min(0.6 * battery);
        self.amplitude = self.amplitude.min(most);
        self.peak = 0.0;
        self.since_peak = 0.0;
    }

    /// Shows a tick to the response.
    fn watch(&mut self, outputs: &Outputs<T>) {
        let record = &outputs.record;
        let position = number(record.position);
        // A reference that is pulled along hides the way.
        self.spoiled |= position.magnitude() > 0.95 * self.lag;
        let signals = [
            position,
            number(record.pitch),
            number(record.speed),
            number(record.pitch_rate),
            number(record.drive_voltage),
        ];
        self.response
            .take(self.volts as f32, &signals.map(|x| x as f32));
    }
}

fn number<T: Real>(x: T) -> f64 {
    x.to_param().to_f64()
}
