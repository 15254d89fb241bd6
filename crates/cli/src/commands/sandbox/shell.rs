//! How shells and other readers of environments write variables.

use std::fmt::Write;

use clap::ValueEnum;

use super::variables::Variables;

/// For whom variables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// sh, bash, zsh and their like: eval "$(attache sandbox env)"
    Sh,
    /// attache sandbox env | source
    Fish,
    /// attache sandbox env | Out-String | Invoke-Expression
    #[value(alias = "pwsh")]
    Powershell,
    /// Lines for a file of variables, as Docker's --env-file reads them
    Dotenv,
    /// Lines for the file that $GITHUB_ENV names
    Github,
}

impl Shell {
    /// The shell of the person who asks, as far as it can be known.
    pub(super) fn of_the_person() -> Self {
        let shell = std::env::var("SHELL").unwrap_or_default();
        match shell.rsplit('/').next() {
            Some("fish") => Self::Fish,
            Some("pwsh") => Self::Powershell,
            _ if cfg!(windows) && shell.is_empty() => Self::Powershell,
            _ => Self::Sh,
        }
    }

    /// The variables, to be evaluated or stored.
    pub(super) fn write(self, variables: &Variables) -> String {
        let mut written = String::new();
        for (name, value) in &variables.set {
            let line = match self {
                Self::Sh => format!("export {name}='{}'", value.replace('\'', r"'\''")),
                Self::Fish => {
                    format!("set -gx {name} '{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
                }
                Self::Powershell => format!("$env:{name} = '{}'", value.replace('\'', "''")),
                Self::Dotenv | Self::Github => format!("{name}={value}"),
            };
            let _ = writeln!(written, "{line}");
        }
        for name in variables.unset {
            let _ = match self {
                Self::Sh => writeln!(written, "unset {name}"),
                Self::Fish => writeln!(written, "set -e {name}"),
                Self::Powershell => {
                    writeln!(written, "Remove-Item Env:{name} -ErrorAction SilentlyContinue")
                }
                // An empty value is as good as none to the Azure SDKs, and these cannot say more.
                Self::Dotenv | Self::Github => writeln!(written, "{name}="),
            };
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_each_shells_quoting() {
        let variables = Variables { set: vec![("A", r"it's \ $HOME".to_owned())], unset: &["B"] };
        assert_eq!(Shell::Sh.write(&variables), "export A='it'\\''s \\ $HOME'\nunset B\n");
        assert_eq!(Shell::Fish.write(&variables), "set -gx A 'it\\'s \\\\ $HOME'\nset -e B\n");
        assert!(Shell::Powershell.write(&variables).starts_with("$env:A = 'it''s \\ $HOME'\n"));
        assert_eq!(Shell::Github.write(&variables), "A=it's \\ $HOME\nB=\n");
    }
}
