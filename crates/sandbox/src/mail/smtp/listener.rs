//! The listener: connections, lines and their limits. It is an edge, not a relay: it takes mail for the tenants'
//! own users only.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::session::{Edge, LARGEST, Next, Session};
use crate::graph::mail::{Accepted, Destination, Incoming, receive, resolve};
use crate::sandbox::Shared;

/// The longest line of a command.
const COMMAND: u64 = 2_048;
/// How long the other side may say nothing.
const PATIENCE: Duration = Duration::from_secs(300);
/// Sessions at once.
const SESSIONS: usize = 64;

/// Accepts connections until `stop`.
pub(crate) async fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let sessions = Arc::new(Semaphore::new(SESSIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept an SMTP connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&sessions).try_acquire_owned() else {
            tasks.spawn(turn_away(stream));
            continue;
        };
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            let edge = Tenants(&shared);
            tokio::select! {
                () = stop.cancelled() => {}
                ended = serve(stream, &edge) => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "an SMTP session ended");
                    }
                }
            }
            drop(permit);
        });
    }
}

async fn turn_away(mut stream: TcpStream) {
    // Who is too many need not hear it.
    let _ = stream.write_all(b"421 4.3.2 Too many sessions, try again later\r\n").await;
}

async fn serve(stream: TcpStream, edge: &impl Edge) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    write.write_all(b"220 sandbox Microsoft ESMTP MAIL Service ready\r\n").await?;
    let (mut session, mut line) = (Session::default(), Vec::new());
    loop {
        line.clear();
        // One more than what a whole message may weigh: its line is then too long for everything.
        let longest = if session.is_receiving() { LARGEST as u64 + 3 } else { COMMAND };
        let mut limited = (&mut read).take(longest);
        let got = match tokio::time::timeout(PATIENCE, limited.read_until(b'\n', &mut line)).await {
            Ok(got) => got?,
            Err(_) => {
                return write.write_all(b"421 4.4.2 Connection timed out\r\n").await;
            }
        };
        if got == 0 {
            return Ok(());
        }
        let Some(end) = line.strip_suffix(b"\n") else {
            return write.write_all(b"500 5.5.2 Line too long\r\n").await;
        };
        let mut out = String::new();
        let next = session.line(end.strip_suffix(b"\r").unwrap_or(end), edge, &mut out);
        // Replies to a pipeline go out together (RFC 2920).
        write.write_all(out.as_bytes()).await?;
        if next == Next::Close {
            return write.shutdown().await;
        }
    }
}

/// Every tenant of the sandbox, by its domains.
struct Tenants<'s>(&'s Shared);

impl Edge for Tenants<'_> {
    fn check(&self, recipient: &str) -> Result<(), String> {
        let domain = recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
        let Some(realm) = self.0.realms.named(domain) else {
            return Err(format!(
                "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain {domain}"
            ));
        };
        match resolve(&realm.enter(), recipient, None, realm.clock.now()) {
            Destination::Mailboxes(_) => Ok(()),
            Destination::Closed(closed) => Err(format!("550 {} {}", closed.status, closed.text)),
            Destination::Nobody | Destination::Outside => Err(format!(
                "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {recipient} not found by SMTP address lookup"
            )),
        }
    }

    fn accept(&self, from: &str, to: &[String], bytes: Vec<u8>) -> String {
        let mut delivered = 0;
        let mut is_unreadable = false;
        let mut full = None;
        for realm in self.0.realms.all() {
            let own: Vec<String> = to
                .iter()
                .filter(|one| one.rsplit_once('@').is_some_and(|(_, domain)| realm.is_called(domain)))
                .cloned()
                .collect();
            if own.is_empty() {
                continue;
            }
            let incoming =
                Incoming { from: from.to_owned(), to: own, bytes: bytes.clone(), ..Incoming::default() };
            let mut tenant = realm.enter();
            match receive(&mut tenant, &incoming, realm.clock.now(), realm.lag()) {
                Accepted::Delivered(messages) => delivered += messages.len(),
                Accepted::NoRecipient => {}
                Accepted::Full(why) => full = Some(why),
                Accepted::Unreadable => is_unreadable = true,
            }
            if let Err(error) = realm.settle(&mut tenant) {
                tracing::warn!(%error, "mail from outside does not persist");
                return "451 4.3.0 The message could not be kept".to_owned();
            }
        }
        match (delivered, is_unreadable) {
            (0, true) => "554 5.6.0 The message has no header".to_owned(),
            (0, false) if full.is_some() => format!("550 {}", full.unwrap_or_default()),
            (0, false) => "550 5.1.10 RESOLVER.ADR.RecipientNotFound".to_owned(),
            _ => "250 2.6.0 Queued mail for delivery".to_owned(),
        }
    }
}
