//! The `$filter` language, as far as Graph's directory and Teams resources take it: comparisons,
//! `and`, `or`, `not`, `in`, `startswith`, `endswith`, `contains`, `collection/any(x:…)` and `collection/$count`
//! (Entra reference §3.1, §3.2, §5.1, §5.3). A filter is parsed once and judged on the JSON of
//! an object, so that one implementation serves every resource.

mod literal;
mod parse;

use serde_json::Value;

pub(crate) use literal::Literal;
pub(crate) use parse::FilterError;

/// A parsed `$filter`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    /// Both sides hold.
    And(Box<Filter>, Box<Filter>),
    /// One side holds.
    Or(Box<Filter>, Box<Filter>),
    /// The inside does not hold.
    Not(Box<Filter>),
    /// `path op literal`.
    Compare(Path, Op, Literal),
    /// `path/$count op number`: how many items a collection has.
    Count(Path, Op, u64),
    /// `path in ('a','b')`.
    In(Path, Vec<Literal>),
    /// `startswith(path,'x')` and its two siblings.
    Text(TextTest, Path, String),
    /// `path/any(x:…)`; `None` is `path/any()`: the collection is not empty.
    Any(Path, Option<Box<Filter>>),
}

/// The property that a test looks at: its segments below the object, or below the range variable
/// of the `any` around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<String>);

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// Equal.
    Eq,
    /// Not equal: an advanced query for directory objects.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

/// A test on text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextTest {
    /// `startswith`.
    Starts,
    /// `endswith`: an advanced query for directory objects.
    Ends,
    /// `contains`: an advanced query for directory objects.
    Contains,
}

impl Filter {
    /// Parses the value of `$filter`.
    pub(crate) fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text)
    }

    /// Does `object` match?
    pub(crate) fn matches(&self, object: &Value) -> bool {
        match self {
            Self::And(left, right) => left.matches(object) && right.matches(object),
            Self::Or(left, right) => left.matches(object) || right.matches(object),
            Self::Not(inner) => !inner.matches(object),
            Self::Compare(path, op, wanted) => wanted.holds(path.of(object), *op),
            Self::Count(path, op, wanted) => {
                let count = path.of(object).as_array().map_or(0, Vec::len);
                op.fits(u64::try_from(count).ok().map(|count| count.cmp(wanted)))
            }
            Self::In(path, wanted) => wanted.iter().any(|one| one.holds(path.of(object), Op::Eq)),
            Self::Text(test, path, wanted) => path.of(object).as_str().is_some_and(|found| {
                let (found, wanted) = (found.to_lowercase(), wanted.to_lowercase());
                match test {
                    TextTest::Starts => found.starts_with(&wanted),
                    TextTest::Ends => found.ends_with(&wanted),
                    TextTest::Contains => found.contains(&wanted),
                }
            }),
            Self::Any(path, inner) => path.of(object).as_array().is_some_and(|items| match inner {
                None => !items.is_empty(),
                Some(inner) => items.iter().any(|item| inner.matches(item)),
            }),
        }
    }

    /// Does the directory take this only as an *advanced query*, with `ConsistencyLevel: eventual`
    /// and `$count=true` (§3.1)?
    pub(crate) fn is_advanced(&self) -> bool {
        match self {
            Self::And(left, right) | Self::Or(left, right) => left.is_advanced() || right.is_advanced(),
            Self::Not(_) | Self::Count(..) | Self::Text(TextTest::Ends | TextTest::Contains, ..) => true,
            Self::Compare(_, op, _) => *op == Op::Ne,
            Self::In(..) | Self::Text(..) => false,
            Self::Any(_, inner) => inner.as_ref().is_none_or(|inner| inner.is_advanced()),
        }
    }

    /// The text that a property must equal, or a collection of texts hold, wherever the filter matches: an index of
    /// that property finds all that can. `None` if the filter leaves it open, or compares otherwise than by ASCII's
    /// cases, as instants and other letters are.
    pub(crate) fn demands(&self, property: &str) -> Option<&str> {
        let is_it = |path: &Path| matches!(&*path.0, [name] if name.eq_ignore_ascii_case(property));
        let text = match self {
            Self::And(left, right) => return left.demands(property).or_else(|| right.demands(property)),
            Self::Compare(path, Op::Eq, wanted) if is_it(path) => wanted.text()?,
            Self::Any(path, Some(inner)) if is_it(path) => match &**inner {
                Self::Compare(Path(item), Op::Eq, wanted) if item.is_empty() => wanted.text()?,
                _ => return None,
            },
            _ => return None,
        };
        (text.is_ascii() && text.parse::<jiff::Timestamp>().is_err()).then_some(text)
    }

    /// Every property that the filter names, outermost only.
    pub(crate) fn properties(&self) -> Vec<&Path> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                let mut all = left.properties();
                all.extend(right.properties());
                all
            }
            Self::Not(inner) => inner.properties(),
            Self::Compare(path, ..)
            | Self::Count(path, ..)
            | Self::In(path, _)
            | Self::Text(_, path, _)
            | Self::Any(path, _) => vec![path],
        }
    }
}

impl Path {
    /// The value below `object`; null where there is none. Property names compare as Graph
    /// compares them, without regard to case.
    pub(crate) fn of<'a>(&self, object: &'a Value) -> &'a Value {
        const NULL: &Value = &Value::Null;
        self.0.iter().fold(object, |value, segment| {
            value.as_object().map_or(NULL, |fields| {
                fields.get(segment).unwrap_or_else(|| {
                    fields
                        .iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case(segment))
                        .map_or(NULL, |(_, value)| value)
                })
            })
        })
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// What arbitrary bytes must not break: a filter and its negation never agree.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_filter(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(filter) = Filter::parse(&text) {
        let object = serde_json::json!({"a": "b", "tags": ["x", {"y": null}], "displayName": 1});
        let negated = Filter::Not(Box::new(filter.clone()));
        assert_ne!(filter.matches(&object), negated.matches(&object));
        let _ = (filter.is_advanced(), filter.properties());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn matches(filter: &str, object: &Value) -> bool {
        Filter::parse(filter).unwrap().matches(object)
    }

    #[test]
    fn the_filters_of_the_reference_are_understood() {
        let object = json!({
            "appId": "00000003-0000-0000-c000-000000000000",
            "displayName": "O'Brien's agent",
            "tags": ["attache:profile=x", "Other"],
            "proxyAddresses": ["smtp:X@y"],
            "assignedLicenses": [{"skuId": "3b555118-da6a-4418-894f-7df1e2096870"}],
            "accountEnabled": true,
            "lastModifiedDateTime": "2026-11-01T10:00:00.5Z",
            "jobTitle": null,
        });
        for yes in [
            "appId eq '00000003-0000-0000-c000-000000000000'",
            "appId eq 00000003-0000-0000-c000-000000000000",
            "displayName eq 'o''brien''s AGENT'",
            "startswith(displayName,'O''Br')",
            "tags/any(t:t eq 'attache:profile=x')",
            "tags/any(t:startswith(t,'attache:'))",
            "proxyAddresses/any(p:p eq 'smtp:x@y')",
            "assignedLicenses/any(l:l/skuId eq 3b555118-da6a-4418-894f-7df1e2096870)",
            "accountEnabled eq true and not (displayName eq 'x')",
            "accountEnabled and displayName ne 'x'",
            "displayName eq 'x' or (accountEnabled eq true)",
            "displayName in ('x', 'O''Brien''s agent')",
            "lastModifiedDateTime gt 2026-11-01T10:00:00.4Z and lastModifiedDateTime lt 2026-11-01T12:00:00+01:30",
            "jobTitle eq null",
            "tags/any()",
            "accountEnabled EQ true AND NOT (displayName Eq 'x')",
            "displayName eq 'x' OR tags/Any(t:t eq 'other')",
            "lastModifiedDateTime ge 2026-11-01 and lastModifiedDateTime lt 2026-11-02",
            "tags/$count eq 2 and missing/$count eq 0",
            "assignedLicenses/$count ne 0",
        ] {
            assert!(matches(yes, &object), "{yes}");
        }
        for no in [
            "tags/any(t:t eq 'attache')",
            "accountEnabled eq false",
            "jobTitle ne null",
            "lastModifiedDateTime gt 2026-11-01T10:00:00.5Z",
            "missing/any(x:x eq 'y')",
        ] {
            assert!(!matches(no, &object), "{no}");
        }
    }

    #[test]
    fn bad_filters_are_refused() {
        for bad in [
            "",
            "eq 'x'",
            "a eq",
            "a eq 'x",
            "a eq b",
            "a xx 'b'",
            "(a eq 'b'",
            "a eq 'b')",
            "any(x:x eq 'b')(",
            "f(a)",
            "a/b(",
            "startswith(a)",
            "a eq 'b' c",
            "a in ()",
            "a/$count eq 'b'",
            "$count eq 1",
            "a eq 2026-02-30",
            ";",
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
        assert!(Filter::parse(&"(".repeat(10_000)).is_err());
        assert!(Filter::parse(&"not ".repeat(10_000)).is_err());
    }

    #[test]
    fn advanced_queries_are_known() {
        for (filter, advanced) in [
            ("a eq 'b'", false),
            ("startswith(a,'b') and c in ('d')", false),
            ("tags/any(t:t eq 'x')", false),
            ("a ne 'b'", true),
            ("not (a eq 'b')", true),
            ("endswith(a,'b')", true),
            ("a/$count eq 0", true),
        ] {
            assert_eq!(Filter::parse(filter).unwrap().is_advanced(), advanced, "{filter}");
        }
    }

    #[test]
    fn what_is_demanded_is_known_where_nothing_else_can_match() {
        for (filter, property, demanded) in [
            ("appId eq 'One'", "appId", Some("One")),
            ("displayName eq 'x' and (appId eq 'One' and accountEnabled eq true)", "appid", Some("One")),
            ("tags/any(t:t eq 'x')", "tags", Some("x")),
            ("appId eq 'One' or displayName eq 'x'", "appId", None),
            ("not (appId eq 'One')", "appId", None),
            ("appId ne 'One'", "appId", None),
            ("tags/any(t:startswith(t,'x'))", "tags", None),
            ("assignedLicenses/any(l:l/skuId eq 'x')", "assignedLicenses", None),
            ("owner/appId eq 'One'", "appId", None),
            ("tags/any(t:t eq 'é')", "tags", None),
            ("tags/any(t:t eq '2026-11-01T10:00:00Z')", "tags", None),
        ] {
            assert_eq!(Filter::parse(filter).unwrap().demands(property), demanded, "{filter}");
        }
    }

    #[test]
    fn the_corpus_is_parsed_or_refused() {
        crate::corpus::replay("filter", withstand_filter);
    }

    /// An expression, how a client writes it, and what it means, said without the parser.
    #[derive(Debug, Clone)]
    enum Expression {
        Compare(&'static str, &'static str, String),
        Within(&'static str, Vec<String>),
        Begins(&'static str, String),
        AnyTag(String),
        Not(Box<Expression>),
        Both(Box<Expression>, Box<Expression>),
        Either(Box<Expression>, Box<Expression>),
    }

    impl Expression {
        /// With parentheses where they are needed and nowhere else; `tight` is how much binds tighter around it.
        fn text(&self, tight: u8) -> String {
            let quoted = |value: &str| format!("'{}'", value.replace('\'', "''"));
            let (binds, text) = match self {
                Self::Compare(name, operator, value) => (3, format!("{name} {operator} {}", quoted(value))),
                Self::Within(name, values) => {
                    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                    (3, format!("{name} in ({})", values.join(",")))
                }
                Self::Begins(name, value) => (3, format!("startswith({name},{})", quoted(value))),
                Self::AnyTag(value) => (3, format!("tags/any(t:t eq {})", quoted(value))),
                Self::Not(inner) => (2, format!("not {}", inner.text(4))),
                Self::Both(left, right) => (1, format!("{} and {}", left.text(1), right.text(2))),
                Self::Either(left, right) => (0, format!("{} or {}", left.text(0), right.text(1))),
            };
            if binds < tight { format!("({text})") } else { text }
        }

        fn holds(&self, object: &Value) -> bool {
            let found = |name: &str| object[name].as_str().unwrap_or_default().to_lowercase();
            match self {
                Self::Compare(name, operator, value) => {
                    let ordering = found(name).cmp(&value.to_lowercase());
                    match *operator {
                        "eq" => ordering.is_eq(),
                        "ne" => ordering.is_ne(),
                        "lt" => ordering.is_lt(),
                        "le" => ordering.is_le(),
                        "gt" => ordering.is_gt(),
                        _ => ordering.is_ge(),
                    }
                }
                Self::Within(name, values) => values.iter().any(|value| value.to_lowercase() == found(name)),
                Self::Begins(name, value) => found(name).starts_with(&value.to_lowercase()),
                Self::AnyTag(value) => object["tags"].as_array().is_some_and(|tags| {
                    tags.iter().any(|tag| tag.as_str().map(str::to_lowercase) == Some(value.to_lowercase()))
                }),
                Self::Not(inner) => !inner.holds(object),
                Self::Both(left, right) => left.holds(object) && right.holds(object),
                Self::Either(left, right) => left.holds(object) || right.holds(object),
            }
        }
    }

    fn expression() -> impl Strategy<Value = Expression> {
        let (name, value) = (|| prop_oneof![Just("a"), Just("b")], || "[xyXY' ]{0,2}");
        let operator = prop_oneof![Just("eq"), Just("ne"), Just("lt"), Just("le"), Just("gt"), Just("ge")];
        let leaf = prop_oneof![
            (name(), operator, value())
                .prop_map(|(name, operator, value)| Expression::Compare(name, operator, value)),
            (name(), prop::collection::vec(value(), 1..4))
                .prop_map(|(name, values)| Expression::Within(name, values)),
            (name(), value()).prop_map(|(name, value)| Expression::Begins(name, value)),
            value().prop_map(Expression::AnyTag),
        ];
        leaf.prop_recursive(4, 24, 2, |inner| {
            let pair = (inner.clone(), inner.clone());
            prop_oneof![
                inner.prop_map(|one| Expression::Not(Box::new(one))),
                pair.clone().prop_map(|(left, right)| Expression::Both(Box::new(left), Box::new(right))),
                pair.prop_map(|(left, right)| Expression::Either(Box::new(left), Box::new(right))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn a_filter_means_what_it_says(
            expression in expression(), a in "[xyXY' ]{0,2}", b in "[xyXY' ]{0,2}",
            tags in prop::collection::vec("[xyXY' ]{0,2}", 0..3),
        ) {
            let (object, text) = (json!({ "a": a, "b": b, "tags": tags }), expression.text(0));
            let filter = Filter::parse(&text);
            prop_assert!(filter.is_ok(), "{}: {:?}", text, filter);
            let filter = filter.unwrap();
            prop_assert_eq!(filter.matches(&object), expression.holds(&object), "{} of {}", text, object);
            if filter.matches(&object) {
                let is_a = |demanded: &str| demanded.eq_ignore_ascii_case(&a);
                prop_assert!(filter.demands("a").is_none_or(is_a), "{} of {}", text, object);
                let is_tag = |demanded: &str| tags.iter().any(|tag| demanded.eq_ignore_ascii_case(tag));
                prop_assert!(filter.demands("tags").is_none_or(is_tag), "{} of {}", text, object);
            }
        }

        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            withstand_filter(&bytes);
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "(a|tags| eq | and |not |any|in|[a-z():,/']|'[^']{0,4}'|\\PC){0,20}") {
            withstand_filter(text.as_bytes());
        }

        #[test]
        fn a_quoted_value_is_found_again(value in "\\PC{0,40}") {
            let filter = format!("name eq '{}'", value.replace('\'', "''"));
            let object = json!({ "name": value });
            prop_assert!(matches(&filter, &object));
        }
    }
}
