//! A simulated robot in real time behind a TCP port: the prompt and the telemetry of a real one.

use crate::cli::ServeArgs;
use crate::plant::Bridge;
use crate::robots;
use crate::run::{bridge, inputs};
use crate::scenario::{Event, Expect, Scenario};
use crate::sensors::Imu;
use crate::world::World;
use anyhow::{Context, Result};
use balance_core::math::{Float, Q12, Real};
use balance_core::params::{Parameters, SetError, image};
use balance_core::robot::timing::{LoopTiming, LoopTimingConfig, Stage, Statistics};
use balance_core::robot::{Fault, FaultLog, Outputs, Robot, State};
use balance_core::sensor::ImuCounts;
use balance_core::shell::{
    Condition, MOTOR_MICROS, Machine, Order, Refusal, RestMeasurement, Sensed, Shell,
};
use balance_core::telemetry::{BlackBox, MAX_FRAME, Message, Snapshot, encode};
use balance_core::time::Instant;
use std::cell::RefCell;
use std::convert::Infallible;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant as Wall};

/// Nothing happens but what the person at the prompt does.
static FREE: Scenario = Scenario {
    name: "free",
    about: "stands until somebody does something",
    start_pitch: 3.0,
    slope: 0.0,
    payload: 0.0,
    jitter: 0.0,
    events: &[],
    seconds: f64::INFINITY,
    expect: Expect::Upright(90.0, f64::INFINITY),
};

const PERIOD_MICROS: u64 = 1000;
/// Bytes that wait for a slow reader; records beyond it are dropped, and counted.
const BACKLOG: usize = 1 << 16;
/// Ticks between repetitions of what the channels are.
const SCHEMA_EVERY: u32 = 1000;
/// The black box: every second tick of the last four seconds, half a second after the stop.
const BLACK_BOX: usize = 2000;

/// Serves until it is stopped.
pub fn serve(args: &ServeArgs) -> Result<()> {
    match args.scalar.as_str() {
        "f64" => serve_as::<f64>(args),
        "fixed" => serve_as::<Q12>(args),
        _ => serve_as::<f32>(args),
    }
}

fn serve_as<T: Real>(args: &ServeArgs) -> Result<()>
where
    T::Param: std::fmt::Display,
{
    let address = (args.address.as_str(), args.port);
    let listener = TcpListener::bind(address).with_context(|| {
        format!(
            "port {} of {} cannot be had; choose another by --port",
            args.port, args.address
        )
    })?;
    listener.set_nonblocking(true)?;
    let mut simulated = Simulated::<T>::new(args)?;
    let address = listener.local_addr()?;
    println!(
        "{} stands behind {address} in real time. A prompt: nc {} {}. Plots: balance plot {address}",
        args.robot,
        address.ip(),
        address.port()
    );
    let started = Wall::now();
    let mut visitor: Option<Visitor> = None;
    for tick in 1_u64.. {
        // Late ticks are made up for at once: the simulated time is that of the wall.
        let due = started + Duration::from_micros(tick * PERIOD_MICROS);
        thread::sleep(due.saturating_duration_since(Wall::now()));
        simulated.tick(started);
        if let Ok((stream, _)) = listener.accept() {
            // Whoever comes last has the robot.
            visitor = Visitor::new(stream, &simulated.out).ok();
            simulated.scope = 0;
        }
        let stays = visitor
            .as_mut()
            .is_none_or(|visitor| visitor.serve(&mut simulated).is_ok());
        if !stays {
            visitor = None;
            simulated.scope = 0;
        }
    }
    Ok(())
}

/// Bytes on their way to the visitor.
#[derive(Clone, Default)]
struct Out(Rc<RefCell<Vec<u8>>>);

impl embedded_io::ErrorType for Out {
    type Error = Infallible;
}

impl embedded_io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

struct Visitor {
    stream: TcpStream,
    shell: Shell<Out>,
}

impl Visitor {
    fn new(stream: TcpStream, out: &Out) -> Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        out.0.borrow_mut().clear();
        let Ok(shell) = Shell::new(out.clone());
        Ok(Self { stream, shell })
    }

    /// Hears and tells, without waiting. An error when the visitor has gone.
    fn serve<T: Real>(&mut self, simulated: &mut Simulated<T>) -> Result<()>
    where
        T::Param: std::fmt::Display,
    {
        let mut heard = [0; 256];
        match self.stream.read(&mut heard) {
            Ok(0) => anyhow::bail!("gone"),
            Ok(length) => {
                let Ok(()) = self.shell.feed(&heard[..length], simulated);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        let mut out = simulated.out.0.borrow_mut();
        match self.stream.write(&out) {
            Ok(length) => drop(out.drain(..length)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// The robot behind the prompt.
struct Simulated<T: Real> {
    robot: robots::Robot,
    seed: u64,
    push_every: Option<u64>,
    store: PathBuf,
    world: World,
    brain: Robot<T>,
    parameters: Parameters<T::Param>,
    timing: LoopTiming,
    faults: FaultLog,
    black_box: Box<BlackBox<T, BLACK_BOX>>,
    outputs: Outputs<T>,
    bridges: [Bridge; 2],
    wiring: Wiring,
    encoders: [i32; 2],
    rest: RestMeasurement,
    trial: Option<Trial>,
    arm: bool,
    now: u64,
    out: Out,
    scope: u32,
    sequence: u32,
    dropped: u32,
    until_schema: u32,
}

/// How the robot was put together.
#[derive(Clone, Copy, Debug, Default)]
struct Wiring {
    /// Leads of a motor the wrong way round.
    motor: [bool; 2],
    /// Channels of an encoder the wrong way round.
    encoder: [bool; 2],
    /// An encoder that is not plugged in.
    unplugged: [bool; 2],
    /// The left encoder's cable where the right one's belongs, and the other way round.
    crossed: bool,
    /// Quarter turns of the sensor's board, counter-clockwise seen from above.
    quarter_turns: u8,
    /// The sensor's board lies on its face.
    upside_down: bool,
}

impl Wiring {
    fn of(names: &[String]) -> Self {
        let mut wiring = Self::default();
        for name in names {
            match name.as_str() {
                "motor-left" => wiring.motor[0] = true,
                "motor-right" => wiring.motor[1] = true,
                "encoder-left" => wiring.encoder[0] = true,
                "encoder-right" => wiring.encoder[1] = true,
                "unplugged-left" => wiring.unplugged[0] = true,
                "unplugged-right" => wiring.unplugged[1] = true,
                "crossed" => wiring.crossed = true,
                "board-90" => wiring.quarter_turns = 1,
                "board-180" => wiring.quarter_turns = 2,
                _ => wiring.upside_down = true,
            }
        }
        wiring
    }

    /// What reaches the motors.
    fn bridges(&self, mut bridges: [Bridge; 2]) -> [Bridge; 2] {
        for (bridge, swapped) in bridges.iter_mut().zip(self.motor) {
            if let (Bridge::Duty(duty), true) = (&mut *bridge, swapped) {
                *duty = -*duty;
            }
        }
        bridges
    }

    /// What the encoders say.
    fn encoders(&self, mut counts: [i32; 2]) -> [i32; 2] {
        for (side, count) in counts.iter_mut().enumerate() {
            if self.encoder[side] {
                *count = -*count;
            }
            if self.unplugged[side] {
                *count = 0;
            }
        }
        if self.crossed {
            counts.reverse();
        }
        counts
    }

    /// What the sensor says of the body's axes.
    fn sensor(&self, mut counts: ImuCounts) -> ImuCounts {
        for [x, y, z] in [&mut counts.accel, &mut counts.gyro] {
            for _ in 0..self.quarter_turns {
                (*x, *y) = (*y, x.saturating_neg());
            }
            if self.upside_down {
                (*y, *z) = (y.saturating_neg(), z.saturating_neg());
            }
        }
        counts
    }
}

/// A motor that is tried, wheels off the ground.
#[derive(Clone, Copy, Debug)]
struct Trial {
    left: bool,
    duty: f64,
    until: u64,
}

impl<T: Real> Simulated<T> {
    fn new(args: &ServeArgs) -> Result<Self> {
        let robot = robots::find(&args.robot).context("no such robot")?;
        let config = robot.config::<T::Param>();
        Ok(Self {
            robot,
            seed: args.seed,
            push_every: args.push_every.map(|seconds| (seconds * 1e6) as u64),
            store: args.store.clone(),
            world: World::new(&robot, &FREE, config.imu_scale, args.seed)?,
            brain: config.build()?,
            parameters: Parameters::new(config),
            timing: LoopTimingConfig::default().build()?,
            faults: FaultLog::default(),
            black_box: Box::new(BlackBox::new(2, 250)),
            outputs: Outputs::default(),
            bridges: [Bridge::Coast; 2],
            wiring: Wiring::of(&args.miswired),
            encoders: [0; 2],
            rest: RestMeasurement::default(),
            trial: None,
            arm: false,
            now: 0,
            out: Out::default(),
            scope: 0,
            sequence: 0,
            dropped: 0,
            until_schema: 0,
        })
    }

    fn tick(&mut self, started: Wall) {
        let micros = || started.elapsed().as_micros() as u32;
        self.timing.begin(micros());
        for _ in 0..PERIOD_MICROS / 100 / u64::from(Imu::EVERY) {
            self.world.step(self.bridges, Imu::EVERY);
        }
        self.now += PERIOD_MICROS;
        let mut reading = self.world.read();
        reading.encoders = self.wiring.encoders(reading.encoders);
        reading.imu = reading.imu.map(|counts| self.wiring.sensor(counts));
        self.encoders = reading.encoders;
        self.rest.push(&reading.imu.unwrap_or_default());
        self.timing.stage(Stage::Sensor, micros());

        let at = Instant::from_micros(self.now);
        let mut inputs = inputs::<T>(&self.world, &reading, self.now);
        inputs.command.arm = self.arm;
        let before = self.outputs.state;
        self.outputs = self.brain.tick(at, &inputs);
        self.timing.stage(Stage::Control, micros());

        let state = self.outputs.state;
        let mut bridges = [self.outputs.left, self.outputs.right].map(bridge);
        self.try_motor(state, &mut bridges);
        self.bridges = self.wiring.bridges(bridges);
        if state == State::Balancing && !self.world.released() {
            self.world.release();
        }
        if self
            .push_every
            .is_some_and(|every| self.now % every < PERIOD_MICROS)
        {
            self.world.start(Event::Push(0.25, 0.1));
        }
        self.timing.stage(Stage::Motor, micros());
        self.timing.end(micros());

        self.faults.step(at, &inputs, &self.outputs);
        let snapshot = Snapshot::new(at, &inputs, &self.outputs);
        self.black_box.push(&snapshot);
        if self.parameters.watch(state, at) {
            self.apply();
        }
        if state != before && self.scope != 0 {
            self.tell(&Message::state(self.now, state, self.outputs.stop));
        }
        self.record(&snapshot);
    }

    /// Turns the motor that is tried; somebody holds the robot up meanwhile.
    fn try_motor(&mut self, state: State, bridges: &mut [Bridge; 2]) {
        let Some(trial) = self.trial else {
            return;
        };
        let done = self.now >= trial.until || state != State::Disarmed;
        self.world.plant.lifted = !done;
        if done {
            self.trial = None;
            return;
        }
        bridges[usize::from(!trial.left)] = Bridge::Duty(trial.duty);
    }

    /// Tells of a tick, where somebody listens.
    fn record(&mut self, snapshot: &Snapshot<T>) {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        if self.scope == 0 {
            return;
        }
        if self.out.0.borrow().len() > BACKLOG {
            self.dropped += 1;
            return;
        }
        if self.dropped > 0 {
            let count = std::mem::take(&mut self.dropped);
            self.tell(&Message::Dropped { count });
        }
        if self.until_schema == 0 {
            self.until_schema = SCHEMA_EVERY;
            self.tell_schema();
        }
        self.until_schema -= 1;
        self.tell(&Message::record(sequence, self.scope, snapshot));
    }

    fn tell(&self, message: &Message<'_>) {
        let mut buffer = [0; MAX_FRAME];
        if let Ok(frame) = encode(message, &mut buffer) {
            self.out.0.borrow_mut().extend_from_slice(frame);
        }
    }

    fn tell_schema(&self) {
        let channels = Snapshot::<T>::CHANNELS.len();
        self.tell(&Message::Hello {
            firmware: self.firmware_name(),
            scalar: T::NAME,
            period_micros: PERIOD_MICROS as u32,
            channels: channels as u8,
        });
        for index in 0..channels {
            if let Some(message) = Message::channel::<T>(index) {
                self.tell(&message);
            }
        }
    }

    fn firmware_name(&self) -> &'static str {
        concat!("balance-sim ", env!("CARGO_PKG_VERSION"))
    }

    /// Takes the parameters into the robot: live where it is armed, anew where it is not.
    fn apply(&mut self) {
        let config = *self.parameters.config();
        // The set was built once to be taken: neither can fail.
        let taken = if self.arm {
            self.brain.retune(&config)
        } else {
            config.build().map(|brain| self.brain = brain)
        };
        if let Err(error) = taken {
            eprintln!("error: the robot refuses its parameters: {error}");
        }
    }

    /// Puts a robot that lies on the floor back on its wheels.
    fn set_upright(&mut self) -> Result<()> {
        if self.world.released() {
            let scale = self.parameters.config().imu_scale;
            self.world = World::new(&self.robot, &FREE, scale, self.seed)?;
        }
        Ok(())
    }

    fn dump(&mut self) {
        self.tell_schema();
        for (sequence, snapshot) in (0..).zip(self.black_box.iter()) {
            self.tell(&Message::record(sequence, u32::MAX, snapshot));
        }
        self.black_box.clear();
    }
}

impl<T: Real> Machine for Simulated<T>
where
    T::Param: std::fmt::Display,
{
    type Param = T::Param;

    fn firmware(&self) -> &str {
        self.firmware_name()
    }
    fn condition(&self) -> Condition {
        let record = &self.outputs.record;
        let number = |value: T| value.to_param().to_f64() as f32;
        Condition {
            state: self.outputs.state,
            stop: self.outputs.stop,
            seconds: self.now as f32 * 1e-6,
            pitch: number(record.pitch),
            speed: number(record.speed),
            battery: Some(self.world.plant.battery_voltage as f32),
        }
    }
    fn parameters(&self) -> &Parameters<T::Param> {
        &self.parameters
    }
    fn set(&mut self, name: &str, value: T::Param) -> Result<(), SetError> {
        let at = Instant::from_micros(self.now);
        self.parameters
            .set::<T>(name, value, self.outputs.state, at)?;
        self.apply();
        Ok(())
    }
    fn order(&mut self, order: Order) -> Result<(), Refusal> {
        let at = Instant::from_micros(self.now);
        let state = self.outputs.state;
        match order {
            Order::Arm => {
                self.set_upright().map_err(|_| Refusal::NotHere)?;
                self.arm = true;
            }
            Order::Disarm => self.arm = false,
            Order::Save => {
                let mut buffer = [0; image::MAX_IMAGE];
                let bytes = image::write(self.parameters.config(), &mut buffer);
                save(&self.store, bytes).map_err(|_| Refusal::Storage)?;
            }
            Order::Load => {
                let bytes = match fs::read(&self.store) {
                    Ok(bytes) => bytes,
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        return Err(Refusal::NothingStored);
                    }
                    Err(_) => return Err(Refusal::Storage),
                };
                let config = image::read::<T>(&bytes, self.parameters.defaults())
                    .map_err(|_| Refusal::Storage)?;
                self.parameters
                    .load::<T>(config, state, at)
                    .map_err(Refusal::Parameters)?;
                self.apply();
            }
            Order::Defaults => {
                let defaults = *self.parameters.defaults();
                self.parameters
                    .load::<T>(defaults, state, at)
                    .map_err(Refusal::Parameters)?;
                self.apply();
            }
            Order::Scope(channels) => {
                self.scope = channels;
                self.until_schema = 0;
            }
            Order::Dump => self.dump(),
            Order::ClearTiming => self.timing.clear(),
            Order::Calibrate => self.rest = RestMeasurement::default(),
            Order::Motor { left, permille } => {
                if state != State::Disarmed || self.arm {
                    return Err(Refusal::Armed);
                }
                // A robot on the floor is picked up first.
                self.set_upright().map_err(|_| Refusal::NotHere)?;
                self.trial = Some(Trial {
                    left,
                    duty: f64::from(permille) / 1000.0,
                    until: self.now + u64::from(MOTOR_MICROS),
                });
            }
            _ => return Err(Refusal::NotHere),
        }
        Ok(())
    }
    fn channel(&self, index: usize) -> Option<&'static str> {
        Snapshot::<T>::CHANNELS
            .get(index)
            .map(|channel| channel.name)
    }
    fn fault(&self, index: usize) -> Option<Fault> {
        self.faults.get(index)
    }
    fn sensed(&self) -> Option<Sensed> {
        Some(Sensed {
            encoders: self.encoders,
            rest: self.rest.result(&self.parameters.config().imu_scale),
        })
    }
    fn timing(&self) -> Option<(Statistics, u32)> {
        Some((*self.timing.statistics(), 1))
    }
}

/// Whole or not at all: what is read back is never half of it.
fn save(path: &PathBuf, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension("new");
    fs::write(&draft, bytes)?;
    fs::rename(&draft, path)?;
    Ok(())
}
