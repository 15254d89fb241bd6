//! The client: hands a message over to a named host (RFC 5321 §3.3).

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::session::stuffed;

/// The longest line of a reply, and the most lines of one.
const REPLY: u64 = 4_096;
const LINES: usize = 128;
/// How long the host may take for one reply.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a message was not handed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// The host said no for good.
    #[error("{0}")]
    ForGood(String),
    /// It may be tried again.
    #[error("{0}")]
    ForNow(String),
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        Self::ForNow(error.to_string())
    }
}

/// Hands a message over; the answer is the recipients that the host refused, with its words.
pub(crate) async fn hand_over(
    host: &str,
    from: &str,
    to: &[String],
    bytes: &[u8],
) -> Result<Vec<(String, String)>, Refused> {
    let connecting = tokio::time::timeout(PATIENCE, TcpStream::connect(host));
    let stream = connecting.await.map_err(|_| Refused::ForNow("the host does not answer".to_owned()))??;
    let (read, write) = stream.into_split();
    let mut talk = Talk { read: BufReader::new(read), write };
    talk.expect('2').await?;
    let extensions = talk.say("EHLO sandbox").await?;
    let has = |name: &str| {
        extensions
            .lines()
            .any(|line| line.get(4..).is_some_and(|rest| rest.to_ascii_uppercase().starts_with(name)))
    };
    let mut mail = format!("MAIL FROM:<{from}>");
    if has("SIZE") {
        mail.push_str(&format!(" SIZE={}", bytes.len()));
    }
    if has("8BITMIME") && !bytes.is_ascii() {
        mail.push_str(" BODY=8BITMIME");
    }
    if has("SMTPUTF8") && !(from.is_ascii() && to.iter().all(|one| one.is_ascii())) {
        mail.push_str(" SMTPUTF8");
    }
    talk.say(&mail).await?;
    let mut refused = Vec::new();
    for recipient in to {
        match talk.say(&format!("RCPT TO:<{recipient}>")).await {
            Ok(_) => {}
            Err(Refused::ForGood(words)) => refused.push((recipient.clone(), words)),
            Err(for_now) => return Err(for_now),
        }
    }
    if refused.len() < to.len() {
        talk.write.write_all(b"DATA\r\n").await?;
        talk.expect('3').await?;
        talk.write.write_all(&stuffed(bytes)).await?;
        talk.expect('2').await?;
    }
    // The message is with the host, whatever it says to the farewell.
    let _ = talk.say("QUIT").await;
    Ok(refused)
}

struct Talk {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Talk {
    async fn say(&mut self, line: &str) -> Result<String, Refused> {
        self.write.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.expect('2').await
    }

    /// A reply whose code begins with that digit.
    async fn expect(&mut self, digit: char) -> Result<String, Refused> {
        let mut all = String::new();
        for _ in 0..LINES {
            let mut line = String::new();
            let mut limited = (&mut self.read).take(REPLY);
            let got = tokio::time::timeout(PATIENCE, limited.read_line(&mut line));
            if got.await.map_err(|_| Refused::ForNow("the host does not answer".to_owned()))?? == 0 {
                return Err(Refused::ForNow("the host hung up".to_owned()));
            }
            all.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                let words = all.trim_end().to_owned();
                return match words.chars().next() {
                    Some(first) if first == digit => Ok(words),
                    Some('5') => Err(Refused::ForGood(words)),
                    _ => Err(Refused::ForNow(words)),
                };
            }
        }
        Err(Refused::ForNow("the host's reply does not end".to_owned()))
    }
}
