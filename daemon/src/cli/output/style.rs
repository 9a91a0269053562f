//! The few colours.

use clap::builder::styling::{AnsiColor, Style as Ansi};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Error,
    Warning,
    Hint,
    Good,
    Strong,
    Faint,
}

impl Style {
    pub(crate) fn paint(self, text: &str, coloured: bool) -> String {
        if !coloured {
            return text.to_owned();
        }
        let style = match self {
            Self::Error => Ansi::new().bold().fg_color(Some(AnsiColor::Red.into())),
            Self::Warning => Ansi::new().bold().fg_color(Some(AnsiColor::Yellow.into())),
            Self::Hint => Ansi::new().bold().fg_color(Some(AnsiColor::Cyan.into())),
            Self::Good => Ansi::new().bold().fg_color(Some(AnsiColor::Green.into())),
            Self::Strong => Ansi::new().bold(),
            Self::Faint => Ansi::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }
}
