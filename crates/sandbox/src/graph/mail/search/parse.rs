//! From text to an expression. As in Exchange nothing is wrong with stray words and parentheses: they are passed over.

use std::iter::Peekable;

use super::Expression;
use super::restriction::{Property, Restriction};
use crate::graph::error::GraphError;
use crate::graph::mail::refusals::{bad, not_emulated};

/// How deep parentheses may stand in each other.
const DEEPEST: usize = 32;

/// What stands between a property and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Equal,
    Unequal,
    More,
    AtLeast,
    Less,
    AtMost,
}

impl Mark {
    fn of(text: &str) -> Option<Self> {
        Some(match text.trim_start_matches(':') {
            "" | "=" => Self::Equal,
            "<>" => Self::Unequal,
            ">" => Self::More,
            ">=" => Self::AtLeast,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            _ => return None,
        })
    }
}

/// What a value is compared with, and how.
type Scope = (Property, Mark);

#[derive(Debug, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    Not,
    And,
    Or,
    /// A word or a phrase.
    Text(&'t str),
    /// `property:`, with what follows at once.
    Property(Scope, &'t str),
    /// An operator that there is not here.
    Foreign(&'t str),
}

/// Reads the text between the outer quotes.
pub(super) fn parse(text: &str) -> Result<Expression, GraphError> {
    let mut parser = Parser { tokens: Lexer(text).peekable(), depth: 0 };
    let everywhere = (Property::Anywhere, Mark::Equal);
    let mut all = Vec::new();
    while parser.tokens.peek().is_some() {
        all.extend(parser.any(everywhere)?);
        parser.tokens.next_if_eq(&Token::Close);
    }
    // Of mere punctuation nothing is left, and nothing is found.
    Ok(one_of(all, Expression::All).unwrap_or(Expression::Any(Vec::new())))
}

struct Parser<'t> {
    tokens: Peekable<Lexer<'t>>,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn any(&mut self, scope: Scope) -> Result<Option<Expression>, GraphError> {
        let mut groups = Vec::new();
        loop {
            groups.extend(self.all(scope)?);
            if self.tokens.next_if_eq(&Token::Or).is_none() {
                return Ok(one_of(groups, Expression::Any));
            }
        }
    }

    fn all(&mut self, scope: Scope) -> Result<Option<Expression>, GraphError> {
        let mut terms = Vec::new();
        let mut is_negated = false;
        while let Some(token) = self.tokens.next_if(|token| !matches!(token, Token::Or | Token::Close)) {
            let term = match token {
                Token::Not => {
                    is_negated = !is_negated;
                    continue;
                }
                token => self.term(token, scope)?,
            };
            let negated = std::mem::take(&mut is_negated);
            terms.extend(term.map(|term| if negated { Expression::Not(Box::new(term)) } else { term }));
        }
        Ok(one_of(terms, Expression::All))
    }

    fn term(&mut self, token: Token<'t>, scope: Scope) -> Result<Option<Expression>, GraphError> {
        match token {
            Token::Open => self.group(scope),
            Token::Property(scope, "") if self.tokens.next_if_eq(&Token::Open).is_some() => self.group(scope),
            Token::Property(scope, value) => restriction(scope, value),
            Token::Text(value) => restriction(scope, value),
            Token::Foreign(operator) => Err(not_emulated(&format!("{operator} in $search"))),
            Token::Close | Token::Not | Token::And | Token::Or => Ok(None),
        }
    }

    fn group(&mut self, scope: Scope) -> Result<Option<Expression>, GraphError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(bad("BadRequest", "The value of $search has too many parentheses in each other."));
        }
        let inside = self.any(scope)?;
        self.depth -= 1;
        self.tokens.next_if_eq(&Token::Close);
        Ok(inside)
    }
}

fn restriction((property, mark): Scope, value: &str) -> Result<Option<Expression>, GraphError> {
    let one = Restriction::of(property, mark, value)?.map(Expression::One);
    Ok(one.map(|one| if mark == Mark::Unequal { Expression::Not(Box::new(one)) } else { one }))
}

fn one_of(mut many: Vec<Expression>, whole: fn(Vec<Expression>) -> Expression) -> Option<Expression> {
    if many.len() > 1 { Some(whole(many)) } else { many.pop() }
}

/// Cuts at spaces, parentheses and quotes.
struct Lexer<'t>(&'t str);

impl<'t> Iterator for Lexer<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        self.0 = self.0.trim_start();
        let first = self.0.chars().next()?;
        let is_before_a_word = |rest: &str| rest.chars().next().is_some_and(|next| !next.is_whitespace());
        match first {
            '(' => self.sign(Token::Open),
            ')' => self.sign(Token::Close),
            '-' if is_before_a_word(&self.0[1..]) => self.sign(Token::Not),
            '"' => Some(Token::Text(self.quoted())),
            _ => Some(self.word()),
        }
    }
}

impl<'t> Lexer<'t> {
    fn sign(&mut self, token: Token<'t>) -> Option<Token<'t>> {
        self.0 = &self.0[1..];
        Some(token)
    }

    /// What stands in quotes, or behind one that is not closed.
    fn quoted(&mut self) -> &'t str {
        let inside = &self.0[1..];
        let (quoted, rest) = inside.split_once('"').unwrap_or((inside, ""));
        self.0 = rest;
        quoted
    }

    fn word(&mut self) -> Token<'t> {
        let end = self.0.find(|c: char| c.is_whitespace() || "()\"".contains(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        match word {
            "AND" => Token::And,
            "OR" => Token::Or,
            "NOT" => Token::Not,
            "NEAR" | "ONEAR" | "XRANK" => Token::Foreign(word),
            _ => match property(word) {
                Some((scope, "")) if rest.starts_with('"') => Token::Property(scope, self.quoted()),
                Some((scope, value)) => Token::Property(scope, value),
                None => Token::Text(word),
            },
        }
    }
}

/// `received>=2026-03-01` in its parts; none of a word that begins with no property.
fn property(word: &str) -> Option<(Scope, &str)> {
    let (name, rest) = word.split_at(word.find([':', '<', '>', '='])?);
    let end = rest.find(|c| !":<>=".contains(c)).unwrap_or(rest.len());
    Some(((Property::named(name.trim_start_matches('+'))?, Mark::of(&rest[..end])?), &rest[end..]))
}
