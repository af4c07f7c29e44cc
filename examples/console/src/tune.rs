//! Puts a new robot into service, step by step. Each step has a check, and where it fails nothing goes
//! on: a robot with one wire wrong would run away.

use crate::cli::TuneArgs;
use crate::session::{Session, Told};
use anyhow::{Context, Result, bail, ensure};
use std::io::{Write, stdin, stdout};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What the sensor may say of a robot at rest.
const GRAVITY: f64 = 9.81;
const GRAVITY_ERROR: f64 = 0.8;
/// Noise of an MPU-6050 is below 0.02; a hand that holds it still moves it by less than this, rad/s.
const STILL: f64 = 0.1;
/// The data sheet of an MPU-6050 allows ±20 °/s, rad/s.
const BIAS: f64 = 0.35;
/// Leaning by two degrees or more, m/s².
const LEANING: f64 = 0.34;
/// Encoder counts that are a turning wheel, and none.
const TURNED: i64 = 8;
const STOOD: i64 = 2;
/// Thousandths of full duty that turn any healthy wheel in the air.
const TRY: i16 = 300;
/// A wheel that needs more than this share of the battery to turn is blocked, or its driver weak.
const FRICTION: i16 = 350;
/// The robot is watched so long, and may lean so much after the first second, rad.
const WATCHED: f64 = 5.0;
const SWAY: f64 = 0.15;

/// Guides through all steps.
pub fn tune(args: &TuneArgs) -> Result<()> {
    let mut guide = Guide {
        session: Session::open(&args.target)?,
        answers: args
            .answers
            .as_ref()
            .map(|answers| answers.chars().collect()),
        asked: 0,
    };
    guide.meet().context("step 1, the robot")?;
    guide.rest().context("step 2, the sensor at rest")?;
    guide.lean().context("step 3, how the sensor is mounted")?;
    let sides = ["left", "right"];
    for (index, side) in sides.into_iter().enumerate() {
        guide
            .turn(index, side)
            .with_context(|| format!("step 4, the {side} wheel"))?;
    }
    guide.friction(sides).context("step 5, friction")?;
    guide.stand().context("step 6, the first balance")?;
    if args.save {
        guide.session.demand("save")?;
        say("Saved: it will be so after a loss of power too.")?;
    }
    say("Done. `balance plot` shows it; `set` changes its gains while it stands.")
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(stdout(), "{text}")?)
}

struct Guide {
    session: Session,
    answers: Option<Vec<char>>,
    asked: usize,
}

/// What the robot's sensors say.
struct Sensed {
    accel: [f64; 3],
    gyro: [f64; 3],
    swing: f64,
}

/// The numbers in a text.
fn numbers<const N: usize>(text: &str) -> Option<[f64; N]> {
    let mut found = text
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter_map(|word| word.parse::<f64>().ok());
    let mut numbers = [0.0; N];
    for number in &mut numbers {
        *number = found.next()?;
    }
    Some(numbers)
}

fn counts(answer: &str) -> Option<[i64; 2]> {
    let line = answer.lines().find(|line| line.starts_with("encoders"))?;
    Some(numbers::<2>(line)?.map(|count| count as i64))
}

fn sensed(answer: &str) -> Option<Sensed> {
    let line = |start: &str| answer.lines().find(|line| line.starts_with(start));
    let gyro = numbers::<4>(&line("gyro")?.replace("rad/s", ""))?;
    Some(Sensed {
        accel: numbers(line("accel")?)?,
        gyro: [gyro[0], gyro[1], gyro[2]],
        swing: gyro[3],
    })
}

/// The axis along which gravity is felt, and its name.
fn up(accel: [f64; 3]) -> Option<&'static str> {
    let names = [["x", "-x"], ["y", "-y"], ["z", "-z"]];
    let most = 0.8 * GRAVITY;
    accel
        .iter()
        .zip(names)
        .find(|(value, _)| value.abs() > most)
        .map(|(value, names)| names[usize::from(*value < 0.0)])
}

impl Guide {
    /// Asks whoever stands beside the robot.
    fn ask(&mut self, question: &str) -> Result<bool> {
        self.asked += 1;
        write!(stdout(), "{question} [y/n] ")?;
        stdout().flush()?;
        let answer = match &self.answers {
            Some(answers) => {
                let answer = answers.get(self.asked - 1).copied().unwrap_or('y');
                say(&answer.to_string())?;
                answer.to_string()
            }
            None => {
                let mut line = String::new();
                ensure!(stdin().read_line(&mut line)? > 0, "nobody answers");
                line
            }
        };
        Ok(answer.trim().starts_with(['y', 'Y']))
    }

    fn demand_yes(&mut self, question: &str) -> Result<()> {
        ensure!(self.ask(question)?, "come back when it is so");
        Ok(())
    }

    fn meet(&mut self) -> Result<()> {
        let firmware = self.session.demand("version")?;
        let mut status = self.session.demand("status")?;
        if !status.starts_with("disarmed") {
            self.session.demand("disarm")?;
            sleep(Duration::from_millis(50));
            status = self.session.demand("status")?;
        }
        say(&format!("1. {firmware}: {status}"))?;
        ensure!(status.starts_with("disarmed"), "it does not disarm");
        ensure!(
            !status.contains("battery 0.00 V"),
            "it measures no battery: is it switched on, its divider connected?"
        );
        Ok(())
    }

    fn measure(&mut self) -> Result<Sensed> {
        self.session.demand("calibrate")?;
        sleep(Duration::from_millis(1300));
        let answer = self.session.demand("sensor")?;
        sensed(&answer).with_context(|| format!("the sensor does not answer: {answer}"))
    }

    fn rest(&mut self) -> Result<()> {
        self.demand_yes("2. Hold the robot upright, as if it balanced, and quite still. Ready?")?;
        let sensed = self.measure()?;
        ensure!(
            sensed.swing < STILL,
            "it was moved, by {:.2} rad/s: lean it against something",
            sensed.swing
        );
        let felt = sensed.accel.iter().map(|a| a * a).sum::<f64>().sqrt();
        ensure!(
            (felt - GRAVITY).abs() < GRAVITY_ERROR,
            "gravity is felt as {felt:.2} m/s2: a sensor of another kind, or broken"
        );
        for (axis, rate) in ["x", "y", "z"].into_iter().zip(sensed.gyro) {
            ensure!(
                rate.abs() < BIAS,
                "the gyroscope's bias about {axis} is {rate:.3} rad/s, too much for a healthy one"
            );
        }
        let [x, y, z] = sensed.gyro;
        say(&format!(
            "   gravity {felt:.2} m/s2, bias of the gyroscope {x:.4} {y:.4} {z:.4} rad/s, \
             swing {:.4}: healthy",
            sensed.swing
        ))?;
        match up(sensed.accel) {
            Some("z") => Ok(()),
            Some(axis) => bail!(
                "up is the sensor's {axis}: turn its board so that the printed side looks up, or say so \
                 in the firmware's `mounting`"
            ),
            None => bail!("no axis of the sensor points up: hold the robot upright"),
        }
    }

    fn lean(&mut self) -> Result<()> {
        self.demand_yes(
            "3. Lean it forward a little, some degrees, the way it shall drive, and hold it. Ready?",
        )?;
        let [x, y, _] = self.measure()?.accel;
        say(&format!(
            "   the sensor feels {x:.2} along x, {y:.2} along y"
        ))?;
        let turned = "turn its board so that its x arrow points forward, or say so in the firmware's \
                      `mounting`";
        if x.abs() < LEANING && y.abs() < LEANING {
            bail!("it does not lean: by two degrees or more, please");
        }
        if y.abs() > x.abs() {
            bail!("the sensor's y points forward or back, not its x: {turned}");
        }
        // Nose down, x points into the ground, and what is felt points up.
        ensure!(x < 0.0, "the sensor's x points backward: {turned}");
        Ok(())
    }

    /// Turns a wheel and says how far both have turned.
    fn try_motor(&mut self, side: &str, permille: i16) -> Result<[i64; 2]> {
        let before = counts(&self.session.demand("sensor")?).context("no encoders")?;
        self.session.demand(&format!("motor {side}={permille}"))?;
        sleep(Duration::from_millis(450));
        let after = counts(&self.session.demand("sensor")?).context("no encoders")?;
        Ok([after[0] - before[0], after[1] - before[1]])
    }

    fn turn(&mut self, index: usize, side: &str) -> Result<()> {
        if index == 0 {
            self.demand_yes("4. Lift the robot: both wheels in the air, fingers away. Ready?")?;
        }
        let moved = self.try_motor(side, TRY)?;
        let (own, other) = (moved[index], moved[1 - index]);
        say(&format!(
            "   {side} motor forward for 0.3 s: its encoder {own:+}, the other {other:+} counts"
        ))?;
        let forward = self.ask(&format!(
            "   Did the {side} wheel turn forward, as if it drove ahead?"
        ))?;
        if own.abs() < TURNED && other.abs() >= TURNED {
            bail!("the other encoder has counted: left and right are crossed, motors or encoders");
        }
        ensure!(
            other.abs() <= STOOD,
            "both encoders have counted: a short between their cables?"
        );
        ensure!(
            own.abs() >= TURNED,
            "its encoder does not count: is it plugged in, has it its supply; if the wheel stood \
             still, has the driver its battery?"
        );
        match (forward, own > 0) {
            (true, true) => Ok(()),
            (false, false) => bail!("swap the two leads of the {side} motor"),
            (true, false) => bail!("swap the channels A and B of the {side} encoder"),
            (false, true) => bail!(
                "swap the two leads of the {side} motor, and the channels A and B of its encoder"
            ),
        }
    }

    fn friction(&mut self, sides: [&str; 2]) -> Result<()> {
        let status = self.session.demand("status")?;
        let volts = status
            .split_once("battery ")
            .and_then(|(_, rest)| rest.split_once(" V"))
            .and_then(|(volts, _)| volts.parse::<f64>().ok())
            .context("it does not tell its battery's voltage")?;
        say("5. How much voltage only just turns a wheel?")?;
        let mut most = 0;
        for (index, side) in sides.into_iter().enumerate() {
            for sign in [1, -1] {
                let turns = self.least_duty(index, side, sign)?;
                most = most.max(turns);
            }
        }
        let friction = f64::from(most) / 1000.0 * volts;
        // In the air; on the ground the gears press, and to give back too much makes it shake.
        let given = 0.8 * friction;
        say(&format!(
            "   {friction:.2} V of {volts:.2} V; drive.friction_voltage becomes {given:.2} V"
        ))?;
        self.session
            .demand(&format!("set drive.friction_voltage={given:.3}"))?;
        Ok(())
    }

    fn least_duty(&mut self, index: usize, side: &str, sign: i16) -> Result<i16> {
        for permille in (10..=FRICTION).step_by(20) {
            if self.try_motor(side, sign * permille)?[index].abs() >= TURNED {
                return Ok(permille);
            }
        }
        bail!(
            "the {side} wheel needs more than {FRICTION} thousandths of the battery: is it blocked?"
        )
    }

    fn stand(&mut self) -> Result<()> {
        self.demand_yes(
            "6. Put it on the floor and hold it upright with two fingers; it measures its gyroscope, \
             still please, and then stands. Let go when it pushes. Ready?",
        )?;
        self.session.demand("arm")?;
        let until = Instant::now() + Duration::from_secs(8);
        loop {
            sleep(Duration::from_millis(100));
            let status = self.session.demand("status")?;
            if status.starts_with("balancing") {
                break;
            }
            let hopeless = status.starts_with("faulted") || status.starts_with("fallen");
            ensure!(
                !hopeless && Instant::now() < until,
                "it does not begin to balance: {status}"
            );
        }
        let lean = self.watch();
        let status = self.session.demand("status")?;
        if !status.starts_with("balancing") {
            self.session.demand("disarm")?;
            bail!("it fell: {status}. Its parameters are those of before");
        }
        let lean = lean?;
        say(&format!("   it stands, and leans by at most {lean:.3} rad"))?;
        if lean > SWAY {
            self.session.demand("disarm")?;
            bail!(
                "it sways: weigh the robot and measure its height for `RobotParameters`, or let \
                 `balance-sim autotune` show what a tuning changes"
            );
        }
        Ok(())
    }

    /// The largest lean after the first second.
    fn watch(&mut self) -> Result<f64> {
        self.session.demand("scope pitch")?;
        let started = Instant::now();
        let (mut lean, mut first) = (0.0_f64, None);
        while started.elapsed().as_secs_f64() < WATCHED {
            if let Some(Told::Record(record)) = self.session.hear(Duration::from_millis(200))? {
                let first = *first.get_or_insert(record.seconds);
                if let Some((_, pitch)) = record.values.first()
                    && record.seconds > first + 1.0
                {
                    lean = lean.max(f64::from(pitch.abs()));
                }
            }
        }
        self.session.say("scope off")?;
        sleep(Duration::from_millis(100));
        first.context("it does not tell its pitch")?;
        Ok(lean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "encoders -3 41 counts\naccel 0.010 -0.520 9.750 m/s2\n\
                          gyro 0.01000 -0.02000 0.00100 rad/s, swing 0.0250";

    #[test]
    fn reads_what_the_shell_writes() {
        let sensed = sensed(ANSWER).unwrap();
        assert_eq!(counts(ANSWER), Some([-3, 41]));
        assert_eq!(sensed.accel, [0.01, -0.52, 9.75]);
        assert_eq!(sensed.gyro, [0.01, -0.02, 0.001]);
        assert_eq!(sensed.swing, 0.025);
        assert!(super::sensed("encoders 1 2 counts\nnot calibrated, or not done yet").is_none());
    }

    #[test]
    fn up_is_where_gravity_is_felt() {
        assert_eq!(up([0.3, -0.5, 9.7]), Some("z"));
        assert_eq!(up([-9.8, 0.0, 0.1]), Some("-x"));
        assert_eq!(up([7.0, 0.0, 7.0]), None);
    }
}
