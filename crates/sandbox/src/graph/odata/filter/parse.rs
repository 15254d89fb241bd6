//! Reading a `$filter`: from text to tokens, from tokens to a [`Filter`].

use super::{Filter, Literal, Op, Path, TextTest};

/// Why a filter could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid filter clause: {reason} at position {position} in '{text}'.")]
pub(crate) struct FilterError {
    reason: String,
    position: usize,
    text: String,
}

/// Filters nest no deeper than this; Graph refuses deeper ones too, with other words.
const DEEPEST: usize = 32;

/// Parses the value of `$filter`.
pub(super) fn parse(text: &str) -> Result<Filter, FilterError> {
    let mut parser = Parser { text, tokens: lex(text)?, at: 0, variables: Vec::new(), depth: 0 };
    let filter = parser.or()?;
    match parser.peek() {
        None => Ok(filter),
        Some(_) => Err(parser.error("unexpected text after the end of the expression")),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Colon,
    Slash,
    Word(String),
    Text(String),
}

fn lex(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        let token = match character {
            ' ' | '\t' | '+' => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            ':' => Token::Colon,
            '/' => Token::Slash,
            '\'' => {
                let mut literal = String::new();
                loop {
                    match rest.next() {
                        Some((_, '\'')) if rest.peek().is_some_and(|(_, next)| *next == '\'') => {
                            rest.next();
                            literal.push('\'');
                        }
                        Some((_, '\'')) => break,
                        Some((_, other)) => literal.push(other),
                        None => {
                            return Err(FilterError {
                                reason: "there is an unterminated string literal".to_owned(),
                                position: at,
                                text: text.to_owned(),
                            });
                        }
                    }
                }
                Token::Text(literal)
            }
            first if first.is_alphanumeric() || "-_$@.".contains(first) => {
                let mut word = String::from(first);
                while let Some((_, next)) = rest.peek().copied() {
                    // A colon inside a word is the time of an instant (12:30:00), never the colon
                    // of a range variable, which follows a letter.
                    let joins = next.is_alphanumeric()
                        || "-_.@".contains(next)
                        || (next == ':' && word.starts_with(|c: char| c.is_ascii_digit()))
                        || (next == '+' && word.contains('T') && word.contains(':'));
                    if !joins {
                        break;
                    }
                    word.push(next);
                    rest.next();
                }
                Token::Word(word)
            }
            other => {
                return Err(FilterError {
                    reason: format!("syntax error: character '{other}' is not valid"),
                    position: at,
                    text: text.to_owned(),
                });
            }
        };
        tokens.push((at, token));
    }
    Ok(tokens)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    variables: Vec<String>,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn error(&self, reason: &str) -> FilterError {
        FilterError {
            reason: reason.to_owned(),
            position: self.tokens.get(self.at).map_or(self.text.len(), |(at, _)| *at),
            text: self.text.to_owned(),
        }
    }

    fn expect(&mut self, token: &Token, what: &str) -> Result<(), FilterError> {
        if self.peek() == Some(token) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.error(&format!("syntax error: {what} expected")))
        }
    }

    /// Whether an operator is next; operators are read without regard to case (OData 4.01).
    fn is_at(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn keyword(&mut self, word: &str) -> bool {
        let found = self.is_at(word);
        if found {
            self.at += 1;
        }
        found
    }

    fn or(&mut self) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error("the expression nests too deeply"));
        }
        let mut left = self.and()?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, FilterError> {
        let mut left = self.not()?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Filter, FilterError> {
        if self.keyword("not") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(self.error("the expression nests too deeply"));
            }
            let inner = self.not()?;
            self.depth -= 1;
            return Ok(Filter::Not(Box::new(inner)));
        }
        if self.peek() == Some(&Token::Open) {
            self.at += 1;
            let inner = self.or()?;
            self.expect(&Token::Close, "')'")?;
            return Ok(inner);
        }
        self.test()
    }

    fn test(&mut self) -> Result<Filter, FilterError> {
        let text_test = match self.peek() {
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "startswith" => Some(TextTest::Starts),
                "endswith" => Some(TextTest::Ends),
                "contains" => Some(TextTest::Contains),
                _ => None,
            },
            _ => None,
        };
        if let Some(test) = text_test {
            self.at += 1;
            self.expect(&Token::Open, "'('")?;
            let path = self.path()?;
            self.expect(&Token::Comma, "','")?;
            let Some(Token::Text(wanted)) = self.next() else {
                self.at -= 1;
                return Err(self.error("syntax error: a string literal expected"));
            };
            self.expect(&Token::Close, "')'")?;
            return Ok(Filter::Text(test, path, wanted));
        }

        let mut path = self.path()?;
        if self.peek() == Some(&Token::Open) {
            return match path.0.pop().as_deref() {
                Some(name) if name.eq_ignore_ascii_case("any") => self.any(path),
                other => Err(self.error(&format!(
                    "an unknown function with name '{}' was found",
                    other.unwrap_or_default()
                ))),
            };
        }
        if self.keyword("in") {
            self.expect(&Token::Open, "'('")?;
            let mut wanted = vec![self.literal()?];
            while self.peek() == Some(&Token::Comma) {
                self.at += 1;
                wanted.push(self.literal()?);
            }
            self.expect(&Token::Close, "')'")?;
            return Ok(Filter::In(path, wanted));
        }
        let op = match self.peek() {
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "eq" => Some(Op::Eq),
                "ne" => Some(Op::Ne),
                "gt" => Some(Op::Gt),
                "ge" => Some(Op::Ge),
                "lt" => Some(Op::Lt),
                "le" => Some(Op::Le),
                _ => None,
            },
            _ => None,
        };
        match op {
            Some(op) if path.0.last().is_some_and(|last| last == "$count") => {
                self.at += 1;
                path.0.pop();
                let wanted = match self.literal()? {
                    Literal::Number(wanted) => u64::try_from(wanted).ok(),
                    _ => None,
                };
                match wanted {
                    Some(wanted) if !path.0.is_empty() => Ok(Filter::Count(path, op, wanted)),
                    _ => Err(self.error("$count is compared with a number")),
                }
            }
            Some(op) => {
                self.at += 1;
                Ok(Filter::Compare(path, op, self.literal()?))
            }
            // A bare Boolean property stands for `property eq true`.
            None if matches!(self.peek(), None | Some(Token::Close))
                || self.is_at("and")
                || self.is_at("or") =>
            {
                Ok(Filter::Compare(path, Op::Eq, Literal::Boolean(true)))
            }
            None => Err(self.error("syntax error: an operator expected")),
        }
    }

    fn any(&mut self, path: Path) -> Result<Filter, FilterError> {
        self.expect(&Token::Open, "'('")?;
        if self.peek() == Some(&Token::Close) {
            self.at += 1;
            return Ok(Filter::Any(path, None));
        }
        let Some(Token::Word(variable)) = self.next() else {
            self.at -= 1;
            return Err(self.error("syntax error: a range variable expected"));
        };
        self.expect(&Token::Colon, "':'")?;
        self.variables.push(variable);
        let inner = self.or()?;
        self.variables.pop();
        self.expect(&Token::Close, "')'")?;
        Ok(Filter::Any(path, Some(Box::new(inner))))
    }

    fn path(&mut self) -> Result<Path, FilterError> {
        let mut segments = Vec::new();
        loop {
            match self.next() {
                Some(Token::Word(word)) => segments.push(word),
                _ => {
                    self.at -= 1;
                    return Err(self.error("syntax error: a property name expected"));
                }
            }
            if self.peek() == Some(&Token::Slash) {
                self.at += 1;
            } else {
                break;
            }
        }
        if segments.first().is_some_and(|first| self.variables.contains(first)) {
            segments.remove(0);
        }
        Ok(Path(segments))
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) => Ok(match word.to_ascii_lowercase().as_str() {
                "true" => Literal::Boolean(true),
                "false" => Literal::Boolean(false),
                "null" => Literal::Null,
                _ => match (word.parse::<i64>(), midnight(&word)) {
                    (Ok(number), _) => Literal::Number(number),
                    (_, Some(midnight)) => Literal::Instant(midnight),
                    _ if uuid::Uuid::try_parse(&word).is_ok() => Literal::Guid(word),
                    _ if word.parse::<jiff::Timestamp>().is_ok() => Literal::Instant(word),
                    _ => {
                        self.at -= 1;
                        return Err(self.error(&format!("'{word}' is not a literal")));
                    }
                },
            }),
            _ => {
                self.at -= 1;
                Err(self.error("syntax error: a literal expected"))
            }
        }
    }
}

/// A date alone stands for its first instant, in UTC.
fn midnight(text: &str) -> Option<String> {
    let date = (text.len() == 10).then(|| text.parse::<jiff::civil::Date>().ok())??;
    Some(format!("{date}T00:00:00Z"))
}
