// The board as a server in lockstep: a request a line on stdin, an answer a line on stdout.
// The protocol is in README.md.
//
//   node serve.mjs path/to/balance
//   node serve.mjs path/to/balance_shell --line     with a whole UART, and faults to order
//
// With PROFILE=file in the environment, where the cycles of a tick go is left there at the end.

import fs from 'node:fs';
import { Board } from './board.mjs';
import { Profile } from './profile.mjs';

const FLAG_ABSENT = 1, FLAG_BUTTON = 2, FLAG_HOLD_DATA = 4;

/** Lines of stdin, read synchronously: the emulated chip has nothing to do meanwhile. */
function* lines() {
  const chunk = Buffer.alloc(65536);
  let text = '';
  for (;;) {
    let length;
    try {
      length = fs.readSync(0, chunk);
    } catch (error) {
      if (error.code === 'EAGAIN') continue;
      if (error.code === 'EOF') return;
      throw error;
    }
    if (length === 0) return;
    text += chunk.toString('latin1', 0, length);
    const complete = text.split('\n');
    text = complete.pop();
    yield* complete;
  }
}

function write(line) {
  let bytes = Buffer.from(`${line}\n`);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(1, bytes));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

const integer = (word, name) => {
  const value = Number(word);
  if (!Number.isSafeInteger(value)) throw new Error(`${name}: ${word} is not an integer`);
  return value;
};

function step(board, words) {
  if (words.length !== 6) throw new Error(`step takes 6 values, not ${words.length}`);
  const [duration, hex, left, right, millivolts, flags] = words;
  if (!/^[0-9a-fA-F]{28}$/.test(hex)) throw new Error('the sample is 28 hexadecimal digits');
  const nanos = integer(duration, 'duration');
  if (nanos <= 0) throw new Error('duration must be positive');
  const bits = integer(flags, 'flags');
  const outputs = board.step(nanos, {
    sample: Buffer.from(hex, 'hex'),
    counts: [integer(left, 'left count'), integer(right, 'right count')],
    millivolts: integer(millivolts, 'battery'),
    absent: (bits & FLAG_ABSENT) !== 0,
    button: (bits & FLAG_BUTTON) !== 0,
    holdData: (bits & FLAG_HOLD_DATA) !== 0,
  });
  return `pwm ${outputs.left} ${outputs.right} ${outputs.period} ${outputs.directions.join(' ')} ${outputs.standby}`;
}

/** Small, repeatable randomness: Marsaglia's xorshift32. */
function randomness(seed) {
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Something breaks, or is whole again. */
function fault(board, [name, argument]) {
  const { sensor } = board;
  const number = integer(argument ?? '0', name);
  if (name === 'stuck') sensor.setStuck(number !== 0);
  else if (name === 'restart') sensor.restart(number);
  else if (name === 'stall') board.stall(number);
  else if (name === 'hang') board.hang();
  else if (name === 'bits') {
    const random = randomness(number);
    // One bit in sixteen bytes.
    sensor.corrupt = number === 0 ? null : (value) => {
      const draw = random();
      return draw % 16 === 0 ? value ^ (1 << ((draw >>> 8) & 7)) : value;
    };
  } else throw new Error(`no such fault: ${name}`);
  return 'ok';
}

function heard(board) {
  const { bytes, nanos } = board.heard();
  return `heard ${bytes.length ? Buffer.from(bytes).toString('hex') : '-'} ${Math.round(nanos)} ${board.line.waiting}`;
}

const [path, ...options] = process.argv.slice(2);
if (!path) {
  console.error('usage: node serve.mjs IMAGE.elf [--line]');
  process.exit(2);
}
const image = fs.readFileSync(path);
const { PROFILE: profilePath } = process.env;
const profile = profilePath ? new Profile(image) : null;
const board = new Board(image, profile, { line: options.includes('--line') });
for (const line of lines()) {
  const [verb, ...words] = line.trim().split(/\s+/);
  try {
    if (verb === 'step') write(step(board, words));
    else if (verb === 'talk') {
      board.talk(Buffer.from(words[0] ?? '', 'hex'));
      write('ok');
    } else if (verb === 'heard') write(heard(board));
    else if (verb === 'stats') write(JSON.stringify(board.takeStatistics()));
    else if (verb === 'fault') write(fault(board, words));
    else if (verb === 'quit') {
      write(JSON.stringify(board.summary()));
      if (profile) {
        const { table, instructions, ticks } = profile.report();
        fs.writeFileSync(profilePath, table);
        fs.writeFileSync(`${profilePath}.instructions`, instructions);
        fs.writeFileSync(`${profilePath}.ticks`, ticks);
      }
      process.exit(0);
    } else if (verb !== '') throw new Error(`no such request: ${verb}`);
  } catch (error) {
    write(`error ${error.message}`);
    process.exit(1);
  }
}
