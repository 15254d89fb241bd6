//! Words as Exchange's index knows them: letters and digits, whatever stands between.

/// Words that follow one another; the last one may be a beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase(Vec<String>);

impl Phrase {
    /// The phrase of a value; none of mere punctuation. An asterisk alone stands for any text.
    pub(super) fn of(value: &str) -> Option<Self> {
        let words = words(value);
        (!words.is_empty() || value.contains('*')).then_some(Self(words))
    }

    /// Whether a text holds it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let text = words(text);
        let Some((last, before)) = self.0.split_last() else { return !text.is_empty() };
        text.windows(self.0.len()).any(|window| {
            window.starts_with(before) && window.last().is_some_and(|word| word.starts_with(last.as_str()))
        })
    }
}

fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_parts_words_and_is_none() {
        let holds = |wanted: &str, text: &str| Phrase::of(wanted).is_some_and(|phrase| phrase.is_in(text));
        for wanted in ["'O365'", "o365,", "O365-mail", "(O365", "o36*", "mail from", "*"] {
            assert!(holds(wanted, "Re: [O365] mail, from us"), "{wanted}");
        }
        for wanted in ["O365 from", "65", "o3 mail", "--"] {
            assert!(!holds(wanted, "Re: [O365] mail, from us"), "{wanted}");
        }
        assert!(holds("ada@contoso.example", "Ada <ada@contoso.example>"));
        assert!(!holds("ada@contoso.example", "ada@example.contoso"));
        assert!(!holds("*", " - "));
    }
}
