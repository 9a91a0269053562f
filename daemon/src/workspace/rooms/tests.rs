//! Rooms are whose they should be, and open to whom they should.

use super::*;
use crate::{fs::Owner, testing::skip};

fn list(owner: u8, users: &[(u32, u8)]) -> Acl {
    Acl {
        owner,
        users: users.iter().copied().collect(),
        ..Acl::default()
    }
}

#[test]
fn a_box_opens_to_the_user_of_its_agent_and_rooms_lose_what_they_inherited() {
    let folder = tempfile::tempdir().unwrap();
    let root = Dir::open(folder.path()).unwrap();
    // Whoever set up the workspace let user 40002 write whatever is made in it.
    let inherited = list(7, &[(40_002, 7)]);
    if root.set_acl(AclKind::Default, &inherited).is_err() {
        skip("this file system keeps no access lists");
        return;
    }
    let account = Account {
        uid: 40_001,
        gid: 40_001,
    };
    root.make_folder(Path::new("hermes"), 0o755).unwrap();
    let failed = protect(&root, [("hermes", account)].into_iter());
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(opens(&root, "hermes"), Some(Opens::ByList));
    let own = root.folder(Path::new("inbox/hermes")).unwrap();
    let seen = own.attributes(Path::new("")).unwrap().unwrap();
    let kept: Owner = root.owner_of(Path::new("inbox/hermes"), &seen).unwrap();
    own.set_acl(AclKind::Access, &list(7, &[(40_001, 3)]))
        .unwrap();
    assert_eq!(own.acl_bytes(AclKind::Access).unwrap(), kept.acl);
    for room in [names::APPROVED, names::OWN_FOLDER, names::INBOX] {
        let room = root.folder(Path::new(room)).unwrap();
        assert_eq!(room.acl_bytes(AclKind::Access).unwrap(), None);
        assert_eq!(room.acl_bytes(AclKind::Default).unwrap(), None);
        // What is made in it begins without a list, too.
        let inner = room.make_folder(Path::new("inner"), 0o755).unwrap();
        assert_eq!(inner.acl_bytes(AclKind::Access).unwrap(), None);
    }
    let area = root.folder(Path::new("hermes")).unwrap();
    assert!(area.acl_bytes(AclKind::Default).unwrap().is_some());
}
