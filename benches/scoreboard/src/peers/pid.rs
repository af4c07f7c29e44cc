//! PID controllers.

use crate::board::Board;
use balance_conformance::{Controller, ControllerSample, ControllerTuning, Subject, Supported};

pub fn add(board: &mut Board) {
    board.add::<Pid>("pid", "f32");
    board.add::<DiscretePid>("discrete_pid", "f32");
    board.add::<RobustPid>("robust-pid", "f32");
    board.add::<Pidgeon>("pidgeon", "f64");
    board.add::<Multicalc>("multicalc", "pid/f64");
    board.add::<Oxictl>("oxictl", "pid/f64");
    board.add::<Numeris>("numeris", "pid/f64");
    board.add::<Idsp>("idsp", "pid/f32");
    board.add::<Foc>("foc", "pid/I16F16");
}

struct Pid(pid::Pid<f32>);
impl Subject for Pid {
    type Kind = Controller;
    // Gains are per sample, as its documentation says.
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        let limit = t.output_max as f32;
        let mut pid = pid::Pid::new(0.0, limit);
        pid.p(t.kp as f32, limit)
            .i((t.ki * t.dt) as f32, limit)
            .d((t.kd / t.dt) as f32, limit);
        Self(pid)
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        self.0.setpoint(s.setpoint as f32);
        self.0.next_control_output(s.measured as f32).output.into()
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        let limit = t.output_max as f32;
        self.0
            .p(t.kp as f32, limit)
            .i((t.ki * t.dt) as f32, limit)
            .d((t.kd / t.dt) as f32, limit);
        Supported::Yes
    }
}

struct DiscretePid {
    pid: discrete_pid::pid::PidController<discrete_pid::time::Micros, f32>,
    micros: u64,
}
fn discrete_settings(t: &ControllerTuning) -> discrete_pid::pid::PidConfig<f32> {
    discrete_pid::pid::PidConfigBuilder::default()
        .kp(t.kp as f32)
        .ki(t.ki as f32)
        .kd(t.kd as f32)
        .sample_time(super::elapsed(t.dt))
        .output_limits(t.output_min as f32, t.output_max as f32)
        .build()
        .expect("a good tuning")
}
impl Subject for DiscretePid {
    type Kind = Controller;
    fn new(t: &ControllerTuning) -> Self {
        Self {
            pid: discrete_pid::pid::PidController::new_uninit(discrete_settings(t)),
            micros: 0,
        }
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        self.micros = self
            .micros
            .saturating_add_signed((s.dt * 1e6).round() as i64);
        let now = discrete_pid::time::Micros(self.micros);
        self.pid
            .compute(s.measured as f32, s.setpoint as f32, now, None)
            .into()
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.pid.set_config(discrete_settings(t));
        Supported::Yes
    }
}

struct RobustPid(robust_pid::RobustPid<f32>);
fn robust_settings(t: &ControllerTuning) -> robust_pid::PidConfig<f32> {
    robust_pid::PidConfig {
        kp: t.kp as f32,
        ki: t.ki as f32,
        kd: t.kd as f32,
        output_min: t.output_min as f32,
        output_max: t.output_max as f32,
        i_limit: t.output_max as f32,
        ..Default::default()
    }
}
impl Subject for RobustPid {
    type Kind = Controller;
    fn new(t: &ControllerTuning) -> Self {
        Self(robust_pid::RobustPid::new(robust_settings(t)))
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        self.0.set_setpoint(s.setpoint as f32);
        self.0.update(s.measured as f32, s.dt as f32).output.into()
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.update_config(robust_settings(t));
        Supported::Yes
    }
}

struct Pidgeon {
    pid: pidgeon::PidController,
    last: f64,
}
impl Subject for Pidgeon {
    type Kind = Controller;
    fn new(t: &ControllerTuning) -> Self {
        let settings = pidgeon::ControllerConfig::builder()
            .with_kp(t.kp)
            .with_ki(t.ki)
            .with_kd(t.kd)
            .with_output_limits(t.output_min, t.output_max)
            .build();
        Self {
            pid: pidgeon::PidController::new(settings.expect("a good tuning")),
            last: 0.0,
        }
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let output = self
            .pid
            .set_setpoint(s.setpoint)
            .and_then(|()| self.pid.compute(s.measured, s.dt));
        self.last = output.unwrap_or(self.last);
        self.last
    }
    fn reset(&mut self) -> Supported {
        self.pid.reset();
        self.last = 0.0;
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        let set = self
            .pid
            .set_kp(t.kp)
            .and_then(|()| self.pid.set_ki(t.ki))
            .and_then(|()| self.pid.set_kd(t.kd));
        if set.is_ok() {
            Supported::Yes
        } else {
            Supported::No
        }
    }
}

struct Multicalc(multicalc::control::Pid<f64>);
impl Subject for Multicalc {
    type Kind = Controller;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        let pid = multicalc::control::Pid::new(t.kp, t.ki, t.kd, t.dt)
            .and_then(|pid| pid.with_output_limits(t.output_min, t.output_max));
        Self(pid.expect("a good tuning"))
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        self.0.update(s.setpoint, s.measured)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        match self.0.set_gains(t.kp, t.ki, t.kd) {
            Ok(()) => Supported::Yes,
            Err(_) => Supported::No,
        }
    }
}

struct Oxictl(oxictl::pid::standard::Pid<f64>);
impl Subject for Oxictl {
    type Kind = Controller;
    fn new(t: &ControllerTuning) -> Self {
        let settings = oxictl::pid::standard::PidConfig::pid(t.kp, t.ki, t.kd);
        Self(settings.with_limits(t.output_min, t.output_max).build())
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        use oxictl::core::signal::{Feedback, Setpoint};
        use oxictl::core::traits::Controller as _;
        let (setpoint, feedback) = (Setpoint::new(s.setpoint), Feedback::new(s.measured));
        self.0.update(&setpoint, &feedback, s.dt).value()
    }
    fn reset(&mut self) -> Supported {
        oxictl::core::traits::Controller::reset(&mut self.0);
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.set_gains(t.kp, t.ki, t.kd);
        Supported::Yes
    }
}

struct Numeris(numeris::control::Pid<f64>);
impl Subject for Numeris {
    type Kind = Controller;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        let pid = numeris::control::Pid::new(t.kp, t.ki, t.kd, t.dt);
        Self(pid.with_output_limits(t.output_min, t.output_max))
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        self.0.tick(s.setpoint, s.measured)
    }
    fn reset(&mut self) -> Supported {
        self.0.reset();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.0.set_gains(t.kp, t.ki, t.kd);
        Supported::Yes
    }
}

struct Idsp {
    filter: idsp::iir::BiquadClamp<f32>,
    state: idsp::iir::DirectForm1<f32>,
}
fn idsp_filter(t: &ControllerTuning) -> idsp::iir::BiquadClamp<f32> {
    use idsp::Build;
    // Its input is the measured value less the setpoint: all gains are negative.
    let gains = idsp::iir::pid::Builder::default()
        .kp(-t.kp as f32)
        .ki(-t.ki as f32)
        .kd(-t.kd as f32);
    let coefficients: [f32; 5] = gains.build(&(t.dt as f32));
    let mut filter = idsp::iir::BiquadClamp::from(coefficients);
    filter.min = t.output_min as f32;
    filter.max = t.output_max as f32;
    filter
}
impl Subject for Idsp {
    type Kind = Controller;
    const TAKES_DT: bool = false;
    fn new(t: &ControllerTuning) -> Self {
        Self {
            filter: idsp_filter(t),
            state: Default::default(),
        }
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        use dsp_process::SplitProcess;
        self.filter
            .process(&mut self.state, (s.measured - s.setpoint) as f32)
            .into()
    }
    fn reset(&mut self) -> Supported {
        self.state = Default::default();
        Supported::Yes
    }
    fn retune(&mut self, t: &ControllerTuning) -> Supported {
        self.filter = idsp_filter(t);
        Supported::Yes
    }
}

struct Foc {
    pid: foc::pid::PIDController,
    low: f64,
    high: f64,
}
impl Subject for Foc {
    type Kind = Controller;
    // Its products round down, and the integral sums that up.
    const RESOLUTION: f64 = 0.02;
    fn new(t: &ControllerTuning) -> Self {
        // It subtracts the setpoint from the measured value, hence the signs.
        let gains = [-t.kp, -t.ki, -t.kd].map(fixed::types::I16F16::from_num::<f64>);
        Self {
            pid: foc::pid::PIDController::new(gains[0], gains[1], gains[2]),
            low: t.output_min,
            high: t.output_max,
        }
    }
    fn step(&mut self, s: &ControllerSample) -> f64 {
        let number = |x: f64| {
            let x = if x.is_nan() { 0.0 } else { x };
            fixed::types::I16F16::saturating_from_num(x)
        };
        let output = self
            .pid
            .update(number(s.measured), number(s.setpoint), number(s.dt));
        output.to_num::<f64>().clamp(self.low, self.high)
    }
}
