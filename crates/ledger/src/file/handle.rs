//! The ledger as the rest of the house holds it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use attache_terms::{Clock, Rng};
use tokio::sync::oneshot;

use super::dangling::{Dangling, left_behind};
use super::erase::erase;
use super::error::LedgerError;
use super::open::checkpoint_path;
use super::queue::{Answer, Queue};
use super::writer::{Origin, Writer};
use crate::entry::{Act, ActName, Code, Composer, Draft, Entry, EntryId, Outcome};
use crate::note::KeySource;
use crate::tree::Hash;

/// Where a ledger is and what it needs.
#[derive(Clone)]
pub struct LedgerOptions {
    /// The log's file. Beside it stand `….checkpoint` and `….writers/`; a missing folder is made.
    pub path: PathBuf,
    /// What the name of a new log begins with, such as `attache/default`; an id is appended.
    pub origin: String,
    /// The key that signs its checkpoints.
    pub key: Arc<dyn KeySource>,
    /// The time of entries.
    pub clock: Arc<dyn Clock>,
    /// Ids and salts.
    pub rng: Arc<dyn Rng>,
}

/// An append-only log. Clones share one queue.
#[derive(Clone)]
pub struct Ledger {
    queue: Arc<Queue>,
    path: Arc<Path>,
    composer: Arc<Composer>,
}

/// An entry that is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Its number.
    pub sequence: u64,
    /// Its id.
    pub id: EntryId,
    /// The hash of its leaf, for a proof of inclusion.
    pub leaf: Hash,
}

/// An act that is announced in the ledger and has to be followed by an outcome.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an intent is followed by its outcome"]
pub struct Intent {
    pub(super) id: EntryId,
    pub(super) act: ActName,
    pub(super) sequence: u64,
}

impl Intent {
    /// The id of its entry.
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// The number of its entry.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The act.
    pub fn act(&self) -> &ActName {
        &self.act
    }
}

impl Ledger {
    /// A handle. No file is touched before the first entry.
    pub fn new(options: LedgerOptions) -> Self {
        let LedgerOptions { path, origin: name, key, clock, rng } = options;
        let composer = Arc::new(Composer::new(clock, Arc::clone(&rng)));
        let shared = Arc::from(path.as_path());
        let writer = Writer::new(Origin { path, name, key, rng, composer: Arc::clone(&composer) });
        Self { queue: Queue::new(writer), path: shared, composer }
    }

    /// Announces an act. It is on the disk when this returns; when this fails, the act must not happen.
    pub async fn intent(&self, act: Act) -> Result<Intent, LedgerError> {
        let name = act.name.clone();
        let receipt = self.submit(self.composer.intent(act)).await?;
        Ok(Intent { id: receipt.id, act: name, sequence: receipt.sequence })
    }

    /// Records how an act ended. The entry joins the next write at once, whether or not the answer is
    /// awaited; awaiting it says that the entry is on the disk.
    pub fn outcome(&self, intent: Intent, outcome: Outcome) -> Committed {
        self.submit(self.composer.outcome(intent.id, intent.act, outcome))
    }

    /// Records an act that was refused here before anything was sent.
    pub async fn refusal(&self, act: Act, code: Code) -> Result<Receipt, LedgerError> {
        self.submit(self.composer.refusal(act, code)).await
    }

    /// The intents that a writer left behind when it died. Those of writers that still run, this one
    /// included, are not among them. Each wants an outcome: what a look at the platform shows, or
    /// [`Outcome::unknown`].
    pub async fn dangling(&self) -> Result<Vec<Dangling>, LedgerError> {
        self.blocking(|queue| left_behind(&mut queue.writer())).await
    }

    /// Destroys the withheld fields (user, chat, message) of the entries that are chosen, in place, and
    /// records that. The tree and every proof stay as they are. Returns how many entries it were.
    pub async fn erase(&self, choose: impl Fn(&Entry) -> bool + Send + 'static) -> Result<u64, LedgerError> {
        self.blocking(move |queue| erase(&mut queue.writer(), choose)).await
    }

    /// Waits until everything that was asked for so far is on the disk, or failed, and until the checkpoint file
    /// says so. For the end of a program.
    pub async fn flush(&self) -> Result<(), LedgerError> {
        self.blocking(|queue| {
            queue.flush();
            Ok(())
        })
        .await
    }

    /// The log's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that holds the latest checkpoint.
    pub fn checkpoint_path(&self) -> PathBuf {
        checkpoint_path(&self.path)
    }

    fn submit(&self, draft: Draft) -> Committed {
        Committed(self.queue.submit(draft))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Queue) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let queue = Arc::clone(&self.queue);
        tokio::task::spawn_blocking(move || work(&queue)).await.map_err(|_| LedgerError::Stopped)?
    }
}

/// An entry on its way to the disk.
#[derive(Debug)]
pub struct Committed(oneshot::Receiver<Answer>);

impl Future for Committed {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(LedgerError::Stopped)))
    }
}
