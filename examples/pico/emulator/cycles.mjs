// Cycles between two addresses of a bare image, each time they are passed: the images of
// benches/instructions on this chip.
//
//     node cycles.mjs IMAGE FROM TO
//
// prints the cycles of each pass, a line each, and on standard error what the image says.

import fs from 'node:fs';
import { RP2040 } from 'rp2040js';
import { loadImage, startImage } from './image.mjs';

const SEMIHOSTING = 0xab;
const WRITE0 = 0x04;
const EXIT = 0x18;
const APPLICATION_EXIT = 0x20026;

const [path, from, to] = process.argv.slice(2);
if (!to) {
  console.error('usage: node cycles.mjs IMAGE FROM TO');
  process.exit(2);
}
const [start, stop] = [Number(from), Number(to)];
const chip = new RP2040();
chip.logger = { debug() {}, info() {}, warn() {}, error: (component, message) => console.error(component, message) };
loadImage(chip, fs.readFileSync(path));
startImage(chip);

/** The zero-terminated text at an address. */
function text(address) {
  let characters = '';
  for (let byte; (byte = chip.readUint8(address)) !== 0; address++) characters += String.fromCharCode(byte);
  return characters;
}

const { core } = chip;
let ended = null;
chip.onBreak = (code) => {
  const [operation, argument] = core.registers;
  if (code !== SEMIHOSTING) ended = `breakpoint ${code}`;
  else if (operation === WRITE0) process.stderr.write(text(argument));
  else if (operation === EXIT) ended = argument === APPLICATION_EXIT ? 'well' : 'in error';
};

const passes = [];
let before = 0;
while (ended === null) {
  if (core.PC === start) before = core.cycles;
  else if (core.PC === stop) passes.push(core.cycles - before);
  core.executeInstruction();
}
if (ended !== 'well') {
  console.error(`${path} ended ${ended}`);
  process.exit(1);
}
console.log(passes.join('\n'));
