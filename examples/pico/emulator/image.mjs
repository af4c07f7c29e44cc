// The firmware image: an ELF file into flash.

const FLASH = 0x10000000;
const FLASH_END = 0x11000000;
const LOAD = 1;
/** Behind the second-stage boot loader's 256 bytes. */
const VECTOR_TABLE = 0x10000100;

/** @param {Uint8Array} elf */
export function loadImage(chip, elf) {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  if (elf.length < 52 || view.getUint32(0) !== 0x7f454c46) throw new Error('not an ELF file');
  const headers = view.getUint32(28, true);
  const size = view.getUint16(42, true);
  const count = view.getUint16(44, true);
  for (let index = 0; index < count; index++) {
    const header = headers + index * size;
    const offset = view.getUint32(header + 4, true);
    const address = view.getUint32(header + 12, true);
    const length = view.getUint32(header + 16, true);
    const inFlash = address >= FLASH && address + length <= FLASH_END;
    if (view.getUint32(header, true) !== LOAD || length === 0 || !inFlash) continue;
    chip.flash.set(elf.subarray(offset, offset + length), address - FLASH);
  }
}

/** Does what the boot ROM and the second stage end with. The ROM itself is not needed. */
export function startImage(chip) {
  const { core } = chip;
  core.VTOR = VECTOR_TABLE;
  core.SP = chip.readUint32(VECTOR_TABLE);
  core.PC = chip.readUint32(VECTOR_TABLE + 4) & ~1;
}
