//! What is due when. Pure: time is the span since the start, chance comes from a seed.

use std::time::Duration;

use super::Settings;

/// The periodic work of one root.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub(crate) inbox: Duration,
    pub(crate) tree: Duration,
    pub(crate) probe: Duration,
    /// The present pause between full scans.
    tree_period: Duration,
    chance: Chance,
}

/// What a full scan says about how soon the next should come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Events are shown to arrive and the scan found nothing that they had not reported.
    Proven,
    /// Events may arrive; it is not shown.
    Unproven,
    /// Events are not relied upon. Carries the number of folders, which sets the pause.
    None(usize),
}

impl Schedule {
    pub(crate) fn new(settings: &Settings, seed: u64, now: Duration) -> Self {
        let mut chance = Chance(seed);
        Self {
            inbox: now + chance.around(settings.inbox_period, 20),
            tree: now + chance.around(settings.tree_period, 25),
            probe: now + chance.around(settings.probe_period, 10),
            tree_period: settings.tree_period,
            chance,
        }
    }

    pub(crate) fn after_inbox(&mut self, settings: &Settings, now: Duration) {
        self.inbox = now + self.chance.around(settings.inbox_period, 20);
    }

    pub(crate) fn after_probe(&mut self, settings: &Settings, now: Duration) {
        self.probe = now + self.chance.around(settings.probe_period, 10);
    }

    pub(crate) fn after_tree(&mut self, settings: &Settings, now: Duration, trust: Trust) {
        self.tree_period = match trust {
            Trust::Proven => (self.tree_period * 2).min(settings.tree_longest),
            Trust::Unproven => settings.tree_period,
            Trust::None(folders) => {
                let by_size = Duration::from_secs(u64::try_from(folders / 800).unwrap_or(u64::MAX));
                (settings.inbox_period.saturating_add(by_size)).min(settings.tree_period / 2)
            }
        };
        self.tree = now + self.chance.around(self.tree_period, 25);
    }
}

/// A small generator of numbers that look random (`SplitMix64`), so that many roots do not scan at once.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    /// `span`, more or less by up to `percent`.
    fn around(&mut self, span: Duration, percent: u32) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^= word >> 31;
        let width = u64::from(percent) * 20;
        let permille = u32::try_from(word % (width + 1)).unwrap_or(0);
        span * (1000 - percent * 10 + permille) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_stays_within_its_share_and_uses_it() {
        let mut chance = Chance(7);
        let spans: Vec<Duration> = (0..1000)
            .map(|_| chance.around(Duration::from_mins(1), 25))
            .collect();
        let least = spans.iter().min().expect("spans");
        let most = spans.iter().max().expect("spans");
        assert!((45..48).contains(&least.as_secs()), "{least:?}");
        assert!((72..=75).contains(&most.as_secs()), "{most:?}");
    }

    #[test]
    fn full_scans_become_rare_only_while_events_are_proven() {
        let settings = Settings::default();
        let mut schedule = Schedule::new(&settings, 1, Duration::ZERO);
        let mut pause = |trust| {
            schedule.after_tree(&settings, Duration::ZERO, trust);
            schedule.tree_period.as_secs()
        };
        assert_eq!(pause(Trust::Proven), 120);
        assert_eq!(pause(Trust::Proven), 240);
        assert_eq!(pause(Trust::Proven), 480);
        assert_eq!(pause(Trust::Proven), 600);
        assert_eq!(pause(Trust::Unproven), 60);
        assert_eq!(pause(Trust::None(10)), 5);
        assert_eq!(pause(Trust::None(8_000)), 15);
        assert_eq!(pause(Trust::None(1_000_000)), 30);
    }
}
