//! Which way does each motor turn, which way does its encoder count, and from which duty on does it
//! move? Lift the wheels: they will turn.
//!
//! Each press of the button tests both motors once; a press during the test ends it. At most 60 %
//! duty, for at most 4 seconds each way.

use core::fmt::Write as _;

use balance_core::motor::Drive;
use balance_core::motor::h_bridge::{HBridge, HBridgeConfig, Wiring};
use balance_core::platform::Quadrature;
use embassy_time::{Duration, Timer};
use hal::clock;
use hal::status_led::Blink;
use heapless::String;

use crate::board::{Button, Led, Serial, Watchdog, send};
use crate::control::Devices;

/// Steps of the duty, in thousandths.
const STEP: i16 = 10;
const LARGEST: i16 = 600;
/// With the wheels up: at most some 13 counts in each of these steps of 64 counts × 30:1.
const STEP_TIME: Duration = Duration::from_millis(60);
/// So many counts are a movement, not a tremor.
const MOVED: i32 = 8;

/// What one direction showed.
#[derive(Clone, Copy)]
enum Finding {
    /// The count began to change at this duty, in thousandths, into this direction.
    Moves { from: i16, counts: i32 },
    /// Nothing up to the largest duty.
    Nothing,
    /// The button was pressed.
    Stopped,
}

struct Bench {
    button: Button,
    watchdog: Watchdog,
    serial: Serial,
    led: Led,
}

/// Runs for ever.
pub async fn run(devices: Devices, serial: Serial, led: Led) {
    let Devices {
        motors,
        mut left_encoder,
        mut right_encoder,
        button,
        watchdog,
        ..
    } = devices;
    let mut bench = Bench {
        button,
        watchdog,
        serial,
        led,
    };
    let mut standby = motors.standby;
    let (Some(mut left), Some(mut right)) = (bridge(motors.left), bridge(motors.right)) else {
        // The configuration is a constant.
        return;
    };
    bench
        .say("# motor_check: lift the wheels, then press the button")
        .await;
    loop {
        bench.wait_for_press().await;
        if let Some(standby) = &mut standby {
            standby.set_high();
        }
        let go_on = bench.test("left", &mut left, &mut left_encoder).await;
        if go_on {
            bench.test("right", &mut right, &mut right_encoder).await;
        }
        let _ = (left.off(), right.off());
        if let Some(standby) = &mut standby {
            standby.set_low();
        }
        bench.say("done; press again to repeat").await;
    }
}

type Bridge<W> = HBridge<f32, W>;

fn bridge<W: Wiring>(wiring: W) -> Option<Bridge<W>> {
    HBridgeConfig::<f32>::default().build(wiring).ok()
}

impl Bench {
    /// Both directions of one motor; whether to go on.
    async fn test<W: Wiring>(
        &mut self,
        name: &str,
        bridge: &mut Bridge<W>,
        encoder: &mut impl Quadrature,
    ) -> bool {
        let _ = bridge.enable();
        let forward = self.ramp(1, bridge, encoder).await;
        let back = self.ramp(-1, bridge, encoder).await;
        let _ = bridge.off();
        let mut line = String::<192>::new();
        let _ = match (forward, back) {
            (Finding::Stopped, _) | (_, Finding::Stopped) => write!(line, "{name}: stopped"),
            (Finding::Nothing, Finding::Nothing) => write!(
                line,
                "{name}: no count up to {LARGEST} permille. Wheel turns? then the encoder's supply, A, B. \
                 It does not? motor supply, driver, PWM, IN1, IN2"
            ),
            (Finding::Moves { from, .. }, Finding::Nothing)
            | (Finding::Nothing, Finding::Moves { from, .. }) => {
                write!(
                    line,
                    "{name}: moves one way only, from {from} permille: IN1 or IN2 is loose"
                )
            }
            (
                Finding::Moves {
                    from: first,
                    counts,
                },
                Finding::Moves {
                    from: second,
                    counts: other,
                },
            ) => match (counts > 0, other > 0) {
                (true, false) => write!(
                    line,
                    "{name}: ok, moves from {first} and -{second} permille"
                ),
                (false, true) => write!(
                    line,
                    "{name}: COUNTS BACKWARDS. Wheel drove forward first? swap A and B. \
                     Backward? swap the motor's leads"
                ),
                _ => write!(
                    line,
                    "{name}: counts the same way in both directions: A or B is loose"
                ),
            },
        };
        self.say(&line).await;
        !matches!(
            (forward, back),
            (Finding::Stopped, _) | (_, Finding::Stopped)
        )
    }

    /// Raises the duty until the count moves, then stops the motor.
    async fn ramp<W: Wiring>(
        &mut self,
        sign: i16,
        bridge: &mut Bridge<W>,
        encoder: &mut impl Quadrature,
    ) -> Finding {
        let mut finding = Finding::Nothing;
        let mut duty = 0;
        while duty <= LARGEST {
            let Ok(start) = encoder.count() else { break };
            let _ = bridge.apply(clock::now(), Drive::Duty(f32::from(sign * duty) * 1e-3));
            self.rest(STEP_TIME, Blink::On).await;
            let Ok(end) = encoder.count() else { break };
            let counts = end.wrapping_sub(start);
            if counts.abs() >= MOVED {
                finding = Finding::Moves { from: duty, counts };
                break;
            }
            if self.pressed() {
                finding = Finding::Stopped;
                break;
            }
            duty += STEP;
        }
        let _ = bridge.apply(clock::now(), Drive::Duty(0.0));
        self.rest(Duration::from_millis(500), Blink::On).await;
        finding
    }

    fn pressed(&self) -> bool {
        self.button.is_low()
    }

    /// Until the button was released for 20 ms, and then pressed for as long.
    async fn wait_for_press(&mut self) {
        for wanted in [false, true] {
            let mut steady = 0;
            while steady < 4 {
                self.rest(Duration::from_millis(5), Blink::Heartbeat).await;
                steady = if self.pressed() == wanted {
                    steady + 1
                } else {
                    0
                };
            }
        }
        // The press that starts the test must not end it.
        while self.pressed() {
            self.rest(Duration::from_millis(5), Blink::Heartbeat).await;
        }
    }

    /// Waits, and tells the watchdog and the eye that all is well.
    async fn rest(&mut self, time: Duration, blink: Blink) {
        let end = embassy_time::Instant::now() + time;
        while embassy_time::Instant::now() < end {
            Timer::after(time.min(Duration::from_millis(20))).await;
            self.watchdog.feed();
            self.led.show(blink, clock::now());
        }
    }

    async fn say(&mut self, text: &str) {
        send(&mut self.serial, text.as_bytes()).await;
        send(&mut self.serial, b"\r\n").await;
        self.watchdog.feed();
    }
}
