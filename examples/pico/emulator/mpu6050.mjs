// An MPU-6050 on an I2C controller of the emulated chip (RM-MPU-6000A, register map, rev. 4.2).
//
// The bus takes the time that the programmed SCL period says; rp2040js has no bus timing.

const ADDRESS = 0x68;
const FIRST_DATA = 0x3b, DATA_BYTES = 14;
const PWR_MGMT_1 = 0x6b, WHO_AM_I = 0x75;
const DEVICE_RESET = 0x80, SLEEP = 0x40;
const SIO = 5;
const WRITE = 0;

export class Mpu6050 {
  /** What the robot feels: registers 0x3B to 0x48, latched at the first byte of each burst. */
  sample = new Uint8Array(DATA_BYTES);
  /** Does not acknowledge its address: no supply, or a broken wire. */
  absent = false;
  /** Holds the data line low for ever, whatever the clock does. */
  stuck = false;
  /** Changes a byte on its way. */
  corrupt = null;
  bursts = 0;
  identifications = 0;

  #registers = new Uint8Array(128);
  #pointer = 0;
  #expectsPointer = false;
  #burst = false;
  #pending = null;
  #clocksToRelease = 0;

  constructor() {
    this.#reset();
  }

  /** Solders the sensor to a (new) chip; its registers keep their values. */
  attach(chip, { bus, sda, scl }) {
    const i2c = chip.i2c[bus];
    this.i2c = i2c;
    this.sdaPin = chip.gpio[sda];
    this.#pending = null;
    // Both lines have pull-ups.
    chip.gpio[scl].setInputValue(true);
    this.sdaPin.setInputValue(!this.holdsData);

    const alarm = chip.clock.createAlarm(() => {
      const next = this.#pending;
      this.#pending = null;
      next?.();
    });
    const afterBits = (bits, next) => {
      // A controller that finds the data line low never gets to the end of what it began.
      if (this.holdsData) return;
      // IC_FS_SCL_LCNT + 1 low, IC_FS_SCL_HCNT + IC_FS_SPKLEN + 7 high (RP2040 datasheet, 4.3.14.1)
      const cycles = i2c.sclLowPeriod + 1 + i2c.sclHighPeriod + i2c.spikelen + 7;
      this.#pending = next;
      alarm.schedule((bits * cycles * 1e9) / chip.clkSys);
    };
    this.drop = () => {
      this.#pending = null;
      alarm.cancel();
    };
    i2c.onReset = this.drop;
    i2c.onStart = () => afterBits(1, () => i2c.completeStart());
    i2c.onConnect = (address, mode) =>
      afterBits(9, () => {
        this.#expectsPointer = mode === WRITE;
        this.#burst = false;
        i2c.completeConnect(address === ADDRESS && !this.absent);
      });
    i2c.onWriteByte = (value) =>
      afterBits(9, () => {
        this.#write(value);
        i2c.completeWrite(true);
      });
    i2c.onReadByte = () => afterBits(9, () => i2c.completeRead(this.#read()));
    i2c.onStop = () => afterBits(1, () => i2c.completeStop());

    // Nine clocks free a data line that a slave holds: it sends the rest of its byte into the void.
    chip.gpio[scl].addListener((level, before) => {
      const LOW = 0;
      const rises = before === LOW && level !== LOW && chip.gpio[scl].functionSelect === SIO;
      if (!rises || this.#clocksToRelease === 0) return;
      this.#clocksToRelease -= 1;
      if (!this.holdsData) this.sdaPin.setInputValue(true);
    });
  }

  get holdsData() {
    return this.stuck || this.#clocksToRelease > 0;
  }

  /** Holds the data line low until told otherwise. */
  setStuck(stuck) {
    if (stuck === this.stuck) return;
    this.stuck = stuck;
    this.sdaPin.setInputValue(!this.holdsData);
    if (stuck) this.drop();
  }

  /** Loses its supply for a moment, or another chip takes its place: registers as after power-up. */
  restart(identity = ADDRESS) {
    this.#reset();
    this.#registers[WHO_AM_I] = identity;
  }

  /** Holds the data line low, as after a clock lost in the middle of a byte of zeros. */
  holdData() {
    if (this.holdsData) return;
    this.#clocksToRelease = 9;
    this.sdaPin.setInputValue(false);
    this.drop();
  }

  #reset() {
    this.#registers.fill(0);
    this.#registers[WHO_AM_I] = ADDRESS;
    this.#registers[PWR_MGMT_1] = SLEEP;
  }

  #write(value) {
    if (this.#expectsPointer) {
      this.#pointer = value & 0x7f;
      this.#expectsPointer = false;
      return;
    }
    if (this.#pointer === PWR_MGMT_1 && value & DEVICE_RESET) this.#reset();
    else if (this.#pointer !== WHO_AM_I) this.#registers[this.#pointer] = value;
    this.#pointer = (this.#pointer + 1) & 0x7f;
  }

  #read() {
    const isData = this.#pointer >= FIRST_DATA && this.#pointer < FIRST_DATA + DATA_BYTES;
    if (isData && !this.#burst) {
      this.#burst = true;
      this.bursts += 1;
      // Asleep, it measures nothing and the registers stand.
      if (!(this.#registers[PWR_MGMT_1] & SLEEP)) this.#registers.set(this.sample, FIRST_DATA);
    }
    if (this.#pointer === WHO_AM_I) this.identifications += 1;
    const value = this.#registers[this.#pointer];
    this.#pointer = (this.#pointer + 1) & 0x7f;
    return this.corrupt ? this.corrupt(value) : value;
  }
}
