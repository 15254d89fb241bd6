//! What people write on one line and others read beside other text: names and labels.

/// Whether a text is a line that people can read, at most so many characters long. What turns the text around it about
/// (Unicode's directional overrides and isolates, UTS #39) has no place in it: pages, mails and directories show it.
pub(crate) fn is_line(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= longest && !text.chars().any(is_no_text)
}

fn is_no_text(char: char) -> bool {
    char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_text_and_nothing_that_rules_over_text() {
        for line in ["a", " Grace Hopper ", "ידידיה", "محمد", "e\u{301}", "a\u{200d}b"] {
            assert!(is_line(line, 20), "{line:?}");
        }
        for other in ["", "  ", "a\nb", "a\u{7f}", "\u{202e}evil", "a\u{2066}b", "twenty-one characters"] {
            assert!(!is_line(other, 20), "{other:?}");
        }
    }
}
