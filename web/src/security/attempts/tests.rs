//! Tests of `attempts`.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn after_a_burst_an_address_waits_and_then_may_again() {
    let attempts = Attempts::new(Pace::ADDRESS);
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    for _ in 0..Pace::ADDRESS.burst - 1 {
        attempts.failed(address, at(100));
        assert_eq!(attempts.must_wait(&address, at(100)), None);
    }
    attempts.failed(address, at(100));
    assert_eq!(attempts.must_wait(&address, at(100)), Some(6));
    assert_eq!(attempts.must_wait(&address, at(106)), None);
    assert_eq!(
        attempts.must_wait(&"192.0.2.2".parse().unwrap(), at(100)),
        None
    );
}

#[test]
fn guessing_for_ever_costs_no_more_than_a_burst_and_no_memory() {
    let attempts = Attempts::new(Pace::ADDRESS);
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    for _ in 0..10_000 {
        attempts.failed(address, at(100));
    }
    assert!(attempts.must_wait(&address, at(100)).unwrap() <= 12);
    for number in 0..10_000_u32 {
        attempts.failed(IpAddr::from(number.to_be_bytes()), at(200));
    }
    assert_eq!(attempts.lock().len(), Pace::ADDRESS.slots);
}

#[test]
fn programs_of_this_machine_do_not_lock_out_each_other() {
    let attempts = Attempts::new(Pace::ADDRESS);
    for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        let address = address.parse().unwrap();
        for _ in 0..100 {
            attempts.failed_from(address, at(100));
        }
        assert_eq!(attempts.must_wait(&address, at(100)), None);
    }
}

#[test]
fn who_knows_the_password_in_the_end_need_not_wait_the_next_time() {
    let attempts = Attempts::new(Pace::ACCOUNT);
    let maya = "maya".to_owned();
    for _ in 0..Pace::ACCOUNT.burst {
        attempts.failed(maya.clone(), at(100));
    }
    assert_eq!(attempts.must_wait(&maya, at(100)), Some(90));
    assert_eq!(attempts.must_wait(&maya, at(190)), None);
    attempts.succeeded(&maya);
    attempts.failed(maya.clone(), at(190));
    assert_eq!(attempts.must_wait(&maya, at(190)), None);
}
