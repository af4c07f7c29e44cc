// Proves of the image with a prompt what needs no plant: answers, parameters through a loss of power,
// what a bad end leaves for the next start.
//
//   node --test shelltest.mjs            (the image: ../target/..., or $IMAGE)

import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { Board } from './board.mjs';

const IMAGE = process.env.IMAGE
  ?? new URL('../target/thumbv6m-none-eabi/release/balance_shell', import.meta.url);
const image = fs.readFileSync(IMAGE);
const MS = 1e6;
const HARD_FAULT_VECTOR = 0x1000010c;
const PROMPT = '> ';

class Bench {
  board = new Board(image, null, { line: true });
  #n = 0;

  run(milliseconds) {
    let outputs;
    for (let ms = 0; ms < milliseconds; ms++) {
      const noise = (this.#n++ * 7) % 5 - 2;
      const sample = Buffer.alloc(14);
      [noise, -noise, 8192 + noise, 0, noise, -noise, noise].forEach((word, k) => sample.writeInt16BE(word, 2 * k));
      outputs = this.board.step(MS, { sample, counts: [0, 0], millivolts: 11100 });
    }
    return outputs;
  }

  text() {
    return Buffer.from(this.board.heard().bytes).toString('latin1');
  }

  ask(line, patience = 300) {
    this.text();
    this.board.talk(Buffer.from(`${line}\r`));
    let text = '';
    for (let ms = 0; ms < patience; ms++) {
      this.run(1);
      text += this.text();
      const [echo, answer] = text.split(`${line}\r\n`);
      if (answer !== undefined && echo !== undefined && answer.endsWith(PROMPT)) {
        return answer.slice(0, -PROMPT.length).trimEnd().replaceAll('\r\n', '\n');
      }
    }
    return assert.fail(`no answer to ${line}: ${JSON.stringify(text)}`);
  }

  /** Runs until the motors have power. */
  balance() {
    assert.equal(this.ask('arm'), 'ok');
    for (let tries = 0; tries < 300; tries++) if (this.run(10).standby) return;
    assert.fail(this.ask('status'));
  }
}

const started = () => {
  const bench = new Bench();
  bench.run(600);
  return bench;
};
const off = ({ left, right, standby }) => assert.deepEqual([left, right, standby], [0, 0, 0]);

test('answers at the prompt', () => {
  const bench = started();
  assert.match(bench.ask('version'), /^balance-pico \d/);
  assert.match(bench.ask('status'), /^disarmed \(not_armed\) at \d+\.\d+ s, .* battery 11\.\d+ V$/);
  assert.match(bench.ask('get'), /balance\.pitch = -25\.592 V\/rad\n/);
  assert.match(bench.ask('timing'), / ticks, \d+ missed$/);
  assert.equal(bench.ask('faults'), 'none since the start');
  assert.equal(bench.ask('autotune'), 'error: this robot cannot do that');
});

test('arms, takes a gain while it balances, and disarms', () => {
  const bench = started();
  bench.balance();
  bench.ask('timing clear');
  // There is no plant here: the encoders will soon be missed.
  assert.equal(bench.ask('save'), 'error: disarm the robot first');
  assert.equal(bench.ask('set chassis.track=0.2'), 'error: disarm the robot first');
  assert.equal(bench.ask('set balance.pitch=-26'), 'balance.pitch = -26');
  assert.equal(bench.board.rom.erased + bench.board.rom.programmed, 0);
  assert.match(bench.ask('timing'), / ticks, 0 missed$/);
  assert.equal(bench.ask('disarm'), 'ok');
  off(bench.run(3));
});

test('a jumper locks the motors', () => {
  const bench = started();
  bench.board.chip.gpio[15].setInputValue(false);
  for (const line of ['arm', 'set turn.kp=2', 'motor left 100']) assert.match(bench.ask(line), /locked/);
  assert.equal(bench.ask('disarm'), 'ok');
});

test('parameters survive a reset, once they are saved', () => {
  const bench = started();
  bench.ask('set turn.kp=1.5');
  assert.equal(bench.ask('save'), 'ok');
  bench.ask('set turn.kp=3');
  const { core } = bench.board.chip;
  core.PC = bench.board.chip.readUint32(HARD_FAULT_VECTOR) & ~1;
  core.LR = 0xfffffff9;
  core.waiting = false;
  bench.run(700);
  assert.equal(bench.board.resets, 1);
  assert.match(bench.ask('get turn.kp'), /^turn\.kp = 1\.5 /);
  for (let n = 0; n < 100; n++) {
    bench.ask(`set turn.kp=${n + 1}`);
    assert.equal(bench.ask('save'), 'ok');
  }
  assert.ok(bench.board.rom.erased > 0, 'the pages were never worn');
  bench.ask('defaults');
  assert.equal(bench.ask('load'), 'ok');
  assert.match(bench.ask('get turn.kp'), /^turn\.kp = 100 /);
});

test('after a fault the next run tells of it, and arms only once somebody has looked', () => {
  const bench = started();
  bench.balance();
  bench.run(200);
  const { core } = bench.board.chip;
  core.PC = bench.board.chip.readUint32(HARD_FAULT_VECTOR) & ~1;
  core.LR = 0xfffffff9;
  core.waiting = false;
  off(bench.board.step(20e3));
  bench.run(700);
  assert.equal(bench.board.resets, 1);
  assert.equal(bench.ask('arm'), 'error: the last run has ended badly; read faults first');
  assert.match(bench.ask('faults'), /the last run has ended with a fault at [0-9a-f]{8}, called from/);
  // The black box is that of the last run, until it has been read.
  bench.text();
  bench.board.talk(Buffer.from('dump\r'));
  bench.run(500);
  const frames = bench.text().split('\0').filter((frame) => frame.length > 60);
  assert.ok(frames.length > 100, `${frames.length} frames`);
  bench.run(4000);
  bench.balance();
});

test('a loop that hangs is reset by the watchdog, and the next run tells', () => {
  const bench = started();
  bench.balance();
  bench.board.hang();
  bench.run(90);
  assert.equal(bench.board.resets, 0, 'not before its time');
  off(bench.run(20));
  assert.equal(bench.board.resets, 1);
  bench.run(700);
  assert.match(bench.ask('faults'), /the last run has ended with the watchdog's bite/);
});

test('calibrates at rest, and tries one motor', () => {
  const bench = started();
  assert.equal(bench.ask('calibrate'), 'ok');
  assert.match(bench.ask('sensor'), /not done yet$/);
  bench.run(1100);
  assert.match(bench.ask('sensor'), /^encoders 0 0 counts\naccel -?0\.00\d -?0\.00\d 9\.8\d\d m\/s2\ngyro /);
  assert.equal(bench.ask('motor left=-300'), 'ok');
  const { left, right, period, directions } = bench.run(10);
  assert.ok(Math.abs(left / period - 0.3) < 0.01 && right === 0, `${left} ${right}`);
  assert.deepEqual(directions.slice(0, 2), [0, 1]);
  off(bench.run(320));
});

test('tells ticks in frames, at the rate of the loop', () => {
  const bench = started();
  bench.board.talk(Buffer.from('scope pitch,speed\r'));
  bench.run(300);
  bench.text();
  bench.run(1000);
  const frames = bench.text().split('\0').filter((frame) => frame.length > 15);
  assert.ok(frames.length > 950, `${frames.length} frames`);
});
