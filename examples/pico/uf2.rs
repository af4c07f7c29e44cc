//! Writes an ELF image for the RP2040 as UF2, the format a Pico in BOOTSEL mode takes as a file.
//!
//! Needs nothing but rustc, which the build has anyway: `rustc --edition 2024 -O uf2.rs`, then
//! `uf2 balance balance.uf2`. Format: UF2 specification, github.com/microsoft/uf2.

use std::collections::BTreeMap;
use std::{env, fs, process};

const FLASH: std::ops::Range<u32> = 0x1000_0000..0x1100_0000;
const PAGE: u32 = 256;
const RP2040_FAMILY: u32 = 0xe48b_ff56;
const FAMILY_ID_PRESENT: u32 = 0x2000;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [image, output] = arguments.as_slice() else {
        eprintln!("usage: uf2 IMAGE.elf OUTPUT.uf2");
        process::exit(2);
    };
    let result = fs::read(image)
        .map_err(|error| format!("{image}: {error}"))
        .and_then(|elf| pages(&elf).ok_or(format!("{image}: no ELF image for a 32-bit chip")))
        .and_then(|pages| fs::write(output, uf2(&pages)).map_err(|e| format!("{output}: {e}")));
    if let Err(message) = result {
        eprintln!("{message}");
        process::exit(1);
    }
}

/// The loadable contents of an ELF file in flash, by pages; gaps within a page are zero.
fn pages(elf: &[u8]) -> Option<BTreeMap<u32, [u8; PAGE as usize]>> {
    let half = |at: usize| Some(u16::from_le_bytes(elf.get(at..at + 2)?.try_into().ok()?));
    let word = |at: usize| Some(u32::from_le_bytes(elf.get(at..at + 4)?.try_into().ok()?));
    let is_elf32 = elf.starts_with(b"\x7fELF\x01\x01");
    let headers = is_elf32.then(|| word(28))??;
    let mut pages = BTreeMap::new();
    for index in 0..u32::from(half(44)?) {
        let header = (headers + index * u32::from(half(42)?)) as usize;
        let (kind, offset) = (word(header)?, word(header + 4)? as usize);
        let (address, length) = (word(header + 12)?, word(header + 16)? as usize);
        if kind != 1 || !FLASH.contains(&address) {
            continue;
        }
        for (at, byte) in (address..).zip(elf.get(offset..offset + length)?) {
            let page = pages.entry(at / PAGE * PAGE).or_insert([0; PAGE as usize]);
            page[(at % PAGE) as usize] = *byte;
        }
    }
    (!pages.is_empty()).then_some(pages)
}

/// One block of 512 bytes for each page.
fn uf2(pages: &BTreeMap<u32, [u8; PAGE as usize]>) -> Vec<u8> {
    let mut blocks = Vec::new();
    for (number, (address, content)) in (0..).zip(pages) {
        let start = blocks.len();
        let count = pages.len() as u32;
        let header = [
            0x0a32_4655,
            0x9e5d_5157,
            FAMILY_ID_PRESENT,
            *address,
            PAGE,
            number,
            count,
            RP2040_FAMILY,
        ];
        header.iter().for_each(|word| blocks.extend(word.to_le_bytes()));
        blocks.extend(content);
        blocks.resize(start + 508, 0);
        blocks.extend(0x0ab1_6f30_u32.to_le_bytes());
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ELF file with one segment of `content` at `address`.
    fn elf(address: u32, content: &[u8]) -> Vec<u8> {
        let mut elf = vec![0; 84];
        elf[..6].copy_from_slice(b"\x7fELF\x01\x01");
        elf[28] = 52;
        elf[42] = 32;
        elf[44] = 1;
        elf[52] = 1;
        elf[56] = 84;
        elf[64..68].copy_from_slice(&address.to_le_bytes());
        elf[68..72].copy_from_slice(&(content.len() as u32).to_le_bytes());
        elf.extend(content);
        elf
    }

    #[test]
    fn a_segment_across_a_page_becomes_two_blocks() {
        let pages = pages(&elf(0x1000_00ff, &[7, 8])).unwrap();
        let blocks = uf2(&pages);
        assert_eq!(blocks.len(), 1024);
        assert_eq!(blocks[12..16], 0x1000_0000_u32.to_le_bytes());
        assert_eq!((blocks[32 + 255], blocks[512 + 32], blocks[512 + 33]), (7, 8, 0));
        assert_eq!(blocks[512 + 20..512 + 28], [1, 0, 0, 0, 2, 0, 0, 0]);
    }

    #[test]
    fn what_is_no_image_is_refused() {
        assert!(pages(b"text").is_none());
        assert!(pages(&elf(0x2000_0000, &[1])).is_none());
        let whole = elf(0x1000_0000, &[1, 2, 3]);
        assert!(pages(&whole[..whole.len() - 1]).is_none());
    }
}
