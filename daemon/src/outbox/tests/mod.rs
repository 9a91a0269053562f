//! The outbox over a real HTTP receiver on loopback, with a clock that the test moves and no threads to wait for.

mod delivery;
mod limits;
mod looks;
mod ownership;
mod people;
mod reach;
mod receiver;
