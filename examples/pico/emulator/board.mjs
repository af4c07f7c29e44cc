// The robot's board: an RP2040 that runs the image, and what is soldered to it.
//
// The wiring is that of ../README.md. The robot around the board lives elsewhere: `step` takes what
// its sensors say and returns what its motors get.

import { createHash } from 'node:crypto';
import { RP2040 } from 'rp2040js';
import { FlashRom } from './flash_rom.mjs';
import { loadImage, startImage } from './image.mjs';
import { Mpu6050 } from './mpu6050.mjs';
import { applyAll } from './rp2040_patches.mjs';
import { Statistics } from './statistics.mjs';
import { UartLine } from './uart_line.mjs';

const PINS = {
  busy: 2,
  sda: 4,
  scl: 5,
  encoders: [[10, 11], [12, 13]],
  button: 14,
  lock: 15,
  pwm: [16, 17],
  directions: [18, 19, 20, 21],
  standby: 22,
};
const FUNCTION_PWM = 4;
const HIGH = 1;
const PERIOD_NS = 1e6;
const WATCHDOG_BASE = 0x40058;

/** Battery to ADC0 through 30 kOhm over 10 kOhm, 3.3 V full scale, 12 bits. */
const adcReading = (millivolts) => {
  const reading = Math.round(((millivolts / 4) * 4096) / 3300);
  return Math.max(0, Math.min(4095, reading));
};

/** Channels A and B of a quadrature encoder; A leads when the count grows. */
const quadrature = (count) => [[false, false], [true, false], [true, true], [false, true]][count & 3];

export class Board {
  sensor = new Mpu6050();
  uart = '';
  resets = 0;
  /** What the emulator had to say: accesses to nowhere, registers it does not know. */
  log = [];

  #image;
  #counts = null;
  #idleNs = 0;
  #cyclesBefore = 0;
  #stepNs = 0;
  #hash = createHash('sha256');
  #resetPending = false;
  #breakpoint = null;
  #button = false;
  #held = false;

  #ticks = new Statistics();
  #periods = new Statistics();
  #missed = 0;
  #tickStart = null;
  #profile;
  #firstTick = null;
  #lateness = new Statistics();
  #stalledUntil = 0;
  #withLine;
  #heard = [];
  #lastHeard = 0;

  /**
   * @param {Uint8Array} image an ELF file
   * @param {import('./profile.mjs').Profile} [profile] takes every instruction of a tick
   * @param {{line?: boolean}} options line: the image has a prompt, and hears
   */
  constructor(image, profile = null, { line = false } = {}) {
    this.#image = image;
    this.#profile = profile;
    this.#withLine = line;
    this.#powerUp(0);
  }

  /** Bytes to the UART, at its baud rate. */
  talk(bytes) {
    this.line.hear(bytes);
  }

  /** Bytes that have left the UART since the last call, and when the last one has. */
  heard() {
    const bytes = Uint8Array.from(this.#heard);
    this.#heard = [];
    return { bytes, nanos: this.#lastHeard };
  }

  /** The core stands still: interrupts off, or the flash being written. */
  stall(nanos) {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.nanos) + nanos;
  }

  /** The core runs in a circle, interrupts off. */
  hang() {
    const IN_RAM = 0x20041000, ENDLESS_LOOP = 0xe7fe;
    const { core } = this.chip;
    this.chip.writeUint16(IN_RAM, ENDLESS_LOOP);
    core.PC = IN_RAM;
    core.PM = true;
    core.waiting = false;
  }

  /** Of the ticks since the last call: cycles, periods, and how late they were against the first. */
  takeStatistics() {
    const taken = {
      ticks: this.#ticks.summary(),
      period_ns: this.#periodSummary(),
      lateness_ns: this.#lateness.summary(),
      missed: this.#missed,
      resets: this.resets,
      overruns: this.line?.overruns ?? 0,
      erased: this.rom?.erased ?? 0,
      programmed: this.rom?.programmed ?? 0,
    };
    this.#ticks = new Statistics();
    this.#periods = new Statistics();
    this.#lateness = new Statistics();
    this.#missed = 0;
    return taken;
  }

  /** Emulated time since power-up, in ns. */
  get nanos() {
    return this.chip.clock.nanos;
  }

  get cycles() {
    return this.#cyclesBefore + this.chip.core.cycles;
  }

  /**
   * Runs the board for `duration` ns.
   * @param {{sample?: Uint8Array, counts?: number[], millivolts?: number, absent?: boolean,
   *          button?: boolean, holdData?: boolean}} inputs whatever is left out stays
   */
  step(duration, inputs = {}) {
    this.#apply(inputs, duration);
    this.#stepNs += duration;
    this.#runUntil(this.#stepNs);
    const outputs = this.outputs();
    this.#hash.update(`${this.cycles} ${JSON.stringify(outputs)}\n`);
    return outputs;
  }

  /** What the H-bridge gets now. Duties are in counts of `period`. */
  outputs() {
    const slice = this.chip.pwm.channels[0];
    const period = slice.timer.top + 1;
    const running = slice.csr & 1;
    const latched = [slice.alarmA.target, slice.alarmB.target];
    const [left, right] = PINS.pwm.map((number, channel) => {
      const pin = this.chip.gpio[number];
      // The slice counts whether or not the pin listens to it.
      const byPwm = pin.functionSelect === FUNCTION_PWM && pin.outputEnable && pin.outputOverride === 0;
      if (byPwm) return running ? Math.min(latched[channel], period) : 0;
      return this.#level(number) * period;
    });
    const directions = PINS.directions.map((number) => this.#level(number));
    return { left, right, period, directions, standby: this.#level(PINS.standby) };
  }

  summary() {
    const nanos = this.nanos;
    return {
      emulated_s: nanos / 1e9,
      core_cycles: this.cycles,
      clock_hz: this.chip.clkSys,
      idle_share: Math.round((this.#idleNs / nanos) * 1e4) / 1e4,
      tick_cycles: this.#ticks.summary(),
      loop_period_ns: this.#periodSummary(),
      missed_ticks: this.#missed,
      sensor_bursts: this.sensor.bursts,
      resets: this.resets,
      halted: this.#breakpoint,
      uart_lines: this.uart.split('\r\n').slice(0, -1),
      warnings: this.log,
      sha256: this.#hash.copy().update(this.uart).digest('hex'),
    };
  }

  #periodSummary() {
    const summary = this.#periods.summary();
    return summary && { ...summary, jitter: summary.max - summary.min };
  }

  #level(number) {
    return this.chip.gpio[number].value === HIGH ? 1 : 0;
  }

  #powerUp(nanos) {
    const before = this.chip;
    const chip = (this.chip = new RP2040());
    chip.clock.nanosCounter = nanos;
    chip.logger = {
      debug() {},
      info() {},
      warn: (component, message) => this.#note(`${component}: ${message}`),
      error: (component, message) => this.#note(`${component}: ${message}`),
    };
    applyAll(chip);
    // RAM keeps what it held, and the flash what was written (2.16.3).
    if (before) chip.sram.set(before.sram);
    // Both survive a reset of the chip (RP2040 datasheet, 4.7).
    const watchdog = chip.peripherals[WATCHDOG_BASE];
    if (before) {
      const { scratchData, reason } = before.peripherals[WATCHDOG_BASE];
      watchdog.scratchData.set(scratchData);
      watchdog.reason = reason;
    }
    watchdog.onWatchdogTrigger = () => {
      this.#resetPending = true;
      // At zero it would trigger again and again, within the same nanosecond.
      watchdog.alarm.enable = false;
    };
    this.#stalledUntil = 0;
    this.rom = this.#withLine ? new FlashRom(chip, (nanos) => this.stall(nanos)) : null;
    chip.onBreak = (code) => {
      if (this.rom?.serve(code)) return;
      this.#breakpoint = { code, pc: chip.core.PC >>> 0 };
    };

    this.sensor.attach(chip, { bus: 0, sda: PINS.sda, scl: PINS.scl });
    if (this.#withLine) {
      this.line = new UartLine(chip, chip.uart[0], (byte) => {
        this.#heard.push(byte);
        this.#lastHeard = this.nanos;
      });
    } else {
      chip.uart[0].onByte = (byte) => {
        this.uart += String.fromCharCode(byte);
      };
    }
    // Open, behind its pull-up.
    chip.gpio[PINS.lock].setInputValue(true);
    chip.gpio[PINS.button].setInputValue(!this.#button);
    chip.gpio[PINS.busy].addListener((level) => this.#onBusy(level === HIGH));
    this.encoderAlarms = PINS.encoders.map(() => null);
    (this.#counts ?? [0, 0]).forEach((count, wheel) => this.#setEncoder(wheel, count));
    chip.adc.channelValues[0] = before ? before.adc.channelValues[0] : 0;

    if (before) chip.flash.set(before.flash);
    else loadImage(chip, this.#image);
    startImage(chip);
  }

  #reset() {
    this.#resetPending = false;
    this.resets += 1;
    this.#cyclesBefore += this.chip.core.cycles;
    this.#tickStart = null;
    this.#powerUp(this.nanos);
  }

  #note(line) {
    if (this.log.length < 20 && !this.log.includes(line)) this.log.push(line);
  }

  #apply({ sample, counts, millivolts, absent, button, holdData }, duration) {
    if (sample) this.sensor.sample.set(sample);
    if (absent !== undefined) this.sensor.absent = absent;
    if (holdData && !this.#held) this.sensor.holdData();
    this.#held = holdData ?? this.#held;
    if (millivolts !== undefined) this.chip.adc.channelValues[0] = adcReading(millivolts);
    if (button !== undefined && button !== this.#button) {
      this.#button = button;
      this.chip.gpio[PINS.button].setInputValue(!button);
    }
    if (counts) {
      const from = this.#counts ?? counts;
      this.#counts = [...counts];
      counts.forEach((to, wheel) => this.#turn(wheel, from[wheel], to, duration));
    }
  }

  /** One edge after the other, spread evenly over the time of a step. */
  #turn(wheel, from, to, duration) {
    const edges = Math.abs(to - from);
    if (edges === 0) return this.#setEncoder(wheel, to);
    const direction = Math.sign(to - from);
    const spacing = duration / edges;
    let count = from;
    const alarm = this.chip.clock.createAlarm(() => {
      count += direction;
      this.#setEncoder(wheel, count);
      if (count !== to) alarm.schedule(spacing);
    });
    // In the middle of its share of the step, so that the last edge is not at the step's very end.
    alarm.schedule(spacing / 2);
  }

  #setEncoder(wheel, count) {
    quadrature(count).forEach((level, channel) => {
      const pin = this.chip.gpio[PINS.encoders[wheel][channel]];
      if (pin.rawInputValue !== level) pin.setInputValue(level);
    });
  }

  #onBusy(high) {
    const { cycles } = this.chip.core;
    const nanos = this.nanos;
    if (high) {
      if (this.#tickStart) {
        const period = nanos - this.#tickStart.nanos;
        this.#periods.add(Math.round(period));
        this.#missed += Math.max(0, Math.round(period / PERIOD_NS) - 1);
      }
      this.#firstTick ??= nanos;
      const offset = (nanos - this.#firstTick) % PERIOD_NS;
      this.#lateness.add(Math.round(offset > PERIOD_NS / 2 ? offset - PERIOD_NS : offset));
      this.#tickStart = { cycles, nanos };
      this.#profile?.begin();
    } else if (this.#tickStart) {
      this.#ticks.add(cycles - this.#tickStart.cycles);
      this.#profile?.end();
    }
  }

  #runUntil(end) {
    while (this.nanos < end && !this.#breakpoint) {
      this.#runChip(this.chip, end);
      if (this.#resetPending) this.#reset();
    }
  }

  /** The inner loop: a third of its time would go into calls of `clock.tick` with nothing due. */
  #runChip(chip, end) {
    const { core, clock } = chip;
    const profile = this.#profile;
    let cycleNs = 1e9 / chip.clkSys;
    const unsubscribe = chip.addClockListener((hz) => {
      cycleNs = 1e9 / hz;
    });
    while (clock.nanosCounter < end && !this.#breakpoint && !this.#resetPending) {
      const alarm = clock.nextAlarm;
      if (this.#stalledUntil > clock.nanosCounter) {
        const until = Math.min(alarm ? alarm.nanos : end, end, this.#stalledUntil);
        clock.tick(Math.max(0, until - clock.nanosCounter));
        continue;
      }
      if (core.waiting) {
        const until = alarm ? Math.min(alarm.nanos, end) : end;
        const idle = Math.max(0, until - clock.nanosCounter);
        this.#idleNs += idle;
        clock.tick(idle);
        continue;
      }
      const address = core.PC;
      const cycles = core.executeInstruction();
      if (profile) profile.add(address, cycles);
      const spent = cycles * cycleNs;
      // Asked anew: the instruction may have set an alarm.
      const next = clock.nextAlarm;
      if (next && next.nanos <= clock.nanosCounter + spent) clock.tick(spent);
      else clock.nanosCounter += spent;
    }
    unsubscribe();
  }
}
