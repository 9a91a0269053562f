//! `[limits]`: what strangers may take, so that intake keeps its share of descriptors.

use super::{Entry, layer::Layers, origin::Setting, quantity::Size, section::Section};

/// `[limits]`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// HTTP connections open at once; fewer where the process may not open enough files.
    pub connections: Setting<u64>,
    /// HTTP connections open at once from one address that is neither this machine nor a proxy.
    pub connections_per_address: Setting<u64>,
    /// Most bytes of a request that brings a handoff with its files. Files in base64 take a third more than on the disk.
    pub delivery: Setting<Size>,
}

impl Limits {
    pub(super) fn read(section: &Section<'_>, layers: &Layers<'_>) -> Self {
        let connections = layers.pick(section.take("connections"), "COUNTERSIGN_CONNECTIONS", None);
        let per_address = layers.pick(
            section.take("connections_per_address"),
            "COUNTERSIGN_CONNECTIONS_PER_ADDRESS",
            None,
        );
        let delivery = layers.pick(section.take("delivery"), "COUNTERSIGN_DELIVERY", None);
        section.finish(&[]);
        Self {
            connections: connections.unwrap_or_else(|| Setting::default(256)),
            connections_per_address: per_address.unwrap_or_else(|| Setting::default(16)),
            delivery: delivery.unwrap_or_else(|| Setting::default(Size(16 << 20))),
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        vec![
            Entry::new("limits.connections", &self.connections),
            Entry::new(
                "limits.connections_per_address",
                &self.connections_per_address,
            ),
            Entry::new("limits.delivery", &self.delivery),
        ]
    }
}
