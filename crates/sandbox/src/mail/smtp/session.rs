//! One session of the listener as a state machine without a socket (RFC 5321 §3): lines in, replies out.

use super::command::{Command, parse};

/// What a message may weigh.
pub(super) const LARGEST: usize = 35 * 1024 * 1024;
const MOST_RECIPIENTS: usize = 500;
/// After so many refusals the session ends.
const MOST_ERRORS: usize = 20;

/// Who lives behind the listener.
pub(super) trait Edge {
    /// The refusal of a recipient, if it is refused.
    fn check(&self, recipient: &str) -> Result<(), String>;
    /// Takes a message; the answer is the reply.
    fn accept(&self, from: &str, to: &[String], bytes: Vec<u8>) -> String;
}

/// What the listener does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Go,
    Close,
}

/// A session.
#[derive(Debug, Default)]
pub(super) struct Session {
    is_greeted: bool,
    from: Option<String>,
    to: Vec<String>,
    errors: usize,
    data: Option<Data>,
}

#[derive(Debug, Default)]
struct Data {
    bytes: Vec<u8>,
    is_too_large: bool,
}

impl Session {
    /// Whether a message is being received, whose lines are longer than commands.
    pub(super) fn is_receiving(&self) -> bool {
        self.data.is_some()
    }

    /// Takes a line without its end; replies are added to `out`.
    pub(super) fn line(&mut self, line: &[u8], edge: &impl Edge, out: &mut String) -> Next {
        if self.data.is_some() {
            self.data_line(line, edge, out);
            return Next::Go;
        }
        let reply =
            match std::str::from_utf8(line).map_err(|_| "500 5.5.2 Invalid characters").and_then(parse) {
                Ok(Command::Quit) => {
                    out.push_str("221 2.0.0 Service closing transmission channel\r\n");
                    return Next::Close;
                }
                Ok(command) => self.command(command, edge),
                Err(refusal) => refusal.to_owned(),
            };
        if reply.starts_with('5') {
            self.errors += 1;
        }
        out.push_str(&reply);
        out.push_str("\r\n");
        if self.errors >= MOST_ERRORS {
            out.push_str("421 4.7.0 Too many errors, closing transmission channel\r\n");
            return Next::Close;
        }
        Next::Go
    }

    fn command(&mut self, command: Command, edge: &impl Edge) -> String {
        match command {
            Command::Hello { is_extended } => {
                self.is_greeted = true;
                self.reset();
                if is_extended {
                    format!(
                        "250-sandbox Hello\r\n250-SIZE {LARGEST}\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SMTPUTF8"
                    )
                } else {
                    "250 sandbox Hello".to_owned()
                }
            }
            Command::Mail { .. } if !self.is_greeted => "503 5.5.1 Send hello first".to_owned(),
            Command::Mail { .. } if self.from.is_some() => "503 5.5.1 Sender already specified".to_owned(),
            Command::Mail { size: Some(size), .. } if size > LARGEST => {
                "552 5.3.4 Message size exceeds fixed maximum message size".to_owned()
            }
            Command::Mail { from, .. } => {
                self.from = Some(from);
                "250 2.1.0 Sender OK".to_owned()
            }
            Command::Recipient(_) if self.from.is_none() => "503 5.5.1 Need mail command".to_owned(),
            Command::Recipient(_) if self.to.len() >= MOST_RECIPIENTS => {
                "452 4.5.3 Too many recipients".to_owned()
            }
            Command::Recipient(to) => match edge.check(&to) {
                Ok(()) => {
                    self.to.push(to);
                    "250 2.1.5 Recipient OK".to_owned()
                }
                Err(refusal) => refusal,
            },
            Command::Data if self.to.is_empty() => "503 5.5.1 Need rcpt command".to_owned(),
            Command::Data => {
                self.data = Some(Data::default());
                "354 Start mail input; end with <CRLF>.<CRLF>".to_owned()
            }
            Command::Reset => {
                self.reset();
                "250 2.0.0 Resetting".to_owned()
            }
            Command::Nothing => "250 2.0.0 OK".to_owned(),
            Command::Verify => "252 2.1.5 Cannot VRFY user, but will accept message".to_owned(),
            Command::Help => "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT".to_owned(),
            // `line` ends the session before it comes here.
            Command::Quit => "221 2.0.0 Service closing transmission channel".to_owned(),
        }
    }

    fn data_line(&mut self, line: &[u8], edge: &impl Edge, out: &mut String) {
        let Some(data) = &mut self.data else { return };
        if line != b"." {
            let line = line.strip_prefix(b".").unwrap_or(line);
            if data.bytes.len() + line.len() + 2 > LARGEST {
                data.is_too_large = true;
                data.bytes = Vec::new();
            } else if !data.is_too_large {
                data.bytes.extend_from_slice(line);
                data.bytes.extend_from_slice(b"\r\n");
            }
            return;
        }
        let data = self.data.take().unwrap_or_default();
        let reply = if data.is_too_large {
            "552 5.3.4 Message size exceeds fixed maximum message size".to_owned()
        } else {
            edge.accept(self.from.as_deref().unwrap_or_default(), &self.to, data.bytes)
        };
        self.reset();
        out.push_str(&reply);
        out.push_str("\r\n");
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
        self.data = None;
    }
}

/// A message as its lines are sent: dots doubled, ends of lines as SMTP wants them, the last dot at the end.
pub(super) fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    if bytes.is_empty() || bytes.ends_with(b"\n") {
        out.truncate(out.len() - 2);
    }
    out.extend_from_slice(b".\r\n");
    out
}

/// What arbitrary lines must not break: every reply is one of SMTP's, and nothing is taken without a recipient.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_session(bytes: &[u8]) {
    struct Room;
    impl Edge for Room {
        fn check(&self, recipient: &str) -> Result<(), String> {
            if recipient.starts_with('n') { Err("550 5.1.10 no".to_owned()) } else { Ok(()) }
        }

        fn accept(&self, _: &str, to: &[String], _: Vec<u8>) -> String {
            assert!(to.iter().all(|one| !one.starts_with('n')) && !to.is_empty());
            "250 2.6.0 Queued".to_owned()
        }
    }
    let (mut session, mut out) = (Session::default(), String::new());
    for line in bytes.split(|byte| *byte == b'\n') {
        if session.line(line.strip_suffix(b"\r").unwrap_or(line), &Room, &mut out) == Next::Close {
            break;
        }
    }
    for line in out.lines() {
        assert!(line.len() > 3 && line.as_bytes()[..3].iter().all(u8::is_ascii_digit), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Room(RefCell<Vec<Taken>>);

    type Taken = (String, Vec<String>, Vec<u8>);

    impl Edge for Room {
        fn check(&self, recipient: &str) -> Result<(), String> {
            if recipient.starts_with("nobody") { Err("550 5.1.10 no".to_owned()) } else { Ok(()) }
        }

        fn accept(&self, from: &str, to: &[String], bytes: Vec<u8>) -> String {
            self.0.borrow_mut().push((from.to_owned(), to.to_vec(), bytes));
            "250 2.6.0 Queued".to_owned()
        }
    }

    fn talk(lines: &[&[u8]]) -> (Room, String, Next) {
        let (room, mut session, mut out, mut next) =
            (Room::default(), Session::default(), String::new(), Next::Go);
        for line in lines {
            next = session.line(line, &room, &mut out);
        }
        (room, out, next)
    }

    #[test]
    fn a_message_arrives_without_its_doubled_dots() {
        let (room, out, next) = talk(&[
            b"EHLO x",
            b"MAIL FROM:<a@b>",
            b"RCPT TO:<nobody@c>",
            b"RCPT TO:<d@c>",
            b"DATA",
            b"A: 1",
            b"",
            b"..x",
            b".y",
            b".",
            b"QUIT",
        ]);
        assert_eq!(
            room.0.into_inner(),
            [("a@b".to_owned(), vec!["d@c".to_owned()], b"A: 1\r\n\r\n.x\r\ny\r\n".to_vec())]
        );
        let codes: Vec<&str> = out.lines().map(|line| &line[..3]).collect();
        assert_eq!(codes[6..], ["250", "550", "250", "354", "250", "221"]);
        assert_eq!(next, Next::Close);
    }

    #[test]
    fn commands_keep_their_order_and_errors_end_it() {
        let (_, out, _) = talk(&[b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", b"DATA", b"\xff"]);
        let codes: Vec<&str> = out.lines().map(|line| &line[..3]).collect();
        assert_eq!(codes, ["503", "503", "503", "500"]);
        let many: Vec<&[u8]> = vec![b"X"; 20];
        assert_eq!(talk(&many).2, Next::Close);
    }

    proptest! {
        #[test]
        fn what_is_stuffed_arrives(lines in proptest::collection::vec("[.a-z]{0,6}", 0..8)) {
            let bytes: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\r\n").into_bytes()).collect();
            let sent = stuffed(&bytes);
            let mut all: Vec<&[u8]> = vec![b"HELO x", b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", b"DATA"];
            all.extend(sent.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)));
            let (room, ..) = talk(&all);
            let got = room.0.into_inner();
            prop_assert_eq!(got.len(), 1);
            prop_assert_eq!(&got[0].2, &bytes);
        }

        #[test]
        fn no_lines_break_the_session(
            lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..30),
            verbs in proptest::collection::vec(0..8_usize, 0..30),
        ) {
            let known: [&[u8]; 8] = [b"EHLO x", b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", b"DATA", b".", b"RSET", b"", b"QUIT"];
            let (room, mut session, mut out) = (Room::default(), Session::default(), String::new());
            for (line, verb) in lines.iter().zip(verbs) {
                let _ = session.line(known[verb], &room, &mut out);
                let _ = session.line(line, &room, &mut out);
            }
            prop_assert!(out.lines().all(|line| line.len() > 3 && line.as_bytes()[..3].iter().all(u8::is_ascii_digit)));
        }
    }
}
