//! `[transfer]`, `[[participant]]` and `[[contract]]` of a workspace: which agents hand to which, what
//! holds between them, and the contracts they keep.

use std::{ops::Range, path::PathBuf, time::Duration};

use countersign_protocol::transfer::{Mesh, Mode, Participant};

use super::{
    Class, Entry,
    error::ConfigError,
    names::Id,
    origin::Setting,
    quantity::{Size, Span},
    section::Section,
    workspace::WorkspaceName,
};

/// Most reminders; with each the receiver gets twice as long as before.
const MOST_REMINDERS: u64 = 8;

/// A `[[participant]]` section.
#[derive(Clone, Debug)]
pub(super) struct Member {
    id: Setting<Id>,
    was: Option<Setting<Vec<Id>>>,
    in_scope: Option<Setting<String>>,
    out_of_scope: Option<Setting<String>>,
    start: Option<Setting<bool>>,
    hands_to: Option<Setting<Vec<Id>>>,
    tools: Option<Setting<Vec<String>>>,
    accepts: Option<Setting<Vec<Id>>>,
    user: Option<Setting<u64>>,
    max_bytes: Option<Setting<Size>>,
    needs: Option<Setting<Span>>,
    clearance: Option<Setting<Class>>,
    hears: Option<Setting<bool>>,
    webhook: Option<Setting<WorkspaceName>>,
}

/// A `[[contract]]` section.
#[derive(Clone, Debug)]
pub struct Contract {
    /// Its name.
    pub name: Setting<Id>,
    /// Its version, such as `1.0`.
    pub version: Setting<String>,
    /// The JSON Schema, relative to the workspace.
    pub schema: Setting<PathBuf>,
    /// What it is for, in words.
    pub purpose: Option<Setting<String>>,
    /// For documents that are no handoffs by themselves: who they are from, where no folder of an agent
    /// says it.
    pub from: Option<Setting<Id>>,
    /// The same: to whom they go.
    pub to: Option<Setting<Id>>,
    /// The same: the field that names the task.
    pub task: Option<Setting<String>>,
    /// The fields that the receiver reads; all when left out.
    pub reads: Option<Setting<Vec<String>>>,
    /// Bytes that a document of it needs at most.
    pub max_bytes: Option<Setting<Size>>,
    /// The checks that a handoff which keeps it is put through, by name.
    pub checks: Option<Setting<Vec<Id>>>,
    /// Stated confidence under which a person is asked, 0 to 1; else that of the workspace.
    pub confidence_floor: Option<Setting<f64>>,
    /// Stated confidence from which a rule may let it pass without a person, 0 to 1.
    pub progress_from: Option<Setting<f64>>,
    /// A result has to state its confidence, and under this one a person is asked, 0 to 1.
    pub result_confidence: Option<Setting<f64>>,
}

/// Everything that a workspace says about agents that hand to agents.
#[derive(Clone, Debug, Default)]
pub struct Transfers {
    members: Vec<Member>,
    /// The contracts that are kept here.
    pub contracts: Vec<Contract>,
    mode: Option<Setting<Mode>>,
    acknowledge_within: Option<Setting<Span>>,
    reminders: Option<Setting<u64>>,
    max_hops: Option<Setting<u64>>,
    share_context: Option<Setting<bool>>,
}

impl Member {
    fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let id = section.need::<Id>("id", span, "the name under which it hands over");
        let member = |id| Self {
            id,
            was: section.take("was"),
            in_scope: section.take("in_scope"),
            out_of_scope: section.take("out_of_scope"),
            start: section.take("start"),
            hands_to: section.take("hands_to"),
            tools: section.take("tools"),
            accepts: section.take("accepts"),
            user: section.take("user"),
            max_bytes: section.take("max_bytes"),
            needs: section.take("needs"),
            clearance: section.take("clearance"),
            hears: section.take("hears"),
            webhook: section.take("webhook"),
        };
        let member = id.map(member);
        section.finish(&[]);
        member
    }

    fn participant(&self) -> Participant {
        let ids = |setting: &Option<Setting<Vec<Id>>>| {
            let ids = setting.iter().flat_map(|setting| &setting.value);
            ids.map(ToString::to_string).collect()
        };
        let text = |setting: &Option<Setting<String>>| {
            setting.as_ref().map(|setting| setting.value.clone())
        };
        let flag = |setting: &Option<Setting<bool>>| setting.as_ref().map(|one| one.value);
        Participant {
            id: self.id.value.to_string(),
            was: ids(&self.was),
            in_scope: text(&self.in_scope),
            out_of_scope: text(&self.out_of_scope),
            start: flag(&self.start).unwrap_or_default(),
            hands_to: ids(&self.hands_to),
            tools: self
                .tools
                .as_ref()
                .map(|tools| tools.value.clone())
                .unwrap_or_default(),
            accepts: ids(&self.accepts),
            user: self
                .user
                .as_ref()
                .and_then(|user| u32::try_from(user.value).ok()),
            max_bytes: self.max_bytes.as_ref().map(|size| size.value.0),
            needs: self.needs.as_ref().map(|span| span.value.0),
            clearance: self
                .clearance
                .as_ref()
                .map(|class| class.value.name().to_owned()),
            hears: flag(&self.hears).unwrap_or(true),
            webhook: self
                .webhook
                .as_ref()
                .map(|webhook| webhook.value.to_string()),
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("participant.\"{}\".{name}", self.id.value);
        let mut entries = Vec::new();
        macro_rules! show {
            ($($name:ident),+) => {$(
                entries.extend(self.$name.iter().map(|one| Entry::new(key(stringify!($name)), one)));
            )+};
        }
        show!(
            was,
            in_scope,
            out_of_scope,
            start,
            hands_to,
            tools,
            accepts,
            user,
            max_bytes,
            needs,
            clearance,
            hears,
            webhook
        );
        entries
    }
}

impl Contract {
    fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let name = section.need::<Id>("name", span.clone(), "`name = \"peer-handoff\"`");
        let version = section.need::<String>("version", span.clone(), "`version = \"1.0\"`");
        let schema = section.need::<PathBuf>(
            "schema",
            span,
            "`schema = \"contracts/peer-handoff-1.0.json\"`, a JSON Schema in the workspace",
        );
        let contract = |(name, version, schema)| Self {
            name,
            version,
            schema,
            purpose: section.take("purpose"),
            from: section.take("from"),
            to: section.take("to"),
            task: section.take("task"),
            reads: section.take("reads"),
            max_bytes: section.take("max_bytes"),
            checks: section.take("checks"),
            confidence_floor: section.take("confidence_floor"),
            progress_from: section.take("progress_from"),
            result_confidence: section.take("result_confidence"),
        };
        let parts = name.zip(version).zip(schema);
        let contract = parts.map(|((name, version), schema)| contract((name, version, schema)));
        section.finish(&[]);
        contract
    }

    fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| {
            format!(
                "contract.\"{}@{}\".{name}",
                self.name.value, self.version.value
            )
        };
        let mut entries = vec![Entry::new(key("schema"), &self.schema)];
        entries.extend(self.from.iter().map(|one| Entry::new(key("from"), one)));
        entries.extend(self.to.iter().map(|one| Entry::new(key("to"), one)));
        entries.extend(self.task.iter().map(|one| Entry::new(key("task"), one)));
        entries.extend(self.reads.iter().map(|one| Entry::new(key("reads"), one)));
        entries.extend(
            self.max_bytes
                .iter()
                .map(|one| Entry::new(key("max_bytes"), one)),
        );
        entries.extend(self.checks.iter().map(|one| Entry::new(key("checks"), one)));
        for (name, setting) in [
            ("confidence_floor", &self.confidence_floor),
            ("progress_from", &self.progress_from),
            ("result_confidence", &self.result_confidence),
        ] {
            entries.extend(setting.iter().map(|one| Entry::new(key(name), one)));
        }
        entries
    }
}

impl Transfers {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let each = section.tables("participant").into_iter();
        let members: Vec<Member> = each
            .filter_map(|(span, section)| Member::read(span, &section))
            .collect();
        let each = section.tables("contract").into_iter();
        let contracts = each
            .filter_map(|(span, section)| Contract::read(span, &section))
            .collect();
        let transfer = section.table("transfer");
        let read = Self {
            mode: transfer.take("mode"),
            acknowledge_within: transfer.take("acknowledge_within"),
            reminders: transfer.take("reminders"),
            max_hops: transfer.take("max_hops"),
            share_context: transfer.take("share_context"),
            members,
            contracts,
        };
        transfer.finish(&[]);
        read.check(section);
        read
    }

    fn check(&self, section: &Section<'_>) {
        if let Some(reminders) = &self.reminders
            && reminders.value > MOST_REMINDERS
        {
            let error = ConfigError::new(format!(
                "`reminders` is {}, and {MOST_REMINDERS} are the most",
                reminders.value
            ));
            section.fail_at(
                &reminders.origin,
                error.hint("each one doubles the time that the receiver gets"),
            );
        }
        let Err(why) = self.mesh().check() else {
            return;
        };
        let about = self.members.iter().find(|one| {
            let id = format!("`{}`", one.id.value);
            why.to_string().starts_with(&id)
        });
        let first = about.or(self.members.first());
        if let Some(member) = first {
            let hint = "every name in `hands_to` is the `id` of a `[[participant]]`, and every name is used once";
            section.fail_at(
                &member.id.origin,
                ConfigError::new(why.to_string()).hint(hint),
            );
        }
    }

    /// These values where they are stated, else those of `weaker`. Participants and contracts are taken
    /// together, from one file only.
    pub(super) fn over(self, weaker: Self) -> Self {
        let is_stated = !self.members.is_empty() || !self.contracts.is_empty();
        let (members, contracts) = if is_stated {
            (self.members, self.contracts)
        } else {
            (weaker.members, weaker.contracts)
        };
        Self {
            members,
            contracts,
            mode: self.mode.or(weaker.mode),
            acknowledge_within: self.acknowledge_within.or(weaker.acknowledge_within),
            reminders: self.reminders.or(weaker.reminders),
            max_hops: self.max_hops.or(weaker.max_hops),
            share_context: self.share_context.or(weaker.share_context),
        }
    }

    /// What the program works with.
    pub fn mesh(&self) -> Mesh {
        let number = |setting: &Option<Setting<u64>>, default: u32| {
            setting
                .as_ref()
                .map_or(default, |one| u32::try_from(one.value).unwrap_or(u32::MAX))
        };
        Mesh {
            participants: self.members.iter().map(Member::participant).collect(),
            mode: self
                .mode
                .as_ref()
                .map_or(Mode::Autonomous, |mode| mode.value),
            acknowledge_within: self
                .acknowledge_within
                .as_ref()
                .map_or(Duration::from_mins(5), |span| span.value.0),
            reminders: number(&self.reminders, 0),
            max_hops: number(&self.max_hops, 8),
            share_context: self.share_context.as_ref().is_some_and(|one| one.value),
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        macro_rules! show {
            ($($name:ident),+) => {$(
                entries.extend(self.$name.iter().map(|one| {
                    Entry::new(concat!("transfer.", stringify!($name)), one)
                }));
            )+};
        }
        show!(mode, acknowledge_within, reminders, max_hops, share_context);
        entries.extend(self.members.iter().flat_map(Member::entries));
        entries.extend(self.contracts.iter().flat_map(Contract::entries));
        entries
    }
}
