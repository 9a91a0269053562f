//! Where the lines of a file are.

use std::io;

use crate::desk::OpenFile;

/// Bytes of one block.
const BLOCK: u64 = 1 << 20;

/// How many line breaks there are in each block of a file, so that a line is found without reading
/// what is before it. One number for each mebibyte: 16 KiB for a file of 2 GB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Line breaks before each block.
    before: Vec<u64>,
    /// Lines in all.
    pub(super) total: u64,
}

impl Index {
    /// Reads the whole file, a block at a time.
    pub fn of(file: &OpenFile) -> io::Result<Self> {
        let mut buffer = vec![0; usize::try_from(BLOCK).unwrap_or(usize::MAX)];
        let (mut breaks, mut at, mut last) = (0, 0, b'\n');
        let mut before = Vec::new();
        loop {
            let count = file.fill(&mut buffer, at)?;
            if count == 0 {
                break;
            }
            before.push(breaks);
            breaks += breaks_in(&buffer[..count]);
            last = buffer[count - 1];
            at += count as u64;
        }
        let total = breaks + u64::from(last != b'\n');
        Ok(Self { before, total })
    }

    /// The number of the line that begins at `offset`.
    pub(super) fn number(&self, file: &OpenFile, offset: u64) -> io::Result<Option<u64>> {
        let block = offset / BLOCK;
        let Some(before) = usize::try_from(block)
            .ok()
            .and_then(|at| self.before.get(at))
        else {
            return Ok(None);
        };
        let mut part = vec![0; usize::try_from(offset % BLOCK).unwrap_or(0)];
        let count = file.fill(&mut part, block * BLOCK)?;
        Ok(Some(before + breaks_in(&part[..count]) + 1))
    }

    /// Where the line with that number begins.
    pub(super) fn offset(&self, file: &OpenFile, number: u64) -> io::Result<u64> {
        let breaks = number.min(self.total).saturating_sub(1);
        // The last block with fewer breaks before it than are wanted holds the last of them.
        let block = self
            .before
            .partition_point(|before| *before < breaks.max(1))
            .saturating_sub(1);
        let mut left = breaks - self.before.get(block).copied().unwrap_or(0).min(breaks);
        let start = block as u64 * BLOCK;
        if left == 0 {
            return Ok(start);
        }
        let mut part = vec![0; usize::try_from(BLOCK).unwrap_or(usize::MAX)];
        let count = file.fill(&mut part, start)?;
        for (at, byte) in part[..count].iter().enumerate() {
            left -= u64::from(*byte == b'\n');
            if left == 0 {
                return Ok(start + at as u64 + 1);
            }
        }
        Ok(start)
    }
}

fn breaks_in(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}
