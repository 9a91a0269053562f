//! Users of the operating system, as `/etc/passwd` lists them (passwd(5)).

/// A user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
}

impl Account {
    /// The user of that name or number. A number needs no entry; its group then has the same number.
    pub fn find(user: &str) -> Option<Self> {
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self::find_in(&accounts, user)
    }

    fn find_in(accounts: &str, user: &str) -> Option<Self> {
        let listed = accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let mut numbers = fields.skip(1);
            let (uid, gid) = (numbers.next()?, numbers.next()?);
            let is_it = name == user || uid == user;
            let account = Self {
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
            };
            is_it.then_some(account)
        });
        listed.or_else(|| {
            let uid = user.parse().ok()?;
            Some(Self { uid, gid: uid })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_by_number() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nhermes:x:40001:40002::/:/bin/false\n";
        let hermes = Account {
            uid: 40_001,
            gid: 40_002,
        };
        assert_eq!(Account::find_in(accounts, "hermes"), Some(hermes));
        assert_eq!(Account::find_in(accounts, "40001"), Some(hermes));
        let unlisted = Account { uid: 7, gid: 7 };
        assert_eq!(Account::find_in(accounts, "7"), Some(unlisted));
        assert_eq!(Account::find_in(accounts, "nobody-here"), None);
    }
}
