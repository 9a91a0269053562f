//! Passwords: what is kept of them, and what a guess costs.

use super::*;

#[tokio::test]
async fn a_hash_is_argon2id_and_knows_its_password_alone() {
    let passwords = Passwords::little();
    let hash = passwords
        .hash("correct horse battery")
        .await
        .unwrap()
        .unwrap();
    assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
    assert!(
        passwords
            .verify("correct horse battery", Some(&hash))
            .await
            .unwrap()
    );
    assert!(
        !passwords
            .verify("correct horse batterz", Some(&hash))
            .await
            .unwrap()
    );
    let again = passwords
        .hash("correct horse battery")
        .await
        .unwrap()
        .unwrap();
    assert_ne!(hash, again, "the salt is another one");
}

#[tokio::test]
async fn without_an_account_it_is_checked_all_the_same_and_never_good() {
    let passwords = Passwords::little();
    assert!(passwords.nobody.starts_with("$argon2id$"));
    assert!(!passwords.verify("nobody has this one", None).await.unwrap());
    assert!(!passwords.verify("anything", Some("damaged")).await.unwrap());
}

#[tokio::test]
async fn the_usual_strength_is_what_is_recommended() {
    let hash = Passwords::default()
        .hash("correct horse battery")
        .await
        .unwrap();
    assert!(hash.unwrap().contains("$m=19456,t=2,p=1$"));
}

#[tokio::test]
async fn a_composed_letter_is_the_same_password() {
    let passwords = Passwords::little();
    let hash = passwords
        .hash("cafe\u{301} au lait noir")
        .await
        .unwrap()
        .unwrap();
    assert!(
        passwords
            .verify("caf\u{e9} au lait noir", Some(&hash))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn more_than_can_wait_are_sent_away_at_once() {
    let passwords = Passwords::little();
    let all: Vec<_> = (0..AT_A_TIME + IN_LINE)
        .map(|_| passwords.line.clone().try_acquire_owned().unwrap())
        .collect();
    assert_eq!(passwords.verify("anything", None).await, Err(Busy));
    drop(all);
    assert_eq!(passwords.verify("anything", None).await, Ok(false));
}

#[test]
fn a_password_is_long_and_not_the_name() {
    let fault = |password: &str| fault_of(password, "maya", "Maya Okafor");
    assert_eq!(fault("correct horse battery"), None);
    assert_eq!(
        fault("\u{1F600}\u{1F601}\u{1F602}\u{1F603}\u{1F604}\u{1F605}abcdef"),
        None
    );
    for bad in [
        "short",
        "aaaaaaaaaaaaaaa",
        "abababababababab",
        "ilovemaya123!",
        "xx Maya Okafor",
    ] {
        assert!(fault(bad).is_some(), "{bad}");
    }
    assert!(fault(&"ab cd ef gh ".repeat(200)).is_some());
}

#[test]
fn who_is_nobody_is_checked_with_the_effort_of_anybody() {
    for params in [Params::DEFAULT, Params::new(8, 1, 1, None).unwrap()] {
        let real = hash(&params, "correct horse battery").unwrap();
        let (real, nobody) = (real, nobody(&params));
        let read = |text| PasswordHash::new(text).unwrap();
        let (real, nobody) = (read(&real), read(&nobody));
        let effort = |of: &PasswordHash| Params::try_from(of).unwrap();
        assert_eq!(effort(&nobody), effort(&real));
        assert_eq!(
            (nobody.algorithm, nobody.version),
            (real.algorithm, real.version)
        );
        let lengths = |of: &PasswordHash| {
            let salt = of.salt.as_ref().map(|salt| salt.as_ref().len());
            (salt, of.hash.as_ref().map(|hash| hash.as_bytes().len()))
        };
        assert_eq!(lengths(&nobody), lengths(&real));
    }
}
