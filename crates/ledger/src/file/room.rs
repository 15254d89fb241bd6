//! Room behind the last line, made ready ahead. To write into it changes neither the file's size nor where it
//! lies on the disk, so that a sync waits for the lines alone. It is filled with line feeds: the file stays
//! text, and an empty line is none of ours.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use crate::log::read_range;

/// What room is filled with.
const FILLING: u8 = b'\n';
/// So many batches like the last one are to find room.
const BATCHES: u64 = 8;
/// The least room that is made, and the most, in bytes.
const LEAST: u64 = 1 << 16;
const MOST: u64 = 1 << 18;

/// How much of a file is read, or filled, at a time.
const PIECE: usize = 1 << 14;
static EMPTY: [u8; PIECE] = [FILLING; PIECE];

/// Where the last line ends in a file of `size` bytes; the file's end, when there is nothing but room.
pub(crate) fn end_of_lines(file: &mut (impl Read + Seek), size: u64) -> io::Result<u64> {
    let mut end = size;
    while end > 0 {
        let start = end.saturating_sub(PIECE as u64);
        let piece = read_range(file, start, end)?;
        if let Some(last) = piece.iter().rposition(|byte| *byte != FILLING) {
            // The line's own end looks like the room behind it.
            return Ok((start + last as u64 + 2).min(size));
        }
        end = start;
    }
    Ok(size)
}

/// Whether no line begins at this place in a file of `size` bytes.
pub(super) fn is_free(file: &mut (impl Read + Seek), at: u64, size: u64) -> io::Result<bool> {
    Ok(at == size || read_range(file, at, at + 1)? == [FILLING])
}

/// Makes room where the file was written to last, and says how long the file is then. Whoever finds the disk
/// full does without.
pub(super) fn make(mut file: &File, size: u64, batch: u64) -> io::Result<u64> {
    let mut left = (batch * BATCHES).clamp(LEAST, MOST);
    let full = size + left;
    while left > 0 {
        let piece = left.min(PIECE as u64);
        if file.write_all(&EMPTY[..piece as usize]).is_err() {
            return Ok(file.metadata()?.len());
        }
        left -= piece;
    }
    Ok(full)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn end(text: &[u8]) -> u64 {
        end_of_lines(&mut Cursor::new(text), text.len() as u64).unwrap()
    }

    #[test]
    fn the_lines_end_where_room_begins() {
        assert_eq!(end(b"a\tb\nc\n\n\n\n"), 6);
        assert_eq!(end(b"a\tb\nc\n"), 6);
        assert_eq!(end(b"a\tb\nc"), 5);
        assert_eq!(end(b"\n\n"), 2);
        assert_eq!(end(b""), 0);
        for room in [PIECE - 2, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            assert_eq!(end(&[b"line\n".as_slice(), &vec![FILLING; room]].concat()), 5);
        }
    }

    #[test]
    fn room_is_found_again() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"line\n").unwrap();
        let size = make(&file, 5, 100).unwrap();
        assert_eq!((size, file.metadata().unwrap().len()), (5 + LEAST, 5 + LEAST));
        assert_eq!(end_of_lines(&mut file, size).unwrap(), 5);
        assert!(is_free(&mut file, 5, size).unwrap());
        assert!(is_free(&mut file, size, size).unwrap());
        assert!(!is_free(&mut file, 3, size).unwrap());
    }
}
