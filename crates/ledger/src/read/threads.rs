//! Examines a file on several threads, and hands on what each line says in the order of the file.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope};

use super::chunks::{Chunk, Chunks};
use super::error::VerifyError;
use super::examine::{Examined, examine};

/// How many threads examine.
const THREADS: usize = 2;

/// How many pieces of the file there are at the same time: while one is examined, the next is there already.
const PIECES: usize = 2 * THREADS;

/// A piece of the file and what its lines say. It goes back and forth, so that its room is used again.
#[derive(Default)]
struct Piece {
    chunk: Chunk,
    lines: Vec<Examined>,
}

/// Hands on each line, and says where the last one ends.
pub(super) fn examine_in_order(
    mut chunks: Chunks,
    mut each: impl FnMut(Examined) -> Result<(), VerifyError>,
) -> Result<u64, VerifyError> {
    thread::scope(|scope| {
        let examiners = [(); THREADS].map(|()| Examiner::start(scope));
        let mut turns = examiners.iter().cycle();
        let mut spare = Vec::from([(); PIECES].map(|()| Piece::default()));
        // Who has the pieces that are out, in order.
        let mut out = VecDeque::new();
        loop {
            while let Some(mut piece) = spare.pop()
                && chunks.next(&mut piece.chunk)?
                && let Some(examiner) = turns.next()
            {
                // Whoever takes nothing more has panicked, and gives nothing back.
                let _ = examiner.pieces.send(piece);
                out.push_back(examiner);
            }
            let Some(examiner) = out.pop_front() else { return Ok(chunks.offset()) };
            // A panic goes on where the scope ends.
            let Ok(mut piece) = examiner.examined.recv() else { return Ok(chunks.offset()) };
            piece.lines.drain(..).try_for_each(&mut each)?;
            spare.push(piece);
        }
    })
}

/// A thread that examines one piece after another.
struct Examiner {
    pieces: Sender<Piece>,
    examined: Receiver<Piece>,
}

impl Examiner {
    fn start<'scope>(scope: &'scope Scope<'scope, '_>) -> Self {
        let ((pieces, given), (done, examined)) = (channel::<Piece>(), channel());
        scope.spawn(move || {
            for mut piece in given {
                examine(&piece.chunk, &mut piece.lines);
                if done.send(piece).is_err() {
                    break;
                }
            }
        });
        Self { pieces, examined }
    }
}
