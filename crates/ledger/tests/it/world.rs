//! A ledger in a folder of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use attache_ledger::{
    Act, ActName, Actor, Code, Ed25519Key, EntryId, FixedKey, Ledger, LedgerOptions, Mode, NoteSigner,
    Report, Shown, Target, VerifyError, VerifyOptions,
};
use attache_terms::{ManualClock, Rng, SecretBytes, SeededRng, SystemRng, TenantId, UserId};
use jiff::Timestamp;
use uuid::Uuid;

pub(crate) const SEND: ActName = ActName::new("send_teams_message");
pub(crate) const CHAT: &str = "19:2da4c29f6d7041eca70b638b43d45437@thread.v2";

pub(crate) struct World {
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    pub(crate) fn checkpoint_path(&self) -> PathBuf {
        self.folder.path().join("ledger.checkpoint")
    }

    pub(crate) fn ledger(&self) -> Ledger {
        ledger_at(&self.path(), Arc::new(SystemRng))
    }

    /// Each such ledger makes the same names, ids and salts.
    pub(crate) fn seeded_ledger(&self) -> Ledger {
        ledger_at(&self.path(), Arc::new(SeededRng::new(7)))
    }

    /// An intent of a writer that is gone.
    pub(crate) async fn left_behind(&self) -> EntryId {
        let id = self.ledger().intent(act()).await.unwrap().id();
        self.all_gone().await;
        id
    }

    /// Waits for threads that were told to write and may still be about to let go of the ledger.
    pub(crate) async fn all_gone(&self) {
        while std::fs::read_dir(self.folder.path().join("ledger.writers")).unwrap().count() > 0 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn verify(&self) -> Result<Report, VerifyError> {
        attache_ledger::verify(&self.path(), &VerifyOptions::default())
    }

    pub(crate) fn entries(&self) -> Vec<Shown> {
        attache_ledger::show(&self.path(), Default::default()).unwrap().map(Result::unwrap).collect()
    }

    /// The last checkpoint, from the log itself.
    pub(crate) fn checkpoint(&self) -> String {
        attache_ledger::prove_consistency(&self.path(), 0).unwrap().checkpoint
    }

    /// One entry of a writer of its own, with all that follows it.
    pub(crate) async fn refuse(&self) {
        let ledger = self.ledger();
        ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
        ledger.flush().await.unwrap();
    }
}

pub(crate) fn key(first: u8) -> Arc<dyn NoteSigner> {
    Arc::new(Ed25519Key::from_seed(&SecretBytes::new(vec![first; 32])).unwrap())
}

pub(crate) fn options(path: &Path, rng: Arc<dyn Rng>) -> LedgerOptions {
    LedgerOptions {
        path: path.to_owned(),
        origin: "attache/test".into(),
        key: Arc::new(FixedKey(key(1))),
        clock: Arc::new(ManualClock::new(Timestamp::from_second(1_790_000_000).unwrap())),
        rng,
    }
}

pub(crate) fn ledger_at(path: &Path, rng: Arc<dyn Rng>) -> Ledger {
    Ledger::new(options(path, rng))
}

pub(crate) fn act() -> Act {
    let actor = Actor {
        tenant: Some(TenantId::new(Uuid::from_u128(1))),
        user: Some(UserId::new(Uuid::from_u128(2))),
        mode: Some(Mode::AgentUser),
        ..Actor::default()
    };
    Act::new(SEND, actor).on(Target { chat: Some(CHAT.parse().unwrap()), ..Target::default() })
}
