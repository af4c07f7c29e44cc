//! The robot as the prompt sees it: its parameters are here, all else goes through
//! [`shared`](crate::shared) to the loop.

use core::cell::RefCell;

use balance_core::math::Scalar;
use balance_core::params::store::{ParameterStore, StoreError};
use balance_core::params::{Change, Parameters, SetError};
use balance_core::robot::timing::Statistics;
use balance_core::robot::{Fault, RobotConfig, State};
use balance_core::shell::{Condition, Ending, Machine, Order, Refusal, Sensed};
use balance_core::telemetry::Snapshot;
use embassy_futures::block_on;
use embassy_rp::gpio::Input;
use hal_rp2040::clock;
use hal_rp2040::flash_store::FlashStore;

use crate::last_run::LastWords;
use crate::shared::{self, Number, Request, Settings, ToLoop};
use crate::{FLASH_BYTES, STORE_SECTORS};

/// Who this is.
pub const FIRMWARE: &str = concat!("balance-pico ", env!("CARGO_PKG_VERSION"));

/// The loop takes a request each tick; while it sets its sensor up, later.
const PATIENCE_MICROS: u32 = 5_000;

type Flash = FlashStore<'static, FLASH_BYTES>;

/// The robot behind the prompt.
pub struct PicoMachine {
    parameters: Parameters<f32>,
    store: Option<Store>,
    to_loop: RefCell<ToLoop>,
    lock: Input<'static>,
    last_words: Option<LastWords>,
    /// How the last run ended has been read.
    acknowledged: bool,
    /// The loop has not yet got all of the parameters.
    rebuild: bool,
    dump: bool,
    scope_changed: bool,
}

impl PicoMachine {
    /// Takes the stored parameters, if they can be used.
    pub fn new(
        defaults: RobotConfig<f32>,
        flash: Flash,
        to_loop: ToLoop,
        lock: Input<'static>,
        last_words: Option<LastWords>,
    ) -> Self {
        let mut machine = Self {
            parameters: Parameters::new(defaults),
            store: ParameterStore::new(flash, Flash::last_sectors(STORE_SECTORS)).ok(),
            to_loop: RefCell::new(to_loop),
            lock,
            acknowledged: last_words.is_none(),
            last_words,
            rebuild: false,
            dump: false,
            scope_changed: false,
        };
        if let Ok(Some(stored)) = machine.stored() {
            // What cannot be used leaves the settings of the firmware.
            let _ = machine
                .parameters
                .load::<Number>(stored, State::Disarmed, clock::now());
        }
        machine
    }

    /// The robot's settings.
    pub fn config(&self) -> &RobotConfig<f32> {
        self.parameters.config()
    }

    /// The robot's state.
    pub fn state(&self) -> State {
        shared::newest().map_or(State::Disarmed, |newest| newest.outputs.state)
    }

    fn stored(&mut self) -> Result<Option<RobotConfig<f32>>, Refusal> {
        let defaults = *self.parameters.defaults();
        let store = self.store.as_mut().ok_or(Refusal::Storage)?;
        block_on(store.load::<Number>(&defaults)).map_err(|_| Refusal::Storage)
    }

    /// Gives back the last good parameters if the robot has fallen soon after a change.
    pub fn watch(&mut self) {
        let state = self.state();
        if self.parameters.watch(state, clock::now()) {
            // The stop stays latched: what needs a robot built anew waits until it is acknowledged.
            let _ = self.apply(true);
            self.rebuild = true;
        }
        if self.rebuild && state == State::Disarmed {
            self.rebuild = self.apply(false).is_err();
        }
    }

    /// Whether the black box shall be told; once.
    pub fn take_dump(&mut self) -> bool {
        core::mem::take(&mut self.dump)
    }

    /// Whether somebody has just asked for channels; once.
    pub fn take_scope_change(&mut self) -> bool {
        core::mem::take(&mut self.scope_changed)
    }

    /// Empties the black box and opens it again.
    pub fn open_box(&self) -> bool {
        self.post(Request::OpenBox).is_ok()
    }

    fn post(&self, request: Request) -> Result<(), Refusal> {
        let done = self
            .to_loop
            .try_borrow_mut()
            .is_ok_and(|mut to_loop| to_loop.post(request, PATIENCE_MICROS));
        if done { Ok(()) } else { Err(Refusal::Busy) }
    }

    /// Hands the settings to the loop.
    #[inline(never)] // A robot on the stack, only while it is needed.
    fn apply(&self, live: bool) -> Result<(), Refusal> {
        let config = *self.parameters.config();
        let settings = if live {
            Settings::Live(config)
        } else {
            // Built here: the loop has no time for it.
            match config.build::<Number>() {
                Ok(robot) => Settings::New(robot),
                Err(error) => return Err(Refusal::Parameters(SetError::Refused(error))),
            }
        };
        let done = self
            .to_loop
            .try_borrow_mut()
            .is_ok_and(|mut to_loop| to_loop.settle(settings, PATIENCE_MICROS));
        if done { Ok(()) } else { Err(Refusal::Busy) }
    }

    fn load(&mut self, config: RobotConfig<f32>) -> Result<(), Refusal> {
        self.parameters
            .load::<Number>(config, self.state(), clock::now())
            .map_err(Refusal::Parameters)?;
        self.apply(false)
    }

    fn save(&mut self) -> Result<(), Refusal> {
        let config = *self.parameters.config();
        let store = self.store.as_mut().ok_or(Refusal::Storage)?;
        let mut saved = Err(Refusal::Storage);
        let agreed = shared::while_writing(
            || saved = save_to(store, &config).map_err(|_| Refusal::Storage),
            PATIENCE_MICROS,
        );
        if agreed { saved } else { Err(Refusal::Armed) }
    }
}

type Store = ParameterStore<Flash>;

fn save_to(
    store: &mut Store,
    config: &RobotConfig<f32>,
) -> Result<(), StoreError<embassy_rp::flash::Error>> {
    match block_on(store.save(config)) {
        Err(StoreError::Corrupted) => {
            // Something else has used these sectors.
            block_on(store.erase())?;
            block_on(store.save(config))
        }
        done => done,
    }
}

fn number(value: Number) -> f32 {
    value.to_param()
}

impl Machine for PicoMachine {
    type Param = f32;

    fn firmware(&self) -> &str {
        FIRMWARE
    }

    fn condition(&self) -> Condition {
        let newest = shared::newest().unwrap_or_default();
        let record = &newest.outputs.record;
        Condition {
            state: newest.outputs.state,
            stop: newest.outputs.stop,
            seconds: (newest.at.as_micros() / 1000) as f32 / 1000.0,
            pitch: number(record.pitch),
            speed: number(record.speed),
            battery: newest
                .battery_millivolts
                .map(|millivolts| f32::from(millivolts) / 1000.0),
        }
    }

    fn parameters(&self) -> &Parameters<f32> {
        &self.parameters
    }

    fn set(&mut self, name: &str, value: f32) -> Result<(), SetError> {
        let (state, before) = (self.state(), self.parameters);
        let live = RobotConfig::<f32>::parameter(name).is_some_and(|p| p.change == Change::Live);
        self.parameters
            .set::<Number>(name, value, state, clock::now())?;
        match self.apply(live) {
            Ok(()) => Ok(()),
            Err(refusal) => {
                self.parameters = before;
                Err(match refusal {
                    Refusal::Parameters(error) => error,
                    _ => SetError::Armed,
                })
            }
        }
    }

    fn order(&mut self, order: Order) -> Result<(), Refusal> {
        match order {
            Order::Arm if !self.acknowledged => Err(Refusal::LastRun),
            Order::Arm => self.post(Request::Arm),
            Order::Disarm => self.post(Request::Disarm),
            Order::Save => self.save(),
            Order::Load => {
                let stored = self.stored()?.ok_or(Refusal::NothingStored)?;
                self.load(stored)
            }
            Order::Defaults => self.load(*self.parameters.defaults()),
            Order::Scope(channels) => {
                shared::set_scope(channels);
                self.scope_changed = true;
                Ok(())
            }
            Order::Dump => {
                self.post(Request::CloseBox)?;
                self.dump = true;
                Ok(())
            }
            Order::ClearTiming => self.post(Request::ClearTiming),
            Order::Calibrate => self.post(Request::Calibrate),
            Order::Motor { left, permille } => {
                if self.state() != State::Disarmed {
                    return Err(Refusal::Armed);
                }
                self.post(Request::Motor { left, permille })
            }
            // Its design takes seconds in double precision without a floating-point unit.
            _ => Err(Refusal::NotHere),
        }
    }

    fn channel(&self, index: usize) -> Option<&'static str> {
        Snapshot::<Number>::CHANNELS
            .get(index)
            .map(|channel| channel.name)
    }

    fn fault(&self, index: usize) -> Option<Fault> {
        shared::fault(index)
    }

    fn timing(&self) -> Option<(Statistics, u32)> {
        self.post(Request::TellTiming).ok()?;
        Some((shared::timing()?, 1))
    }

    fn fault_of_last_run(&self, index: usize) -> Option<Fault> {
        let words = self.last_words.as_ref()?;
        words.faults.get(index).copied().flatten()
    }

    fn ending(&mut self) -> Option<Ending<'_>> {
        self.acknowledged = true;
        self.last_words.as_ref().map(|words| words.ending)
    }

    fn sensed(&self) -> Option<Sensed> {
        Some(Sensed {
            encoders: shared::newest()?.encoders,
            rest: shared::rest(&self.parameters.config().imu_scale),
        })
    }

    fn is_unlocked(&self) -> bool {
        self.lock.is_high()
    }
}
