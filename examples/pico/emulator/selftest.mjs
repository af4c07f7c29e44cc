// Proves that the image boots, reads its sensor at 1 kHz and keeps the motors off when it must.
//
//   node --test selftest.mjs            (the image: ../target/..., or $IMAGE)

import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { Board } from './board.mjs';

const IMAGE = process.env.IMAGE
  ?? new URL('../target/thumbv6m-none-eabi/release/balance', import.meta.url);
const image = fs.readFileSync(IMAGE);
const MS = 1e6;
const HARD_FAULT_VECTOR = 0x1000010c;

/** Standing upright and still, with the noise without which a sensor counts as frozen. */
function upright(n) {
  const noise = (n * 7) % 5 - 2;
  const words = [noise, -noise, 8192 + noise, 0, noise, -noise, noise];
  const bytes = new Uint8Array(14);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => view.setInt16(index * 2, word));
  return bytes;
}

class Bench {
  board = new Board(image);
  #n = 0;
  counts = [0, 0];
  speed = [0, 0];

  run(milliseconds, inputs = {}) {
    let outputs;
    for (let ms = 0; ms < milliseconds; ms++) {
      this.counts = this.counts.map((count, wheel) => count + this.speed[wheel]);
      const sample = upright(this.#n++);
      outputs = this.board.step(MS, { sample, counts: this.counts, millivolts: 11100, ...inputs });
    }
    return outputs;
  }

  arm() {
    this.run(50, { button: true });
    this.run(50, { button: false });
  }

  /** Runs until the motors have power. */
  balance() {
    this.run(600);
    this.arm();
    for (let tries = 0; tries < 300; tries++) if (this.run(10).standby) return;
    assert.fail(`never balanced: ${this.lines().at(-1)}`);
  }

  lines() {
    return this.board.uart.split('\r\n').slice(0, -1);
  }

  newest() {
    const columns = this.lines().find((line) => line.startsWith('ms,')).split(',');
    const values = this.lines().at(-1).split(',');
    return Object.fromEntries(columns.map((name, index) => [name, values[index]]));
  }
}

const off = ({ left, right, standby }) => assert.deepEqual([left, right, standby], [0, 0, 0]);

test('boots, identifies the sensor and greets', () => {
  const bench = new Bench();
  bench.run(600);
  assert.ok(bench.board.sensor.identifications > 0);
  assert.match(bench.lines()[0], /^# balance-pico \d+\.\d+\.\d+ \S+$/);
  assert.equal(bench.board.resets, 0);
});

test('reads the sensor a thousand times a second, and sleeps in between', () => {
  const bench = new Bench();
  bench.run(600);
  const before = bench.board.sensor.bursts;
  // Without the ticks before the sensor was set up: they do not wait for it.
  bench.board.takeStatistics();
  bench.run(500);
  assert.equal(bench.board.sensor.bursts - before, 500);
  const { missed_ticks, idle_share } = bench.board.summary();
  const { period_ns } = bench.board.takeStatistics();
  assert.equal(missed_ticks, 0);
  assert.ok(period_ns.jitter < 20e3, `jitter ${period_ns.jitter} ns`);
  assert.ok(idle_share > 0.5);
});

test('drives nothing before it is armed', () => {
  const bench = new Bench();
  for (let n = 0; n < 80; n++) off(bench.run(10));
});

test('arms, balances, and is off again at once when disarmed', () => {
  const bench = new Bench();
  bench.balance();
  bench.run(50, { button: true });
  off(bench.run(5));
});

test('counts both wheels both ways, at a thousand edges a second and at forty', () => {
  const bench = new Bench();
  bench.run(600);
  for (const speed of [[1, -1], [40, 40], [-40, 3]]) {
    bench.speed = speed;
    bench.run(100);
  }
  bench.speed = [0, 0];
  bench.run(50);
  const { left_count, right_count } = bench.newest();
  assert.deepEqual([+left_count, +right_count], bench.counts);
});

test('measures the battery', () => {
  const bench = new Bench();
  bench.run(600, { millivolts: 9876 });
  assert.ok(Math.abs(+bench.newest().battery_mv - 9876) < 5);
});

test('a sensor that does not answer costs no tick, and the motors go off', () => {
  const bench = new Bench();
  bench.balance();
  const missed = bench.board.summary().missed_ticks;
  // After the 100 bad ticks of the core's `ImuLimits::max_bad_ticks`, and a few for the transfer.
  off(bench.run(105, { absent: true }));
  assert.equal(bench.board.summary().missed_ticks, missed);
  assert.ok(+bench.newest().bus_errors > 0);
});

test('a data line that hangs is freed by the next transfer', () => {
  const bench = new Bench();
  bench.run(600);
  bench.run(1, { holdData: true });
  assert.equal(bench.board.sensor.holdsData, true);
  bench.run(4, { holdData: false });
  assert.equal(bench.board.sensor.holdsData, false);
  const before = bench.board.sensor.bursts;
  bench.run(30);
  assert.equal(bench.board.sensor.bursts - before, 30);
  assert.equal(bench.board.summary().missed_ticks, 0);
});

test('a fault takes the motors off within 20 us, and the next start tells', () => {
  const bench = new Bench();
  bench.balance();
  const { core } = bench.board.chip;
  core.PC = bench.board.chip.readUint32(HARD_FAULT_VECTOR) & ~1;
  core.LR = 0xfffffff9;
  core.waiting = false;
  off(bench.board.step(20e3));
  off(bench.run(100));
  assert.equal(bench.board.resets, 1);
  assert.match(bench.board.uart, /stopped by fault at [0-9a-f]{8} from [0-9a-f]{8}\r\n/);
});

test('a loop that hangs is reset by the watchdog, motors off', () => {
  const bench = new Bench();
  bench.balance();
  const { chip } = bench.board;
  const IN_RAM = 0x2003f000, ENDLESS_LOOP = 0xe7fe;
  chip.writeUint16(IN_RAM, ENDLESS_LOOP);
  chip.core.PC = IN_RAM;
  chip.core.PM = true;
  chip.core.waiting = false;
  bench.run(90);
  assert.equal(bench.board.resets, 0, 'not before its time');
  off(bench.run(20));
  assert.equal(bench.board.resets, 1);
  bench.run(500);
  off(bench.run(1));
});

test('the same inputs give the same run, to the cycle', () => {
  const once = () => {
    const bench = new Bench();
    bench.run(300);
    return bench.board.summary().sha256;
  };
  assert.equal(once(), once());
});
