// The board as a server in lockstep: a request a line on stdin, an answer a line on stdout.
// The protocol is in README.md.
//
//   node serve.mjs path/to/balance
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

const [path] = process.argv.slice(2);
if (!path) {
  console.error('usage: node serve.mjs IMAGE.elf');
  process.exit(2);
}
const image = fs.readFileSync(path);
const { PROFILE: profilePath } = process.env;
const profile = profilePath ? new Profile(image) : null;
const board = new Board(image, profile);
for (const line of lines()) {
  const [verb, ...words] = line.trim().split(/\s+/);
  try {
    if (verb === 'step') write(step(board, words));
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
