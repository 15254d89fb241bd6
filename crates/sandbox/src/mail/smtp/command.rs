//! The commands of a session, read from their lines (RFC 5321 §4.1, RFC 1870, RFC 6152, RFC 6531).

use super::super::is_address;

/// What the other side says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Hello {
        is_extended: bool,
    },
    /// The sender, empty for none, and the announced size.
    Mail {
        from: String,
        size: Option<usize>,
    },
    Recipient(String),
    Data,
    Reset,
    Nothing,
    Verify,
    Help,
    Quit,
}

/// Why a line is no command: the reply to it.
pub(super) type Refusal = &'static str;

/// Reads a line without its end.
pub(super) fn parse(line: &str) -> Result<Command, Refusal> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (verb, rest) = (verb.trim_end().to_ascii_uppercase(), rest.trim());
    match verb.as_str() {
        "EHLO" | "HELO" if rest.is_empty() => Err("501 5.5.4 Invalid domain name"),
        "EHLO" => Ok(Command::Hello { is_extended: true }),
        "HELO" => Ok(Command::Hello { is_extended: false }),
        "MAIL" => mail(rest),
        "RCPT" => {
            let (address, parameters) = path(rest, "TO:").ok_or("501 5.5.4 Syntax: RCPT TO:<address>")?;
            if !parameters.is_empty() {
                return Err("555 5.5.4 Unsupported option");
            }
            if is_address(&address) {
                Ok(Command::Recipient(address))
            } else {
                Err("501 5.1.3 Invalid address")
            }
        }
        "DATA" if rest.is_empty() => Ok(Command::Data),
        "RSET" if rest.is_empty() => Ok(Command::Reset),
        "NOOP" => Ok(Command::Nothing),
        "VRFY" => Ok(Command::Verify),
        "HELP" => Ok(Command::Help),
        "QUIT" if rest.is_empty() => Ok(Command::Quit),
        "DATA" | "RSET" | "QUIT" => Err("501 5.5.4 No parameters allowed"),
        "STARTTLS" | "AUTH" | "BDAT" | "EXPN" | "TURN" | "ETRN" => Err("502 5.5.1 Command not implemented"),
        _ => Err("500 5.5.1 Unrecognized command"),
    }
}

fn mail(rest: &str) -> Result<Command, Refusal> {
    let (from, parameters) = path(rest, "FROM:").ok_or("501 5.5.4 Syntax: MAIL FROM:<address>")?;
    if !from.is_empty() && !is_address(&from) {
        return Err("501 5.1.7 Invalid address");
    }
    let mut size = None;
    for parameter in parameters.split_ascii_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.to_ascii_uppercase().as_str() {
            "SIZE" => size = Some(value.parse().map_err(|_| "501 5.5.4 Invalid SIZE")?),
            "BODY" if ["7BIT", "8BITMIME"].iter().any(|kind| kind.eq_ignore_ascii_case(value)) => {}
            "SMTPUTF8" if value.is_empty() => {}
            _ => return Err("555 5.5.4 Unsupported option"),
        }
    }
    Ok(Command::Mail { from, size })
}

/// `FROM:<address> parameters`; a source route before the address is passed over (RFC 5321 §4.1.1.3).
fn path<'a>(text: &'a str, mark: &str) -> Option<(String, &'a str)> {
    let start = text.get(..mark.len())?;
    let rest = text[mark.len()..].trim_start().strip_prefix('<')?;
    let (inside, parameters) = rest.split_once('>')?;
    let address = match inside.strip_prefix('@') {
        Some(route) => route.split_once(':')?.1,
        None => inside,
    };
    start.eq_ignore_ascii_case(mark).then(|| (address.trim().to_owned(), parameters.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn commands_are_read() {
        assert_eq!(parse("ehlo me"), Ok(Command::Hello { is_extended: true }));
        assert_eq!(
            parse("MAIL FROM:<a@b.example> SIZE=12 BODY=8BITMIME SMTPUTF8"),
            Ok(Command::Mail { from: "a@b.example".to_owned(), size: Some(12) })
        );
        assert_eq!(parse("mail from: <>"), Ok(Command::Mail { from: String::new(), size: None }));
        assert_eq!(parse("RCPT TO:<@x,@y:a@b.example>"), Ok(Command::Recipient("a@b.example".to_owned())));
        for (line, code) in [
            ("", "500"),
            ("MAIL", "501"),
            ("MAIL FROM:a@b", "501"),
            ("MAIL FROM:<a b@c>", "501"),
            ("MAIL FROM:<a@b> X=1", "555"),
            ("MAIL FROM:<a@b> SIZE=x", "501"),
            ("RCPT TO:<>", "501"),
            ("DATA now", "501"),
            ("AUTH PLAIN", "502"),
            ("EHLO", "501"),
        ] {
            assert!(parse(line).unwrap_err().starts_with(code), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_breaks_the_reader(line in "(MAIL FROM:|RCPT TO:|EHLO |)?\\PC{0,60}") {
            let _ = parse(&line);
        }
    }
}
