// Where a tick's cycles go: by function, of the mean tick, of the median one and of the largest.

const CODE = 0x10000000;
const SLOTS = 1 << 19;
const FUNCTION = 2;

/** Functions of an ELF file, by address. */
function functions(elf) {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  const [table, size, count] = [view.getUint32(32, true), view.getUint16(46, true), view.getUint16(48, true)];
  const section = (index) => {
    const word = (offset) => view.getUint32(table + index * size + offset, true);
    return { type: word(4), offset: word(16), bytes: word(20), link: word(24) };
  };
  const symbols = Array.from({ length: count }, (_, index) => section(index)).find(({ type }) => type === 2);
  if (!symbols) return [];
  const names = section(symbols.link).offset;
  const name = (offset) => {
    const end = elf.indexOf(0, names + offset);
    return Buffer.from(elf.subarray(names + offset, end)).toString();
  };
  const found = [];
  for (let entry = symbols.offset; entry < symbols.offset + symbols.bytes; entry += 16) {
    if ((elf[entry + 12] & 15) !== FUNCTION) continue;
    const start = view.getUint32(entry + 4, true) & ~1;
    found.push({ start, end: start + view.getUint32(entry + 8, true), name: name(view.getUint32(entry, true)) });
  }
  return found.sort((a, b) => a.start - b.start);
}

export class Profile {
  #elf;
  #all = new Float64Array(SLOTS);
  #times = new Float64Array(SLOTS);
  #tick = new Map();
  #inTick = false;
  #ticks = [];
  #largest = { cycles: 0, tick: new Map() };

  constructor(elf) {
    this.#elf = elf;
  }

  begin() {
    this.#inTick = true;
    this.#tick = new Map();
  }

  add(address, cycles) {
    if (!this.#inTick) return;
    const slot = (address - CODE) >>> 1;
    if (slot >= SLOTS) return;
    this.#tick.set(slot, (this.#tick.get(slot) ?? 0) + cycles);
    this.#times[slot] += 1;
  }

  end() {
    if (!this.#inTick) return;
    this.#inTick = false;
    let cycles = 0;
    for (const [slot, spent] of this.#tick) {
      this.#all[slot] += spent;
      cycles += spent;
    }
    this.#ticks.push(cycles);
    if (cycles > this.#largest.cycles) {
      this.#largest = { cycles, tick: this.#tick, number: this.#ticks.length };
    }
  }

  /** A table for people, and each instruction's share for a disassembly. */
  report() {
    const count = this.#ticks.length;
    const known = functions(this.#elf);
    const rows = new Map();
    const instructions = [];
    let at = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.#all[slot] === 0) continue;
      const address = CODE + 2 * slot;
      while (at + 1 < known.length && known[at + 1].start <= address) at += 1;
      const name = known[at] && address < known[at].end ? known[at].name : '?';
      const start = known[at]?.start ?? 0;
      const row = rows.get(start) ?? { name, mean: 0, largest: 0, calls: 0 };
      rows.set(start, row);
      row.mean += this.#all[slot] / count;
      row.largest += this.#largest.tick.get(slot) ?? 0;
      if (address === start) row.calls = this.#times[slot] / count;
      const largest = this.#largest.tick.get(slot) ?? 0;
      instructions.push([address.toString(16), (this.#all[slot] / count).toFixed(3), (this.#times[slot] / count).toFixed(4), largest].join(' '));
    }
    const sorted = [...this.#ticks].sort((a, b) => a - b);
    const quantile = (share) => sorted[Math.min(count - 1, Math.floor(share * count))];
    const lines = [
      `# ${count} ticks; cycles: median ${quantile(0.5)}, 99 % ${quantile(0.99)}, 99.9 % ${quantile(0.999)}, largest ${this.#largest.cycles} (tick ${this.#largest.number})`,
      '#    mean  largest  calls  function',
    ];
    for (const { name, mean, largest, calls } of [...rows.values()].sort((a, b) => b.mean - a.mean)) {
      lines.push(`${mean.toFixed(1).padStart(9)} ${String(largest).padStart(8)} ${calls.toFixed(2).padStart(6)}  ${name}`);
    }
    return { table: `${lines.join('\n')}\n`, instructions: `${instructions.join('\n')}\n`, ticks: `${this.#ticks.join('\n')}\n` };
  }
}
