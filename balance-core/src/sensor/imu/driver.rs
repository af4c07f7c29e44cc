//! The procedures, the same for every chip, and the same whether a bus blocks or is awaited: `$async` and
//! `$wait` are nothing in the one case, `async` and `.await` in the other.

/// How often a chip that does not answer is asked at start-up.
pub(super) const ATTEMPTS: u32 = 10;
/// Pause between two questions. A supply may rise for 100 ms (PS-MPU-6000A-00, 6.1), so does the
/// patience.
pub(super) const PAUSE_MILLIS: u32 = 10;
/// Between two readings of an average: 52 Hz, the slowest rate at which a chip is tested.
pub(super) const AVERAGE_MILLIS: u32 = 20;
/// Bytes of the FIFO in one transfer.
pub(super) const BURST: usize = 128;

macro_rules! driver {
    ([$($async:tt)?] [$($wait:tt)*]) => {
        use super::driver::{ATTEMPTS, AVERAGE_MILLIS, BURST, PAUSE_MILLIS};
        use crate::sensor::imu::{Chip, ImuCounts, ImuError, ImuScale, Measured, Op, SelfTest};
        use crate::sensor::sample::Sample;
        use crate::time::Instant;

        /// An inertial sensor, whichever it is.
        #[allow(
            async_fn_in_trait,
            reason = "a loop awaits it where it is, without sending it elsewhere"
        )]
        pub trait ImuSource {
            /// What can go wrong.
            type Error;

            /// Waits for the sensor, identifies, resets and configures it, in bounded time. May be called again,
            /// for example after [`verify`](Self::verify) has failed.
            ///
            /// # Errors
            /// The sensor does not answer, is another one, or does not keep its configuration.
            $($async)? fn start(&mut self, delay: &mut impl DelayNs) -> Result<(), Self::Error>;

            /// Whether there is a reading that has not been asked for yet. Clears it.
            ///
            /// # Errors
            /// The bus failed, or the sensor has not been started.
            $($async)? fn is_ready(&mut self) -> Result<bool, Self::Error>;

            /// The newest reading, in counts and in the sensor's axes.
            ///
            /// # Errors
            /// The bus failed, or the sensor has not been started.
            $($async)? fn read(&mut self) -> Result<ImuCounts, Self::Error>;

            /// The newest reading, taken at `now`, as a loop wants it: if it cannot be had, `last` with the health of a
            /// failure.
            $($async)? fn sample(&mut self, now: Instant, last: ImuCounts) -> Sample<ImuCounts> {
                match self.read()$($wait)* {
                    Ok(counts) => Sample::good(now, counts),
                    Err(_) => Sample::failed(now, last),
                }
            }

            /// Moves readings from the sensor's FIFO, oldest first, and gives their number; those that do not fit
            /// stay for the next call. The newest counts as taken at `now`, those before it a period earlier
            /// each.
            ///
            /// # Errors
            /// The bus failed, there is no FIFO, or it overflowed and has been emptied.
            $($async)? fn drain(
                &mut self,
                now: Instant,
                into: &mut [Sample<ImuCounts>],
            ) -> Result<usize, Self::Error>;

            /// Lets the sensor test itself and starts it again. **It must lie still**, for up to two seconds.
            ///
            /// # Errors
            /// The bus failed, or the sensor could not be started again. An axis that fails is no error but part
            /// of the answer.
            $($async)? fn self_test(
                &mut self,
                delay: &mut impl DelayNs,
            ) -> Result<SelfTest, Self::Error>;

            /// Reads the configuration back: a sensor whose supply has failed for a moment is asleep, with
            /// its ranges at their defaults. About ten short transfers, not for every period.
            ///
            /// # Errors
            /// The bus failed, the sensor has not been started, or a register has changed.
            $($async)? fn verify(&mut self) -> Result<(), Self::Error>;

            /// What a count is worth.
            fn scale(&self) -> ImuScale;
        }

        /// A chip behind its registers.
        #[derive(Debug)]
        pub struct Imu<B, C: Chip> {
            registers: B,
            chip: C,
            device: Option<C::Device>,
        }

        impl<I: I2c, C: Chip> Imu<I2cRegisters<I>, C> {
            /// A chip on an I²C bus, which it owns. Nothing is sent yet.
            pub const fn over_i2c(bus: I, address: u8, chip: C) -> Self {
                Self {
                    registers: I2cRegisters { bus, address },
                    chip,
                    device: None,
                }
            }

            /// Gives the bus back.
            pub fn release(self) -> I {
                self.registers.bus
            }
        }

        impl<S: SpiDevice, C: Chip> Imu<SpiRegisters<S>, C> {
            /// A chip on an SPI bus in mode 0 or 3. Nothing is sent yet.
            pub const fn over_spi(device: S, chip: C) -> Self {
                Self {
                    registers: SpiRegisters {
                        device,
                        dummy: C::SPI_DUMMY,
                    },
                    chip,
                    device: None,
                }
            }

            /// Gives the device back.
            pub fn release(self) -> S {
                self.registers.device
            }
        }

        impl<B: Registers, C: Chip> Imu<B, C> {
            /// Waits for the chip, identifies, resets and configures it, and reads the configuration back.
            /// Takes the time of its reset, or 0.1 s more while the chip does not answer. May be called again, for
            /// example after [`verify`](Self::verify) has failed.
            ///
            /// # Errors
            /// The bus failed (ten times in a row at the first question, once later on), another device
            /// answered, or a register does not hold what was written.
            pub $($async)? fn start(
                &mut self,
                delay: &mut impl DelayNs,
            ) -> Result<C::Device, ImuError<B::Error>> {
                self.device = None;
                let device = self.identify(delay)$($wait)*?;
                self.configure(device, delay)$($wait)*?;
                self.device = Some(device);
                Ok(device)
            }

            /// Whether there is a reading that has not been asked for yet. Clears it.
            ///
            /// # Errors
            /// The bus failed, or the chip has not been started.
            pub $($async)? fn is_ready(&mut self) -> Result<bool, ImuError<B::Error>> {
                self.started()?;
                let (register, bits) = C::READY;
                Ok(self.register(register)$($wait)*? & bits == bits)
            }

            /// The newest reading, in counts and in the sensor's axes.
            ///
            /// # Errors
            /// The bus failed, or the chip has not been started.
            pub $($async)? fn read(&mut self) -> Result<ImuCounts, ImuError<B::Error>> {
                self.started()?;
                self.burst()$($wait)*
            }

            /// Moves readings from the FIFO, oldest first, and gives their number; those that do not fit
            /// stay for the next call. The newest counts as taken at `now`, those before it a period earlier
            /// each. Transfers of up to 128 bytes.
            ///
            /// # Errors
            /// The bus failed, the chip has not been started or has no FIFO by its configuration, or readings were
            /// lost or mixed up: the FIFO is then emptied, and the next call goes on with new ones.
            pub $($async)? fn drain(
                &mut self,
                now: Instant,
                into: &mut [Sample<ImuCounts>],
            ) -> Result<usize, ImuError<B::Error>> {
                const { assert!(C::FRAME_BYTES > 0 && C::FRAME_BYTES <= 16) };
                let device = self.started()?;
                if !self.chip.has_fifo() {
                    return Err(ImuError::NoFifo);
                }
                let mut level = [0; 2];
                self.fetch(C::FIFO_LEVEL, &mut level)$($wait)*?;
                let level = self.chip.fifo_level(device, level);
                if level.overflowed {
                    self.flush()$($wait)*?;
                    return Err(ImuError::FifoOverflow);
                }
                let mut left = usize::from(level.frames);
                let mut drained = 0;
                for places in into.chunks_mut(BURST / C::FRAME_BYTES) {
                    let frames = left.min(places.len());
                    if frames == 0 {
                        break;
                    }
                    let mut bytes = [0; BURST];
                    if let Some(bytes) = bytes.get_mut(..frames * C::FRAME_BYTES) {
                        self.fetch(C::FIFO_DATA, bytes)$($wait)*?;
                    }
                    for (place, frame) in places
                        .iter_mut()
                        .zip(bytes.chunks(C::FRAME_BYTES))
                        .take(frames)
                    {
                        let mut whole = [0; 16];
                        for (to, from) in whole.iter_mut().zip(frame) {
                            *to = *from;
                        }
                        let Some(counts) = C::decode_frame(&whole) else {
                            self.flush()$($wait)*?;
                            return Err(ImuError::FifoCorrupt);
                        };
                        left = left.saturating_sub(1);
                        let age = (left as u64).saturating_mul(self.chip.period_micros().into());
                        let time = Instant::from_micros(now.as_micros().saturating_sub(age));
                        *place = Sample::good(time, counts);
                        drained += 1;
                    }
                }
                Ok(drained)
            }

            /// Lets the chip test itself and starts it again. **It must lie still**, for up to two seconds.
            ///
            /// # Errors
            /// The bus failed, the chip has not been started or could not be started again. An axis that fails is
            /// no error but part of the answer.
            pub $($async)? fn self_test(
                &mut self,
                delay: &mut impl DelayNs,
            ) -> Result<SelfTest, ImuError<B::Error>> {
                let device = self.started()?;
                // Not before it has its configuration again.
                self.device = None;
                let mut measured = Measured::default();
                for op in self.chip.self_test(device) {
                    Self::run(&mut self.registers, op, delay, &mut measured)$($wait)*?;
                }
                self.configure(device, delay)$($wait)*?;
                self.device = Some(device);
                Ok(self.chip.judge(device, &measured))
            }

            /// Reads the configuration back: a chip whose supply has failed for a moment is asleep, with
            /// its ranges at their defaults. About ten short transfers, not for every period.
            ///
            /// # Errors
            /// The bus failed, the chip has not been started, or a register has changed.
            pub $($async)? fn verify(&mut self) -> Result<(), ImuError<B::Error>> {
                let device = self.started()?;
                self.compare(device)$($wait)*
            }

            /// Which chip was found by `start`.
            pub fn device(&self) -> Option<C::Device> {
                self.device
            }
            /// The chip's description, with its configuration.
            pub const fn chip(&self) -> &C {
                &self.chip
            }
            /// What a count is worth.
            pub fn scale(&self) -> ImuScale {
                self.chip.scale()
            }

            fn started(&self) -> Result<C::Device, ImuError<B::Error>> {
                self.device.ok_or(ImuError::NotStarted)
            }

            $($async)? fn identify(
                &mut self,
                delay: &mut impl DelayNs,
            ) -> Result<C::Device, ImuError<B::Error>> {
                let mut answer = self.identity(delay)$($wait)*;
                for _ in 1..ATTEMPTS {
                    // Levels of a line on which nobody answers: SPI has no acknowledge.
                    if !matches!(answer, Err(_) | Ok(0x00 | 0xff)) {
                        break;
                    }
                    delay.delay_ms(PAUSE_MILLIS)$($wait)*;
                    answer = self.identity(delay)$($wait)*;
                }
                let id = answer?;
                C::identify(id).ok_or(ImuError::UnknownDevice(id))
            }

            $($async)? fn identity(
                &mut self,
                delay: &mut impl DelayNs,
            ) -> Result<u8, ImuError<B::Error>> {
                if let Some(op) = C::WAKE {
                    // What matters is the answer to the question after it.
                    let _ =
                        Self::run(&mut self.registers, op, delay, &mut Measured::default())$($wait)*;
                }
                self.register(C::IDENTITY)$($wait)*
            }

            $($async)? fn configure(
                &mut self,
                device: C::Device,
                delay: &mut impl DelayNs,
            ) -> Result<(), ImuError<B::Error>> {
                let mut unused = Measured::default();
                for op in self.chip.reset(device) {
                    Self::run(&mut self.registers, op, delay, &mut unused)$($wait)*?;
                }
                for op in self.chip.configuration(device) {
                    Self::run(&mut self.registers, op, delay, &mut unused)$($wait)*?;
                }
                self.compare(device)$($wait)*?;
                delay.delay_ms(C::SETTLE_MILLIS)$($wait)*;
                Ok(())
            }

            $($async)? fn compare(&mut self, device: C::Device) -> Result<(), ImuError<B::Error>> {
                for op in self.chip.configuration(device) {
                    let Op::Write(register, expected) = op else {
                        continue;
                    };
                    let found = Self::byte(&mut self.registers, register)$($wait)*?;
                    if found != expected {
                        return Err(ImuError::ConfigurationMismatch {
                            register,
                            expected,
                            found,
                        });
                    }
                }
                Ok(())
            }

            $($async)? fn flush(&mut self) -> Result<(), ImuError<B::Error>> {
                for op in self.chip.flush() {
                    if let Op::Write(register, value) | Op::Command(register, value) = op {
                        self.registers
                            .write(register, &[value])
                            $($wait)*
                            .map_err(ImuError::Bus)?;
                    }
                }
                Ok(())
            }

            $($async)? fn run(
                registers: &mut B,
                op: Op,
                delay: &mut impl DelayNs,
                measured: &mut Measured,
            ) -> Result<(), ImuError<B::Error>> {
                match op {
                    Op::Write(register, value) | Op::Command(register, value) => registers
                        .write(register, &[value])
                        $($wait)*
                        .map_err(ImuError::Bus),
                    Op::CommandTwo(register, values) => registers
                        .write(register, &values)
                        $($wait)*
                        .map_err(ImuError::Bus),
                    Op::Load(register, bytes) => registers
                        .write(register, bytes)
                        $($wait)*
                        .map_err(ImuError::Bus),
                    Op::Wait(millis) => {
                        delay.delay_ms(millis)$($wait)*;
                        Ok(())
                    }
                    Op::Await {
                        register,
                        mask,
                        value,
                        attempts,
                    } => {
                        for _ in 0..attempts {
                            if Self::byte(registers, register)$($wait)*? & mask == value {
                                return Ok(());
                            }
                            delay.delay_ms(PAUSE_MILLIS)$($wait)*;
                        }
                        Err(ImuError::TimedOut(register))
                    }
                    Op::Fetch(register, place) => {
                        let byte = Self::byte(registers, register)$($wait)*?;
                        if let Some(place) = measured.bytes.get_mut(place) {
                            *place = byte;
                        }
                        Ok(())
                    }
                    Op::Average(samples, place) => {
                        let mut sums = [0_i32; 6];
                        for _ in 0..samples {
                            delay.delay_ms(AVERAGE_MILLIS)$($wait)*;
                            let counts = Self::reading(registers)$($wait)*?;
                            let axes = counts.accel.into_iter().chain(counts.gyro);
                            for (sum, axis) in sums.iter_mut().zip(axes) {
                                *sum = sum.saturating_add(axis.into());
                            }
                        }
                        if let Some(place) = measured.means.get_mut(place) {
                            *place = sums.map(|sum| sum.checked_div(samples.into()).unwrap_or(0));
                        }
                        Ok(())
                    }
                }
            }

            $($async)? fn burst(&mut self) -> Result<ImuCounts, ImuError<B::Error>> {
                Self::reading(&mut self.registers)$($wait)*
            }

            $($async)? fn reading(registers: &mut B) -> Result<ImuCounts, ImuError<B::Error>> {
                const { assert!(C::DATA_BYTES <= 14) };
                let mut bytes = [0; 14];
                if let Some(bytes) = bytes.get_mut(..C::DATA_BYTES) {
                    registers
                        .read(C::DATA, bytes)
                        $($wait)*
                        .map_err(ImuError::Bus)?;
                }
                Ok(C::decode(&bytes))
            }

            $($async)? fn byte(registers: &mut B, register: u8) -> Result<u8, ImuError<B::Error>> {
                let mut byte = [0];
                registers
                    .read(register, &mut byte)
                    $($wait)*
                    .map_err(ImuError::Bus)?;
                let [value] = byte;
                Ok(value)
            }

            $($async)? fn register(&mut self, register: u8) -> Result<u8, ImuError<B::Error>> {
                Self::byte(&mut self.registers, register)$($wait)*
            }

            $($async)? fn fetch(
                &mut self,
                register: u8,
                into: &mut [u8],
            ) -> Result<(), ImuError<B::Error>> {
                self.registers
                    .read(register, into)
                    $($wait)*
                    .map_err(ImuError::Bus)
            }
        }


        impl<B: Registers, C: Chip> ImuSource for Imu<B, C> {
            type Error = ImuError<B::Error>;

            $($async)? fn start(&mut self, delay: &mut impl DelayNs) -> Result<(), Self::Error> {
                Imu::start(self, delay)$($wait)*.map(|_| ())
            }
            $($async)? fn is_ready(&mut self) -> Result<bool, Self::Error> {
                Imu::is_ready(self)$($wait)*
            }
            $($async)? fn read(&mut self) -> Result<ImuCounts, Self::Error> {
                Imu::read(self)$($wait)*
            }
            $($async)? fn drain(
                &mut self,
                now: Instant,
                into: &mut [Sample<ImuCounts>],
            ) -> Result<usize, Self::Error> {
                Imu::drain(self, now, into)$($wait)*
            }
            $($async)? fn self_test(
                &mut self,
                delay: &mut impl DelayNs,
            ) -> Result<SelfTest, Self::Error> {
                Imu::self_test(self, delay)$($wait)*
            }
            $($async)? fn verify(&mut self) -> Result<(), Self::Error> {
                Imu::verify(self)$($wait)*
            }
            fn scale(&self) -> ImuScale {
                Imu::scale(self)
            }
        }
    };
}
pub(super) use driver;
