// What rp2040js 1.4.1 does otherwise than the chip, put right from outside.
//
// Each function takes the emulated chip (or a part of it) and replaces methods of that object only.
// What the chip does is told by the RP2040 datasheet; sections are given.

const TIMER_BASE = 0x40054;
const RESETS_BASE = 0x4000c;

export function applyAll(chip) {
  wakeOnSendEvent(chip);
  alarmsOnTheMicrosecond(chip);
  for (const i2c of chip.i2c) completeI2c(i2c);
  resetI2c(chip);
  for (const pio of chip.pio) runPioOnDemand(chip, pio);
  for (const uart of chip.uart) paceUart(chip, uart);
  skipPwmEdges(chip);
}

// SEV does nothing in rp2040js but write a line to the log, while embassy's thread executor wakes
// itself from WFE with it (ARMv6-M ARM, B1.5.18). The log line is the only hook there is.
function wakeOnSendEvent(chip) {
  const { core, logger } = chip;
  const info = logger.info.bind(logger);
  logger.info = (component, message) => {
    if (message !== 'SEV') return info(component, message);
    core.eventRegistered = true;
    core.waiting = false;
  };
}

// Alarms are scheduled from the running microsecond's fraction, up to 1 us early, so that an
// interrupt handler finds the time not yet come (4.6.3: the match is with the whole count).
function alarmsOnTheMicrosecond(chip) {
  const timer = chip.peripherals[TIMER_BASE];
  const { clock } = chip;
  const FIRST_ALARM = 0x10;
  const write = timer.writeUint32.bind(timer);
  timer.writeUint32 = (offset, value) => {
    write(offset, value);
    const alarm = timer.alarms[(offset - FIRST_ALARM) / 4];
    if (!alarm) return;
    const micros = (value - Math.floor(clock.nanos / 1000)) >>> 0;
    alarm.clockAlarm.schedule(micros * 1000 - (clock.nanos % 1000));
  };
}

// Three things of the DW_apb_i2c (4.3):
// - IC_INTR_MASK can be written; without it no interrupt ever comes and async transfers hang.
// - RX_FULL and TX_EMPTY follow the levels of the FIFOs, and are not events.
// - A change of direction sends a RESTART by itself (IC_RESTART_EN).
function completeI2c(i2c) {
  const DATA_CMD = 0x10, INTR_MASK = 0x30, ENABLE = 0x6c, SDA_HOLD = 0x7c;
  const READ = 1 << 8, STOP = 1 << 9, RESTART = 1 << 10;
  const RX_FULL = 1 << 2, TX_EMPTY = 1 << 4, TX_EMPTY_CTRL = 1 << 8;

  const followLevels = () => {
    let raw = i2c.intRaw & ~(RX_FULL | TX_EMPTY);
    if (i2c.rxFIFO.itemCount > i2c.rxThreshold) raw |= RX_FULL;
    const sending = i2c.control & TX_EMPTY_CTRL && i2c.busy && i2c.txFIFO.empty;
    if (i2c.txFIFO.itemCount <= i2c.txThreshold && !sending) raw |= TX_EMPTY;
    i2c.intRaw = raw;
    i2c.checkInterrupts();
  };

  let direction = null;
  const write = i2c.writeUint32.bind(i2c);
  i2c.writeUint32 = (offset, value) => {
    if (offset === DATA_CMD) {
      const wanted = value & READ;
      if (direction !== null && wanted !== direction) value |= RESTART;
      direction = value & STOP ? null : wanted;
    }
    if (offset === ENABLE && !(value & 1)) direction = null;
    if (offset === INTR_MASK) i2c.intEnable = value & 0x1fff;
    // The hold time is of no consequence here, and rp2040js complains about it.
    else if (offset !== SDA_HOLD) write(offset, value);
    followLevels();
  };

  const read = i2c.readUint32.bind(i2c);
  i2c.readUint32 = (offset) => {
    const value = read(offset);
    if (offset === DATA_CMD) followLevels();
    return value;
  };

  const changesFifos = ['nextCommand', 'pushRX', 'abort', 'completeConnect', 'completeWrite', 'completeRead', 'completeStop'];
  for (const name of changesFifos) {
    const method = i2c[name].bind(i2c);
    i2c[name] = (...args) => {
      method(...args);
      followLevels();
    };
  }
}

// RESETS (2.14) stores its bits and resets nothing. The firmware's way out of a hung transfer is
// a reset of the controller. `onReset` is for the device on the bus, which sees the lines let go.
function resetI2c(chip) {
  const RESET = 0x0;
  const bits = [1 << 3, 1 << 4];
  const resets = chip.peripherals[RESETS_BASE];
  const write = resets.writeUint32.bind(resets);
  resets.writeUint32 = (offset, value) => {
    write(offset, value);
    if (offset !== RESET) return;
    chip.i2c.forEach((i2c, index) => {
      if (!(value & bits[index])) return;
      Object.assign(i2c, {
        state: 0, busy: false, stop: false, pendingRestart: false, firstByte: false,
        enable: 0, abortSource: 0, intRaw: 0, intEnable: 0, rxThreshold: 0, txThreshold: 0,
      });
      i2c.txFIFO.reset();
      i2c.rxFIFO.reset();
      i2c.checkInterrupts();
      i2c.onReset?.();
    });
  };
}

// The state machines run from setTimeout, on the host's time, so that nothing repeats; and a
// million emulated instructions for each second of an encoder would buy nothing. A program that
// only follows its input pins (a counter) need run only when a pin has changed or the processor
// looks. Programs that make waveforms, or measure time, are not served by this.
function runPioOnDemand(chip, pio) {
  const FSTAT = 0x04, RXF0 = 0x20, RXF3 = 0x2c;
  // The encoder's loop has 10 instructions: so many see a change through, from any point.
  const AFTER_EDGE = 24, BEFORE_READ = 12;
  const step = (times) => {
    if (pio.stopped) return;
    for (let n = 0; n < times; n++) for (const machine of pio.machines) if (machine.enabled) machine.step();
    pio.checkChangedPins();
  };
  pio.run = () => step(AFTER_EDGE);
  const read = pio.readUint32.bind(pio);
  pio.readUint32 = (offset) => {
    if (offset === FSTAT || (offset >= RXF0 && offset <= RXF3)) step(BEFORE_READ);
    return read(offset);
  };
  for (const pin of chip.gpio) {
    const set = pin.setInputValue.bind(pin);
    pin.setInputValue = (value) => {
      const changed = value !== pin.rawInputValue;
      set(value);
      if (changed) step(AFTER_EDGE);
    };
  }
}

// A byte leaves in no time, so DMA sends a line of telemetry at once; the chip asks for the next
// byte when there is room (4.2.2), which in the long run is once per byte's time on the wire.
function paceUart(chip, uart) {
  const DATA = 0x0, BITS_PER_BYTE = 10;
  const ready = chip.clock.createAlarm(() => chip.dma.setDREQ(uart.dreq.tx));
  const write = uart.writeUint32.bind(uart);
  uart.writeUint32 = (offset, value) => {
    write(offset, value);
    if (offset !== DATA || !uart.baudDivider) return;
    chip.dma.clearDREQ(uart.dreq.tx);
    ready.schedule((BITS_PER_BYTE / uart.baudRate) * 1e9);
  };
}

// Two events per PWM period and slice for pin levels that nobody looks at: duties are read from
// the latched compare registers. The third event, the wrap, latches them and stays.
function skipPwmEdges(chip) {
  for (const slice of chip.pwm.channels) {
    slice.alarmA.enable = false;
    slice.alarmB.enable = false;
    slice.setA = slice.setB = () => {};
  }
}
