// A whole UART: both FIFOs, their levels, the receive time-out, at the pace of the baud rate.
//
// The stock one has no FIFO on the way out, and its interrupts follow nothing (RP2040 datasheet, 4.2).
// For an image that is heard as well as listened to; the others do with `paceUart`.

const DR = 0x0, FR = 0x18, IFLS = 0x34, CR = 0x30, IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44, DMACR = 0x48;
const ENABLED = 1;
const DEPTH = 32;
const TX_EMPTY = 1 << 7, RX_FULL = 1 << 6, TX_FULL = 1 << 5, RX_EMPTY = 1 << 4, BUSY = 1 << 3;
const RX = 1 << 4, TX = 1 << 5, RX_TIMEOUT = 1 << 6, OVERRUN = 1 << 10;
const OVERRUN_DATA = 1 << 11;
const BITS_PER_BYTE = 10, TIMEOUT_BITS = 32;
/** IFLS: 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO. */
const LEVELS = [4, 8, 16, 24, 28];

export class UartLine {
  /** Bytes on their way to the chip. */
  #incoming = [];
  #sending = false;
  #tx = [];
  #rx = [];
  #overrun = false;
  /** Bytes that found the receiver's FIFO full. */
  overruns = 0;

  /** @param {(byte: number) => void} onByte a byte has left the chip, its stop bit sent */
  constructor(chip, uart, onByte) {
    this.chip = chip;
    this.uart = uart;
    this.onByte = onByte;
    this.raw = 0;
    this.asserted = false;
    this.levels = 0x12;
    const { clock } = chip;
    this.transmitter = clock.createAlarm(() => this.#sent());
    this.receiver = clock.createAlarm(() => this.#received());
    this.timeout = clock.createAlarm(() => this.#raise(RX_TIMEOUT));

    const read = uart.readUint32.bind(uart);
    uart.readUint32 = (offset) => {
      switch (offset) {
        case DR: return this.#pull();
        case FR: return this.#flags();
        case IFLS: return this.levels;
        case DMACR: return 0;
        case RIS: return this.raw;
        case MIS: return this.raw & uart.interruptMask;
        default: return read(offset);
      }
    };
    const write = uart.writeUint32.bind(uart);
    uart.writeUint32 = (offset, value) => {
      switch (offset) {
        case DR: return this.#push(value & 0xff);
        case IFLS: this.levels = value & 0x3f; return undefined;
        case ICR: this.raw &= ~uart.rawWriteValue; return this.#check(true);
        case IMSC: uart.interruptMask = value & 0x7ff; return this.#check();
        case DMACR: return undefined;
        case CR: uart.ctrlRegister = value; return undefined;
        default: return write(offset, value);
      }
    };
    uart.checkInterrupts = () => this.#check();
  }

  get waiting() {
    return this.#incoming.length;
  }

  /** Bytes to the chip, one after the other at the baud rate. */
  hear(bytes) {
    const idle = this.#incoming.length === 0;
    for (const byte of bytes) this.#incoming.push(byte);
    if (idle && this.#incoming.length > 0) this.receiver.schedule(this.#nanos(BITS_PER_BYTE));
  }

  #nanos(bits) {
    return this.uart.baudDivider ? (bits / this.uart.baudRate) * 1e9 : 1e6;
  }

  /**
   * What the firmware has set pending itself stays so until its handler acknowledges it; the stock core
   * would forget it with the next `setInterrupt(…, false)`.
   */
  #check(acknowledged = false) {
    const asserted = (this.raw & this.uart.interruptMask) !== 0;
    if (asserted || this.asserted || acknowledged) this.chip.setInterrupt(this.uart.irq, asserted);
    this.asserted = asserted;
  }

  #raise(bit) {
    this.raw |= bit;
    this.#check();
  }

  #level(shift) {
    return LEVELS[(this.levels >> shift) & 7] ?? 16;
  }

  #flags() {
    return (this.#rx.length === 0 ? RX_EMPTY : 0) | (this.#rx.length >= DEPTH ? RX_FULL : 0)
      | (this.#tx.length === 0 ? TX_EMPTY : 0) | (this.#tx.length >= DEPTH ? TX_FULL : 0)
      | (this.#sending ? BUSY : 0);
  }

  #push(byte) {
    // The shift register takes the first byte at once.
    if (!this.#sending) {
      this.#sending = true;
      this.byte = byte;
      this.transmitter.schedule(this.#nanos(BITS_PER_BYTE));
    } else if (this.#tx.length < DEPTH) this.#tx.push(byte);
  }

  #sent() {
    this.onByte(this.byte);
    this.#sending = this.#tx.length > 0;
    if (!this.#sending) return;
    this.byte = this.#tx.shift();
    // Of a passage through the level, not of the level (4.2.6.3).
    if (this.#tx.length === this.#level(0)) this.#raise(TX);
    this.transmitter.schedule(this.#nanos(BITS_PER_BYTE));
  }

  #received() {
    const byte = this.#incoming.shift();
    if (this.#incoming.length > 0) this.receiver.schedule(this.#nanos(BITS_PER_BYTE));
    if (!(this.uart.ctrlRegister & ENABLED)) return;
    if (this.#rx.length >= DEPTH) {
      this.overruns += 1;
      this.#overrun = true;
      return this.#raise(OVERRUN);
    }
    this.#rx.push(byte | (this.#overrun ? OVERRUN_DATA : 0));
    this.#overrun = false;
    if (this.#rx.length >= this.#level(3)) this.#raise(RX);
    this.timeout.schedule(this.#nanos(TIMEOUT_BITS));
  }

  #pull() {
    const value = this.#rx.shift() ?? 0;
    if (this.#rx.length < this.#level(3)) this.raw &= ~RX;
    if (this.#rx.length === 0) {
      this.raw &= ~RX_TIMEOUT;
      this.timeout.cancel();
    }
    this.#check();
    return value;
  }
}
