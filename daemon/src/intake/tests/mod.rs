//! What the intake promises, one stage at a time and without a clock that runs.

mod accept;
mod again;
mod heal;
mod inbox;
mod large;
mod lone;
mod partial;
mod refuse;
mod seal;
mod settle;
mod silence;
