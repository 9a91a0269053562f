//! Which file systems are not simply a disk of this machine.

use std::path::Path;

const OVERLAY: &str = "an overlay mount";

/// Magic numbers of statfs(2) and what their file systems are called.
const BLIND: [(u64, &str); 6] = [
    (0x6969, "an NFS mount"),
    (0xFE53_4D42, "an SMB mount"),
    (0xFF53_4D42, "a CIFS mount"),
    (0x6573_5546, "a FUSE mount"),
    (0x0102_1997, "a 9p mount"),
    (0x794C_7630, OVERLAY),
];

/// What kind of mount `path` is on, when others can change it without an event here. `None` where
/// the kernel sees every change, or where it does not say.
pub fn blind_mount(path: &Path) -> Option<&'static str> {
    let found = rustix::fs::statfs(path).ok()?;
    name_of(found.f_type.cast_unsigned())
}

/// What kind of mount `path` is on, when a database on it could be lost or doubled: locks and syncs
/// of a network file system do not hold. An overlay is as good as the disk below it.
pub fn remote_mount(path: &Path) -> Option<&'static str> {
    blind_mount(path).filter(|name| *name != OVERLAY)
}

fn name_of(magic: u64) -> Option<&'static str> {
    // Some systems give the number as a signed word of 32 bits, and it arrives extended.
    let magic = magic & 0xFFFF_FFFF;
    BLIND
        .iter()
        .find(|(known, _)| *known == magic)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_mount_is_known_by_its_magic() {
        assert_eq!(name_of(0x6969), Some("an NFS mount"));
        assert_eq!(name_of(0xFFFF_FFFF_FF53_4D42), Some("a CIFS mount"));
        assert_eq!(name_of(0xEF53), None, "ext4");
    }
}
