//! Is my wiring right? Finds the sensor, tells which side of it is up, how it turns, and whether
//! it is still. No motor is touched.

use core::fmt::Write as _;
use core::pin::pin;

use balance_core::sensor::mpu6050::asynchronous::Mpu6050;
use balance_core::sensor::mpu6050::{Address, Error, Mpu6050Config};
use balance_core::sensor::{ImuCounts, ImuScale};
use embassy_futures::select::{Either, select};
use embassy_time::{Delay, Duration, Ticker, Timer};
use embedded_hal_async::i2c::I2c;
use hal::clock;
use hal::status_led::Blink;
use heapless::String;

use crate::board::{Bus, Led, Serial, Watchdog, send};

const READS_PER_LINE: u8 = 50;
const READ_PERIOD: Duration = Duration::from_millis(10);

/// Sums and extremes of half a second of readings.
struct Summary {
    reads: f32,
    accel: [f32; 3],
    gyro: [f32; 3],
    /// Smallest and largest of each axis of the gyroscope.
    least: [f32; 3],
    most: [f32; 3],
}

impl Summary {
    const NOTHING: Self = Self {
        reads: 0.0,
        accel: [0.0; 3],
        gyro: [0.0; 3],
        least: [f32::MAX; 3],
        most: [f32::MIN; 3],
    };

    fn add(&mut self, counts: &ImuCounts, scale: ImuScale) {
        self.reads += 1.0;
        for axis in 0..3 {
            self.accel[axis] += f32::from(counts.accel[axis]) * scale.accel;
            let rate = f32::from(counts.gyro[axis]) * scale.gyro;
            self.gyro[axis] += rate;
            self.least[axis] = self.least[axis].min(rate);
            self.most[axis] = self.most[axis].max(rate);
        }
    }

    /// Specific force, in m/s², and turning rate, in rad/s.
    fn means(&self) -> ([f32; 3], [f32; 3]) {
        let mean = |sum: f32| sum / self.reads.max(1.0);
        (self.accel.map(mean), self.gyro.map(mean))
    }

    /// Whether no axis turned by more than 3 °/s to and fro.
    fn still(&self) -> bool {
        (0..3).all(|axis| self.most[axis] - self.least[axis] < 0.052)
    }
}

/// Runs for ever.
pub async fn run(mut bus: Bus, mut watchdog: Watchdog, mut serial: Serial, mut led: Led) {
    let mut line = String::<192>::new();
    send(
        &mut serial,
        b"# blink_imu: lay the robot flat, then tip it onto each side\r\n",
    )
    .await;
    loop {
        let mut found = None;
        for (address, bits) in [(Address::Ad0Low, 0x68_u8), (Address::Ad0High, 0x69)] {
            let mut identity = [0];
            let answer = bus.write_read(bits, &[0x75], &mut identity).await;
            line.clear();
            let _ = match answer {
                Ok(()) => write!(
                    line,
                    "0x{bits:02x}: answers, WHO_AM_I 0x{:02x}\r\n",
                    identity[0]
                ),
                Err(error) => write!(line, "0x{bits:02x}: {error:?}\r\n"),
            };
            send(&mut serial, line.as_bytes()).await;
            if answer.is_ok() && found.is_none() {
                found = Some(address);
            }
        }
        match found {
            Some(address) => {
                let config = Mpu6050Config {
                    address,
                    ..Mpu6050Config::default()
                };
                let mut sensor = Mpu6050::new(bus, config);
                // Setting the sensor up takes 0.25 s, longer than the watchdog waits.
                let mut delay = Delay;
                let start = feeding(&mut watchdog, sensor.start(&mut delay)).await;
                line.clear();
                let ready = start.is_ok();
                match start {
                    Ok(device) => _ = write!(line, "{device:?}, ready\r\n"),
                    Err(error) => explain(&error, &mut line),
                }
                send(&mut serial, line.as_bytes()).await;
                if ready {
                    watch(&mut sensor, &mut watchdog, &mut serial, &mut led, &mut line).await;
                }
                bus = sensor.release();
            }
            None => {
                let advice = b"nothing there: 3.3 V? ground? SDA and SCL swapped? pull-ups?\r\n";
                send(&mut serial, advice).await;
            }
        }
        // Fast blinking: no sensor, or lost.
        for _ in 0..20 {
            led.show(Blink::Alarm, clock::now());
            watchdog.feed();
            Timer::after(Duration::from_millis(50)).await;
        }
    }
}

/// Keeps the watchdog content while something takes its time.
async fn feeding<T>(watchdog: &mut Watchdog, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        watchdog.feed();
        let pause = Timer::after(Duration::from_millis(20));
        if let Either::First(result) = select(work.as_mut(), pause).await {
            return result;
        }
    }
}

/// Reports until the sensor is lost.
async fn watch(
    sensor: &mut Mpu6050<Bus>,
    watchdog: &mut Watchdog,
    serial: &mut Serial,
    led: &mut Led,
    line: &mut String<192>,
) {
    let scale = sensor.scale();
    let mut pace = Ticker::every(READ_PERIOD);
    loop {
        let mut summary = Summary::NOTHING;
        for _ in 0..READS_PER_LINE {
            pace.next().await;
            watchdog.feed();
            match sensor.read().await {
                Ok(counts) => summary.add(&counts, scale),
                Err(error) => {
                    line.clear();
                    explain(&error, line);
                    send(serial, line.as_bytes()).await;
                    return;
                }
            }
            let blink = if summary.still() {
                Blink::Heartbeat
            } else {
                Blink::On
            };
            led.show(blink, clock::now());
        }
        line.clear();
        let _ = report(&summary, line);
        send(serial, line.as_bytes()).await;
    }
}

fn explain<E: core::fmt::Debug>(error: &Error<E>, line: &mut String<192>) {
    let _ = write!(line, "lost: {error:?}\r\n");
}

fn report(summary: &Summary, line: &mut String<192>) -> core::fmt::Result {
    let ([ax, ay, az], gyro) = summary.means();
    let thousandths = |value: f32| (value * 1000.0) as i32;
    let centidegrees = |rate: f32| (rate * 5729.578) as i32;
    let [gx, gy, gz] = gyro.map(centidegrees);
    write!(
        line,
        "accel {} {} {} mm/s2, gyro {gx} {gy} {gz} 0.01deg/s, {}, {}\r\n",
        thousandths(ax),
        thousandths(ay),
        thousandths(az),
        up([ax, ay, az]),
        if summary.still() {
            "still"
        } else {
            turning(gyro)
        },
    )
}

/// Which way the robot lies, if x points forward, y left and z up. The accelerometer at rest
/// shows the way up.
fn up(accel: [f32; 3]) -> &'static str {
    let [x, y, z] = accel;
    // Two thirds of g.
    let clear = 6.5;
    match () {
        () if z > clear => "flat",
        () if z < -clear => "UPSIDE DOWN",
        () if x > clear => "nose up",
        () if x < -clear => "nose down",
        () if y > clear => "left side up",
        () if y < -clear => "right side up",
        () => "in between",
    }
}

/// How it turns, by the axis that turns fastest.
fn turning(gyro: [f32; 3]) -> &'static str {
    let [x, y, z] = gyro;
    let [ax, ay, az] = gyro.map(f32::abs);
    if ay >= ax && ay >= az {
        if y > 0.0 {
            "tipping forward"
        } else {
            "tipping back"
        }
    } else if az >= ax {
        if z > 0.0 {
            "turning left"
        } else {
            "turning right"
        }
    } else if x > 0.0 {
        "rolling right"
    } else {
        "rolling left"
    }
}
