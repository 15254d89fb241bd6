//! The little web server that the browser comes back to (RFC 8252 §7.3). It listens on this machine only,
//! takes the one answer whose `state` is ours, and answers anything else with an error page: any web page
//! may make the browser send a request here.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use attache_terms::{Clock, Secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::response::bearable;

/// A browser's request for this is far smaller; a code may be some kilobytes.
const LARGEST_REQUEST: usize = 32 * 1024;
/// How long a connection may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many free ports are tried to find one that is free for IPv4 and IPv6.
const TRIES: usize = 8;

/// What the browser brought.
pub(super) enum Callback {
    Code(Secret),
    Refused { error: String, description: String },
}

/// The listener, on both families where there are both: browsers resolve `localhost` to either.
pub(super) struct Loopback {
    v4: TcpListener,
    v6: Option<TcpListener>,
    port: u16,
}

impl Loopback {
    /// Opens the port; 0 takes a free one.
    pub(super) async fn open(port: u16) -> io::Result<Self> {
        let mut tries = 0;
        loop {
            tries += 1;
            let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            let taken = v4.local_addr()?.port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, taken)).await {
                Ok(v6) => return Ok(Self { v4, v6: Some(v6), port: taken }),
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                    return Ok(Self { v4, v6: None, port: taken });
                }
                // Somebody else would get the code if the browser chose IPv6.
                Err(error) if port != 0 || tries == TRIES => return Err(error),
                Err(_) => {}
            }
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Serves until the answer with this `state` came.
    pub(super) async fn answer(self, state: String, clock: Arc<dyn Clock>) -> Callback {
        let state: Arc<str> = state.into();
        let (found, mut finds) = mpsc::channel(1);
        let mut connections = JoinSet::new();
        let callback = loop {
            let stream = tokio::select! {
                Some(callback) = finds.recv() => break callback,
                Some(_) = connections.join_next() => continue,
                stream = accept(&self) => stream,
            };
            // A connection that broke on arrival concerns nobody.
            let Ok(stream) = stream else { continue };
            let (state, found, patience) = (Arc::clone(&state), found.clone(), clock.sleep(PATIENCE));
            connections.spawn(async move {
                tokio::select! {
                    _ = serve(stream, &state, &found) => {}
                    () = patience => {}
                }
            });
        };
        drop(self);
        // The page that says so is still on its way to the browser.
        let enough = clock.sleep(PATIENCE);
        tokio::spawn(async move {
            tokio::select! {
                () = async { while connections.join_next().await.is_some() {} } => {}
                () = enough => {}
            }
        });
        callback
    }
}

async fn accept(listeners: &Loopback) -> io::Result<TcpStream> {
    let (stream, _) = match &listeners.v6 {
        None => listeners.v4.accept().await?,
        Some(v6) => tokio::select! {
            accepted = listeners.v4.accept() => accepted?,
            accepted = v6.accept() => accepted?,
        },
    };
    Ok(stream)
}

async fn serve(mut stream: TcpStream, state: &str, found: &mpsc::Sender<Callback>) -> io::Result<()> {
    let Some(request) = read(&mut stream).await? else { return Ok(()) };
    let (page, callback) = match judge(&request, state) {
        Verdict::Ours(callback @ Callback::Code(_)) => (Page::Done, Some(callback)),
        Verdict::Ours(callback @ Callback::Refused { .. }) => (Page::Refused, Some(callback)),
        Verdict::NotOurs => (Page::NotOurs, None),
        Verdict::NotHere => (Page::NotHere, None),
        Verdict::NotGet => (Page::NotGet, None),
    };
    if let Some(callback) = callback {
        // A second answer with the same state finds the place taken, and is one too many.
        let _ = found.try_send(callback);
    }
    stream.write_all(page.response().as_bytes()).await?;
    stream.shutdown().await
}

/// The head of a request; `None` when there is none that fits.
async fn read(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        let count = stream.read(&mut chunk).await?;
        if count == 0 || bytes.len() + count > LARGEST_REQUEST {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk[..count]);
    }
    Ok(String::from_utf8(bytes).ok())
}

enum Verdict {
    Ours(Callback),
    NotOurs,
    NotHere,
    NotGet,
}

fn judge(request: &str, state: &str) -> Verdict {
    let mut line = request.lines().next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (line.next(), line.next()) else { return Verdict::NotGet };
    if method != "GET" {
        return Verdict::NotGet;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path != "/" {
        return Verdict::NotHere;
    }
    let (mut code, mut given, mut error, mut description) = (None, None, None, String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let is_repeated = match &*name {
            "code" => code.replace(Secret::new(value.into_owned())).is_some(),
            "state" => given.replace(value.into_owned()).is_some(),
            "error" => error.replace(bearable(&value, 60)).is_some(),
            "error_description" => {
                description = bearable(&value, 300);
                false
            }
            _ => false,
        };
        // RFC 6749 §3.1: no parameter stands twice.
        if is_repeated {
            return Verdict::NotOurs;
        }
    }
    let ours = given.is_some_and(|given| {
        aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), state.as_bytes()).is_ok()
    });
    match (code, error) {
        _ if !ours => Verdict::NotOurs,
        (_, Some(error)) => Verdict::Ours(Callback::Refused { error, description }),
        (Some(code), None) => Verdict::Ours(Callback::Code(code)),
        (None, None) => Verdict::NotOurs,
    }
}

#[derive(Clone, Copy)]
enum Page {
    Done,
    Refused,
    NotOurs,
    NotHere,
    NotGet,
}

impl Page {
    fn response(self) -> String {
        let (status, title, text) = match self {
            Self::Done => ("200 OK", "Signed in", "You can close this window and go back to your agent."),
            Self::Refused => (
                "200 OK",
                "Not signed in",
                "Microsoft did not sign you in. Go back to your agent: it shows why, and what to do.",
            ),
            Self::NotOurs => (
                "400 Bad Request",
                "Not this sign-in",
                "This does not belong to the sign-in that is under way. Start again from your agent.",
            ),
            Self::NotHere => ("404 Not Found", "Nothing here", "This address only takes part in a sign-in."),
            Self::NotGet => {
                ("405 Method Not Allowed", "Nothing here", "This address only takes part in a sign-in.")
            }
        };
        let body = include_str!("page.html").replace("{title}", title).replace("{text}", text);
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
             connection: close\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
             x-content-type-options: nosniff\r\n\
             content-security-policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\r\n{body}",
            body.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_ours(request: &str) -> bool {
        matches!(judge(request, "the-state"), Verdict::Ours(_))
    }

    #[test]
    fn nothing_in_the_corpus_is_our_answer() {
        assert!(is_ours("GET /?code=x&state=the-state HTTP/1.1\r\n\r\n"));
        assert!(is_ours("GET /?error=access_denied&state=the-state HTTP/1.1\r\n\r\n"));
        crate::corpus::replay("loopback-request", |bytes| {
            assert!(!is_ours(&String::from_utf8_lossy(bytes)));
        });
    }

    proptest! {
        #[test]
        fn no_bytes_are_our_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = String::from_utf8_lossy(&bytes);
            prop_assert!(!is_ours(&text));
            let request = format!("GET /?code=x&{text} HTTP/1.1");
            prop_assert!(!is_ours(&request));
        }

        #[test]
        fn what_entra_says_is_fit_for_a_line(error in any::<String>(), description in any::<String>()) {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("state", "the-state")
                .append_pair("error", &error)
                .append_pair("error_description", &description)
                .finish();
            let verdict = judge(&format!("GET /?{query} HTTP/1.1"), "the-state");
            let Verdict::Ours(Callback::Refused { error, description }) = verdict else {
                panic!("it has our state and an error");
            };
            for (text, longest) in [(error, 60), (description, 300)] {
                prop_assert!(text.chars().count() <= longest && !text.chars().any(char::is_control));
            }
        }
    }
}
