//! The rule of a device filter: `device.model -startsWith "Surface" -and device.isCompliant -eq True`, with `-and`,
//! `-or`, `-not` and brackets (Microsoft: "Conditional Access: Filter for devices"). A sign-in without a device has
//! none of the properties: what is compared positively is false then, what negatively is true.

use super::whereabouts::Device;

/// The longest rule.
pub(crate) const LONGEST: usize = 3_072;

/// The deepest brackets.
const DEEPEST: usize = 32;

/// A rule that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceRule(Expression);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Compare { property: String, operator: Operator, values: Vec<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operator {
    kind: Kind,
    is_negative: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Equals,
    StartsWith,
    EndsWith,
    Contains,
    In,
}

/// The properties that a rule may ask for, in lower case; and `extensionAttribute1` to `15`.
const PROPERTIES: [&str; 13] = [
    "deviceid",
    "deviceownership",
    "displayname",
    "iscompliant",
    "manufacturer",
    "mdmappid",
    "model",
    "operatingsystem",
    "operatingsystemversion",
    "physicalids",
    "profiletype",
    "systemlabels",
    "trusttype",
];

impl DeviceRule {
    /// Reads a rule; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: &tokens, depth: 0 };
        let expression = reader.disjunction()?;
        reader.tokens.is_empty().then_some(Self(expression))
    }

    /// Whether it holds for the device that a sign-in comes from, if it comes from one.
    pub(crate) fn holds(&self, device: Option<&Device>) -> bool {
        self.0.holds(device)
    }
}

impl Expression {
    fn holds(&self, device: Option<&Device>) -> bool {
        match self {
            Self::And(one, other) => one.holds(device) && other.holds(device),
            Self::Or(one, other) => one.holds(device) || other.holds(device),
            Self::Not(one) => !one.holds(device),
            Self::Compare { property, operator, values } => {
                let known = device.and_then(|device| device.property(property));
                known.is_some_and(|known| operator.kind.fits(known, values)) != operator.is_negative
            }
        }
    }
}

impl Kind {
    fn fits(self, known: &str, values: &[String]) -> bool {
        let known = known.to_lowercase();
        values.iter().map(|value| value.to_lowercase()).any(|value| match self {
            Self::Equals | Self::In => known == value,
            Self::StartsWith => known.starts_with(&value),
            Self::EndsWith => known.ends_with(&value),
            Self::Contains => known.contains(&value),
        })
    }
}

fn operator(text: &str) -> Option<Operator> {
    let (kind, is_negative) = match text.to_ascii_lowercase().as_str() {
        "eq" => (Kind::Equals, false),
        "ne" => (Kind::Equals, true),
        "startswith" => (Kind::StartsWith, false),
        "notstartswith" => (Kind::StartsWith, true),
        "endswith" => (Kind::EndsWith, false),
        "notendswith" => (Kind::EndsWith, true),
        "contains" => (Kind::Contains, false),
        "notcontains" => (Kind::Contains, true),
        "in" => (Kind::In, false),
        "notin" => (Kind::In, true),
        _ => return None,
    };
    Some(Operator { kind, is_negative })
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `(`, `)`, `[`, `]` or `,`.
    Mark(char),
    /// What follows a hyphen: an operator.
    Operator(String),
    Text(String),
    Word(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let word_end = |text: &str| {
            text.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_').unwrap_or(text.len())
        };
        rest = match first {
            '(' | ')' | '[' | ']' | ',' => {
                tokens.push(Token::Mark(first));
                &rest[1..]
            }
            '"' | '\'' => {
                let (inside, after) = rest[1..].split_once(first)?;
                tokens.push(Token::Text(inside.to_owned()));
                after
            }
            '-' => {
                let end = word_end(&rest[1..]) + 1;
                tokens.push(Token::Operator(rest[1..end].to_owned()));
                &rest[end..]
            }
            _ => {
                let end = word_end(rest);
                tokens.push(Token::Word(rest.get(..end).filter(|word| !word.is_empty())?.to_owned()));
                &rest[end..]
            }
        }
        .trim_start();
    }
    Some(tokens)
}

struct Reader<'t> {
    tokens: &'t [Token],
    depth: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<&'t Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let is_it =
            matches!(self.tokens.first(), Some(Token::Operator(name)) if name.eq_ignore_ascii_case(wanted));
        if is_it {
            self.tokens = &self.tokens[1..];
        }
        is_it
    }

    fn takes_mark(&mut self, wanted: char) -> bool {
        let is_it = self.tokens.first() == Some(&Token::Mark(wanted));
        if is_it {
            self.tokens = &self.tokens[1..];
        }
        is_it
    }

    fn disjunction(&mut self) -> Option<Expression> {
        let mut left = self.conjunction()?;
        while self.takes("or") {
            left = Expression::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Some(left)
    }

    fn conjunction(&mut self) -> Option<Expression> {
        let mut left = self.term()?;
        while self.takes("and") {
            left = Expression::And(Box::new(left), Box::new(self.term()?));
        }
        Some(left)
    }

    fn term(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let term = if self.takes("not") {
            Expression::Not(Box::new(self.term()?))
        } else if self.takes_mark('(') {
            let inside = self.disjunction()?;
            if !self.takes_mark(')') {
                return None;
            }
            inside
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Some(term)
    }

    fn comparison(&mut self) -> Option<Expression> {
        let Token::Word(name) = self.next()? else { return None };
        let name = name.to_ascii_lowercase();
        let property = name.strip_prefix("device.")?;
        let extension =
            property.strip_prefix("extensionattribute").and_then(|number| number.parse::<u8>().ok());
        if !PROPERTIES.contains(&property) && !extension.is_some_and(|number| (1..=15).contains(&number)) {
            return None;
        }
        let Token::Operator(name) = self.next()? else { return None };
        let operator = operator(name)?;
        let values = if operator.kind == Kind::In { self.list()? } else { vec![self.value()?] };
        Some(Expression::Compare { property: property.to_owned(), operator, values })
    }

    fn value(&mut self) -> Option<String> {
        match self.next()? {
            Token::Text(text) | Token::Word(text) => Some(text.clone()),
            Token::Mark(_) | Token::Operator(_) => None,
        }
    }

    fn list(&mut self) -> Option<Vec<String>> {
        if !self.takes_mark('[') {
            return None;
        }
        let mut values = vec![self.value()?];
        while self.takes_mark(',') {
            values.push(self.value()?);
        }
        self.takes_mark(']').then_some(values)
    }
}

/// What arbitrary bytes must not break: a rule holds or its negation does.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_device_rule(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (rule, negated) = (DeviceRule::parse(&text), DeviceRule::parse(&format!("-not ({text})")));
    if let (Some(rule), Some(negated)) = (rule, negated) {
        assert_ne!(rule.holds(None), negated.holds(None), "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rule: &str, device: Option<&str>) -> bool {
        let device = device.map(|text| Device::parse(text).unwrap());
        DeviceRule::parse(rule).unwrap_or_else(|| panic!("no rule: {rule}")).holds(device.as_ref())
    }

    #[test]
    fn a_rule_asks_for_properties_of_the_device() {
        const SURFACE: Option<&str> = Some(
            "deviceId=1&model=Surface+Pro+9&isCompliant=True&trustType=ServerAD&extensionAttribute1=SAW",
        );
        for (rule, expected) in [
            (r#"device.model -eq "surface pro 9""#, true),
            (r#"device.model -startsWith "Surface" -and device.isCompliant -eq True"#, true),
            (r#"device.model -startsWith "Think" -or device.extensionAttribute1 -eq "SAW""#, true),
            (
                r#"device.model -startsWith "Think" -and (device.isCompliant -eq True -or device.trustType -eq "Workplace")"#,
                false,
            ),
            (r#"-not (device.model -contains "pro")"#, false),
            (r#"device.model -notContains "pro""#, false),
            (r#"device.trustType -in ["AzureAD", "ServerAD"]"#, true),
            (r#"device.trustType -notIn ["AzureAD"]"#, true),
            (r#"device.manufacturer -eq "Microsoft""#, false),
            (r#"device.manufacturer -ne "Microsoft""#, true),
        ] {
            assert_eq!(holds(rule, SURFACE), expected, "{rule}");
        }
    }

    #[test]
    fn without_a_device_positive_comparisons_fail_and_negative_ones_hold() {
        for (rule, expected) in [
            (r#"device.isCompliant -eq True"#, false),
            (r#"device.isCompliant -ne True"#, true),
            (r#"device.trustType -in ["AzureAD"]"#, false),
            (r#"device.trustType -notIn ["AzureAD"]"#, true),
        ] {
            assert_eq!(holds(rule, None), expected, "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_told() {
        let deep = format!("{}device.model -eq \"x\"{}", "(".repeat(40), ")".repeat(40));
        for text in [
            "",
            "device.model",
            "device.model -eq",
            "device.model -like \"x\"",
            "user.department -eq \"x\"",
            "device.nonsense -eq \"x\"",
            "device.extensionAttribute16 -eq \"x\"",
            "device.model -eq \"x",
            "(device.model -eq \"x\"",
            "device.model -in \"x\"",
            "device.model -eq \"x\" device.model -eq \"x\"",
            deep.as_str(),
        ] {
            assert_eq!(DeviceRule::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_corpus_is_read_or_refused() {
        crate::corpus::replay("device_rule", withstand_device_rule);
    }
}
