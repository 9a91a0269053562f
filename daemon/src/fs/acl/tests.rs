//! Tests of `acl`.

use super::*;

#[test]
fn a_list_is_written_as_the_kernel_reads_it() {
    let acl = Acl {
        owner: 7,
        users: [(40_001, 3)].into(),
        group: 0,
        other: 0,
    };
    let bytes = acl.encoded();
    assert_eq!(bytes.len(), 4 + 5 * 8);
    assert_eq!(&bytes[..4], [2, 0, 0, 0]);
    assert_eq!(&bytes[4..12], [1, 0, 7, 0, 255, 255, 255, 255]);
    assert_eq!(&bytes[12..20], [2, 0, 3, 0, 0x41, 0x9C, 0, 0]);
}

#[test]
fn a_folder_keeps_a_list_until_it_is_taken_off() {
    let folder = tempfile::tempdir().unwrap();
    let dir = Dir::open(folder.path()).unwrap();
    let acl = Acl {
        owner: 7,
        users: [(40_001, 3), (40_002, 5)].into(),
        group: 5,
        other: 0,
    };
    if let Err(error) = dir.set_acl(AclKind::Access, &acl) {
        assert_eq!(
            error.source.raw_os_error(),
            Some(libc::EOPNOTSUPP),
            "{error}"
        );
        return;
    }
    assert_eq!(dir.acl_bytes(AclKind::Access).unwrap(), Some(acl.encoded()));
    assert_eq!(dir.acl_bytes(AclKind::Default).unwrap(), None);
    dir.set_acl(AclKind::Default, &acl).unwrap();
    dir.remove_acls().unwrap();
    for kind in AclKind::ALL {
        assert_eq!(dir.acl_bytes(kind).unwrap(), None, "{kind:?}");
    }
}

#[test]
fn grants_by_first_matching_entry() {
    let acl = Acl {
        owner: 7,
        users: [(40_001, 0), (40_002, 6)].into(),
        group: 5,
        other: 4,
    };
    let mut bytes = acl.encoded();
    let parsed = Permissions::parse(&bytes).unwrap();
    assert_eq!(
        parsed.granted(40_001, &[1], 2, 4),
        0,
        "its own entry, though others may read"
    );
    assert_eq!(parsed.granted(40_002, &[1], 2, 4), 6);
    assert_eq!(parsed.granted(40_003, &[2], 2, 4), 5, "the owning group");
    assert_eq!(parsed.granted(40_003, &[1], 2, 4), 4, "others");
    bytes.pop();
    assert_eq!(Permissions::parse(&bytes), None);
}
