//! Registers behind a bus; what `$async` and `$wait` are, the [driver](super::driver) says.

macro_rules! registers {
    ([$($async:tt)?] [$($wait:tt)*]) => {
        /// Registers of eight bits that follow each other in a transfer.
        #[allow(
            async_fn_in_trait,
            reason = "a loop awaits it where it is, without sending it elsewhere"
        )]
        pub trait Registers {
            /// Of the bus.
            type Error;

            /// Reads neighbouring registers in one transfer.
            ///
            /// # Errors
            /// Of the bus.
            $($async)? fn read(&mut self, register: u8, into: &mut [u8]) -> Result<(), Self::Error>;

            /// Writes neighbouring registers, or many bytes to one, in one transfer.
            ///
            /// # Errors
            /// Of the bus.
            $($async)? fn write(&mut self, register: u8, bytes: &[u8]) -> Result<(), Self::Error>;
        }

        /// Registers at an address of an I²C bus.
        #[derive(Debug)]
        pub struct I2cRegisters<I> {
            bus: I,
            address: u8,
        }

        impl<I: I2c> Registers for I2cRegisters<I> {
            type Error = I::Error;

            $($async)? fn read(&mut self, register: u8, into: &mut [u8]) -> Result<(), I::Error> {
                self.bus.write_read(self.address, &[register], into)$($wait)*
            }

            $($async)? fn write(&mut self, register: u8, bytes: &[u8]) -> Result<(), I::Error> {
                if let [value] = bytes {
                    return self.bus.write(self.address, &[register, *value])$($wait)*;
                }
                // Two writes without a start between them are one transfer.
                use embedded_hal::i2c::Operation::Write;
                let mut parts = [Write(&[register]), Write(bytes)];
                self.bus.transaction(self.address, &mut parts)$($wait)*
            }
        }

        /// Registers of an SPI device, mode 0 or 3, with a set top bit for reading.
        #[derive(Debug)]
        pub struct SpiRegisters<S> {
            device: S,
            dummy: bool,
        }

        impl<S: SpiDevice> Registers for SpiRegisters<S> {
            type Error = S::Error;

            $($async)? fn read(&mut self, register: u8, into: &mut [u8]) -> Result<(), S::Error> {
                use embedded_hal::spi::Operation::{Read, Write};
                let (short, long) = ([register | 0x80], [register | 0x80, 0]);
                let question: &[u8] = if self.dummy { &long } else { &short };
                let mut parts = [Write(question), Read(into)];
                self.device.transaction(&mut parts)$($wait)*
            }

            $($async)? fn write(&mut self, register: u8, bytes: &[u8]) -> Result<(), S::Error> {
                use embedded_hal::spi::Operation::Write;
                let register = [register & 0x7f];
                let mut parts = [Write(&register), Write(bytes)];
                self.device.transaction(&mut parts)$($wait)*
            }
        }
    };
}
pub(super) use registers;
