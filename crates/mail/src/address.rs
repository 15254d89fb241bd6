//! Whom mail is from and to: an address as RFC 5322 writes it without quoting, and a name to show beside it.

use std::fmt;
use std::str::FromStr;

use crate::Unfit;

/// RFC 5321 §4.5.3.1.3: a path is at most 256 octets, its brackets included.
const LONGEST: usize = 254;

/// An address, perhaps with the name of whom it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    address: String,
    name: Option<String>,
}

impl Address {
    /// The same address under this name, as people see it.
    pub fn named(self, name: &str) -> Result<Self, Unfit> {
        crate::draft::line("a name", name)?;
        Ok(Self { name: (!name.trim().is_empty()).then(|| name.trim().to_owned()), ..self })
    }

    /// `assistant@contoso.example`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The name to show.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What stands after the `@`.
    pub(crate) fn domain(&self) -> &str {
        self.address.rsplit('@').next().unwrap_or_default()
    }
}

impl FromStr for Address {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        // RFC 5322 §3.2.3 "atext", and the dot.
        let local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let dots = |part: &str| part.split('.').all(|piece| !piece.is_empty());
        let label = |label: &str| {
            label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let fits = text.len() <= LONGEST
            && text.split_once('@').is_some_and(|(name, domain)| {
                name.chars().all(local) && dots(name) && dots(domain) && domain.split('.').all(label)
            });
        if fits {
            Ok(Self { address: text.to_owned(), name: None })
        } else {
            Err(Unfit::Address { shown: text.chars().take(60).collect() })
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_as_people_have_them_are_taken() {
        for text in ["ada@contoso.example", "assistant+cfo@a.contoso.example", "o'neil.j@x-y.example", "a@b"]
        {
            assert_eq!(text.parse::<Address>().unwrap().address(), text);
        }
    }

    #[test]
    fn what_would_be_another_header_or_another_recipient_is_not() {
        let long = format!("{}@contoso.example", "a".repeat(300));
        for text in [
            "",
            "ada",
            "@x",
            "ada@",
            "a@b@c",
            "a b@c",
            "a@b, c@d",
            "<a@b>",
            "a@b\r\nBcc: c@d",
            "a..b@c",
            &long,
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        let ada: Address = "ada@contoso.example".parse().unwrap();
        assert!(ada.clone().named("Ada\r\nBcc: c@d").is_err());
        assert_eq!(ada.named("Ada Lovelace").unwrap().to_string(), "Ada Lovelace <ada@contoso.example>");
    }

    proptest! {
        #[test]
        fn an_address_has_no_place_for_anything_else(text in "\\PC{0,40}|[a-z.@+ \r\n<>,]{0,40}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert!(!address.address().contains([' ', '\r', '\n', '<', '>', ',', ';', '"', '(']));
                prop_assert!(!address.domain().is_empty());
            }
        }
    }
}
