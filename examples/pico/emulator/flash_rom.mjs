// The boot ROM's flash functions, as far as a parameter store needs them (RP2040 datasheet, 2.8.3).
//
// There is no ROM image: each function is a breakpoint and a return, and what it does is done here, in
// the time that the flash takes (Winbond W25Q16JV, rev. H, 9.6, typical values). The core stands still
// meanwhile: the firmware has its interrupts off. A flash programs ones to zeros only.

const SECTOR = 4096;
const ERASE_NS = 45e6, PROGRAM_NS = 0.4e6, PAGE = 256;
const FLASH = 0x10000000;
const RETURN = 0x4770, BREAKPOINT = 0xbe00;
const LOOKUP = 0x40;
/** Each at its address: a breakpoint whose number is the place in this list. */
const FUNCTIONS = ['lookup', 'IF', 'EX', 'RE', 'RP', 'FC', 'CX', 'C4'];
const FIRST_BREAKPOINT = 0xe0;
const SECOND_STAGE = 256;

export class FlashRom {
  erased = 0;
  programmed = 0;

  /**
   * @param {(nanos: number) => void} stall the core stands still for so long
   */
  constructor(chip, stall) {
    this.chip = chip;
    this.stall = stall;
    const half = (address, value) => {
      const word = chip.bootrom[address >> 2];
      const shift = (address & 2) * 8;
      chip.bootrom[address >> 2] = ((word & ~(0xffff << shift)) | (value << shift)) >>> 0;
    };
    // XIP_CTRL (2.6.3.2): no transfer is on its way.
    chip.peripherals[0x14000] = { readUint32: () => 0, writeUint32Atomic() {} };
    // Pointers to the table of functions (which only `lookup` reads) and to `lookup`, a Thumb address.
    half(0x14, 0x20);
    half(0x18, LOOKUP | 1);
    FUNCTIONS.forEach((_, index) => {
      half(LOOKUP + 4 * index, BREAKPOINT | (FIRST_BREAKPOINT + index));
      half(LOOKUP + 4 * index + 2, RETURN);
    });
  }

  /** Whether a breakpoint was one of these, and has been served. */
  serve(code) {
    const name = FUNCTIONS[code - FIRST_BREAKPOINT];
    if (!name) return false;
    const { core, flash } = this.chip;
    const [r0, r1, r2] = core.registers;
    if (name === 'lookup') {
      const tag = String.fromCharCode(r1 & 0xff, (r1 >> 8) & 0xff);
      const index = FUNCTIONS.indexOf(tag);
      if (index < 0) throw new Error(`the ROM has no ${tag} here`);
      core.registers[0] = (LOOKUP + 4 * index) | 1;
    } else if (name === 'RE') {
      flash.fill(0xff, r0, r0 + r1);
      this.erased += r1 / SECTOR;
      this.stall((r1 / SECTOR) * ERASE_NS);
    } else if (name === 'RP') {
      for (let n = 0; n < r2; n++) flash[r0 + n] &= this.chip.readUint8((r1 + n) >>> 0);
      this.programmed += r2 / PAGE;
      this.stall((r2 / PAGE) * PROGRAM_NS);
    } else if (name === 'C4') {
      for (let n = 0; n < r2; n += 4) this.chip.writeUint32((r0 + n) >>> 0, this.chip.readUint32((r1 + n) >>> 0));
      // The second stage, to be called from RAM afterwards, would set up a serial interface that the
      // emulated flash has not got: a return in its place.
      if (r1 >>> 0 === FLASH && r2 === SECOND_STAGE) this.chip.writeUint16(r0 >>> 0, RETURN);
    }
    return true;
  }
}
