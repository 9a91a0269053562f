//! What people can be told of, in the groups in which they choose how.

use super::{Notice, Risk};

/// A group of kinds of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// It is their turn, at high risk.
    HighTurn,
    /// It is their turn.
    Turn,
    /// An answer is due soon.
    Due,
    /// The agent came back with what they asked for.
    Answered,
    /// Somebody else decided, or it was taken back or given to others.
    Decided,
    /// An agent stopped without handing over.
    Stopped,
    /// A workspace changes hands.
    Ownership,
    /// Something does not work.
    Trouble,
}

impl Topic {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 8] = [
        Self::HighTurn,
        Self::Turn,
        Self::Due,
        Self::Answered,
        Self::Decided,
        Self::Stopped,
        Self::Ownership,
        Self::Trouble,
    ];

    /// The name in facts and forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::HighTurn => "high-turn",
            Self::Turn => "turn",
            Self::Due => "due",
            Self::Answered => "answered",
            Self::Decided => "decided",
            Self::Stopped => "stopped",
            Self::Ownership => "ownership",
            Self::Trouble => "trouble",
        }
    }

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::HighTurn => "It is my turn, high risk",
            Self::Turn => "It is my turn, other",
            Self::Due => "My answer is due soon",
            Self::Answered => "The agent did what I asked for",
            Self::Decided => "Somebody else decided, or has it now",
            Self::Stopped => "An agent stopped without a handoff",
            Self::Ownership => "A workspace changes hands",
            Self::Trouble => "A delivery or a message failed",
        }
    }

    /// Whether it may wait for the collected messages.
    pub fn can_wait(self) -> bool {
        !matches!(self, Self::HighTurn | Self::Due | Self::Trouble)
    }

    /// Whether it waits for them when nobody chose otherwise.
    pub fn waits(self) -> bool {
        self == Self::Decided
    }

    /// The group of a notice; `None` for samples and collections.
    pub fn of(notice: &Notice) -> Option<Self> {
        Some(match notice.kind.as_str() {
            "turn" | "escalated" if notice.risk == Some(Risk::High) => Self::HighTurn,
            "turn" | "escalated" => Self::Turn,
            "due" => Self::Due,
            "answered" => Self::Answered,
            "decided" | "withdrawn" | "moved" => Self::Decided,
            "stopped" => Self::Stopped,
            "dead-letter" | "trouble" => Self::Trouble,
            kind if kind.starts_with("ownership-") => Self::Ownership,
            _ => return None,
        })
    }
}
