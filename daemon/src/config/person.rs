//! `[[person]]`: somebody who can be asked.

use std::ops::Range;

use super::{
    Entry,
    error::ConfigError,
    hours::{Digest, Hours, Moment, Zone},
    names::{Channel, Email, Id, Target},
    origin::Setting,
    section::Section,
};

/// A `[[person]]` section.
#[derive(Clone, Debug)]
pub struct Person {
    /// Unique among people.
    pub id: Setting<Id>,
    /// The name that others see; else the id.
    pub name: Setting<String>,
    /// Where e-mail goes.
    pub email: Option<Setting<Email>>,
    /// Where they are, for their hours and the times that they read; `UTC` when nothing is said.
    pub time_zone: Setting<Zone>,
    /// When nothing but high risk may disturb.
    pub quiet_hours: Setting<Vec<Hours>>,
    /// When collected messages are sent; in the morning when nothing is said.
    pub digest: Setting<Digest>,
    /// Ways to reach them, the best first; else e-mail when there is an address.
    pub channels: Setting<Vec<Channel>>,
    /// The user of the operating system that they have on this machine: a name or a number. Files of a workspace that
    /// they take over become that user's.
    pub user: Option<Setting<String>>,
    /// Words that rules may use, without meaning of their own.
    pub roles: Setting<Vec<Id>>,
    /// Absences.
    pub away: Vec<Away>,
}

/// A `[[person.away]]` section: out of office.
#[derive(Clone, Debug)]
pub struct Away {
    /// From then, in the time zone of the person.
    pub from: Setting<Moment>,
    /// Until then, not included; a day alone is its end.
    pub until: Setting<Moment>,
    /// Who stands in.
    pub delegate: Option<Setting<Target>>,
}

impl Person {
    pub(super) fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let id = section.need::<Id>("id", span, "a name for rules, such as `maya`");
        let name = section.take("name");
        let email = section.take::<Email>("email");
        let time_zone = section.take("time_zone");
        let quiet_hours = section.take("quiet_hours");
        let digest = section.take("digest");
        let channels = section.take("channels");
        let user = section.take("user");
        let roles = section.take("roles");
        let away = section
            .tables("away")
            .into_iter()
            .filter_map(|(span, section)| Away::read(span, &section))
            .collect();
        section.finish(&[]);
        let id = id?;
        let by_mail = || Channel {
            name: "email".to_owned(),
            address: None,
        };
        Some(Self {
            name: name.unwrap_or_else(|| Setting::default(id.value.to_string())),
            time_zone: time_zone.unwrap_or_else(|| Setting::default(Zone::UTC)),
            quiet_hours: quiet_hours.unwrap_or_else(|| Setting::default(Vec::new())),
            digest: digest.unwrap_or_else(|| Setting::default(Digest::USUAL)),
            channels: channels
                .unwrap_or_else(|| Setting::default(email.iter().map(|_| by_mail()).collect())),
            roles: roles.unwrap_or_else(|| Setting::default(Vec::new())),
            id,
            email,
            user,
            away,
        })
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let key = |name: &str| format!("person.\"{}\".{name}", self.id.value);
        let mut entries = vec![
            Entry::new(key("name"), &self.name),
            Entry::new(key("time_zone"), &self.time_zone),
            Entry::new(key("quiet_hours"), &self.quiet_hours),
            Entry::new(key("digest"), &self.digest),
            Entry::new(key("channels"), &self.channels),
            Entry::new(key("roles"), &self.roles),
        ];
        entries.extend(
            self.email
                .iter()
                .map(|email| Entry::new(key("email"), email)),
        );
        entries.extend(self.user.iter().map(|user| Entry::new(key("user"), user)));
        for (away, at) in self.away.iter().zip(1..) {
            let key = |name: &str| key(&format!("away.{at}.{name}"));
            entries.push(Entry::new(key("from"), &away.from));
            entries.push(Entry::new(key("until"), &away.until));
            let delegate = away.delegate.iter();
            entries.extend(delegate.map(|delegate| Entry::new(key("delegate"), delegate)));
        }
        entries
    }
}

impl Away {
    fn read(span: Range<usize>, section: &Section<'_>) -> Option<Self> {
        let hint = "a day such as `2026-12-20`";
        let from = section.need::<Moment>("from", span.clone(), hint);
        let until = section.need::<Moment>("until", span.clone(), hint);
        let delegate = section.take::<Target>("delegate");
        section.finish(&[]);
        let (from, mut until) = (from?, until?);
        if until.value < from.value {
            section.fail(
                span,
                ConfigError::new("an absence ends before it begins")
                    .hint("swap `from` and `until`"),
            );
            return None;
        }
        // "Until the 3rd" is meant to include the 3rd.
        if until.value.0.time() == jiff::civil::Time::midnight()
            && let Ok(end) = until.value.0.checked_add(jiff::Span::new().days(1))
        {
            until.value = Moment(end);
        }
        Some(Self {
            from,
            until,
            delegate,
        })
    }
}
