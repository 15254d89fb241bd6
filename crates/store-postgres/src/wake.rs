//! Wake-ups: one connection of its own hears when other nodes have added jobs, and tells them of this node's.
//! Notices are sent after the commit and bundled, since PostgreSQL lets transactions that notify commit only one
//! by one. All of this is a hint: whoever is not woken looks by itself after a while.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::said;

const CHANNEL: &str = "attache_jobs";

/// Notices of one node are at least so far apart.
const BETWEEN_NOTICES: Duration = Duration::from_millis(20);

/// After a broken connection, the next try comes after a wait that doubles between these.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Wakes this node's workers, and tells the other nodes.
pub(crate) struct Waker {
    woken: Arc<watch::Sender<u64>>,
    tell: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Waker {
    /// Starts to listen, and goes on until it is dropped.
    pub(crate) fn start(config: Config, tls: MakeRustlsConnect) -> Self {
        let (woken, tell) = (Arc::new(watch::Sender::new(0)), Arc::new(Notify::new()));
        let task = tokio::spawn(keep_listening(config, tls, woken.clone(), tell.clone()));
        Self { woken, tell, task }
    }

    /// Changes whenever there may be something to do.
    pub(crate) fn woken(&self) -> watch::Receiver<u64> {
        self.woken.subscribe()
    }

    /// There may be something to do, here and elsewhere.
    pub(crate) fn wake(&self) {
        self.wake_here();
        self.tell.notify_one();
    }

    /// There may be something to do here.
    pub(crate) fn wake_here(&self) {
        wake(&self.woken);
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn wake(woken: &watch::Sender<u64>) {
    woken.send_modify(|times| *times = times.wrapping_add(1));
}

async fn keep_listening(
    config: Config,
    tls: MakeRustlsConnect,
    woken: Arc<watch::Sender<u64>>,
    tell: Arc<Notify>,
) {
    let mut wait = FIRST_WAIT;
    loop {
        match config.connect(tls.clone()).await {
            Ok((client, connection)) => {
                wait = FIRST_WAIT;
                listen(client, connection, &woken, &tell).await;
            }
            Err(error) => {
                tracing::debug!(error = said(&error), "cannot listen for jobs of other nodes");
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
        sleep(wait).await;
    }
}

/// Listens and tells until the connection breaks.
async fn listen<T>(
    client: Client,
    mut connection: Connection<Socket, T>,
    woken: &watch::Sender<u64>,
    tell: &Notify,
) where
    T: tokio_postgres::tls::TlsStream + Unpin,
{
    // A node also hears itself, but it was woken already.
    let own = AtomicI32::new(0);
    let hear = async {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                AsyncMessage::Notification(notice) if notice.process_id() != own.load(Ordering::Relaxed) => {
                    wake(woken);
                }
                _ => {}
            }
        }
    };
    let speak = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        let process = client.query_one("SELECT pg_backend_pid()", &[]).await?;
        own.store(process.get(0), Ordering::Relaxed);
        // What was said before this was not heard.
        wake(woken);
        loop {
            tell.notified().await;
            client.batch_execute(&format!("NOTIFY {CHANNEL}")).await?;
            sleep(BETWEEN_NOTICES).await;
        }
        #[expect(unreachable_code, reason = "it says what the block's errors are")]
        Ok::<(), tokio_postgres::Error>(())
    };
    tokio::select! {
        () = hear => {}
        outcome = speak => {
            if let Err(error) = outcome {
                tracing::debug!(error = said(&error), "the connection that listens for jobs broke");
            }
        }
    }
}
