//! Messages of the real program: to mail servers and receivers of webhooks that behave badly, over kill -9, on a
//! clock that the test sets; and the links in them.

mod dead_letters;
mod held;
mod links;
mod mail;
mod offers;
mod rebinding;
mod scene;
mod storm;
mod trial;
mod webhooks;
mod zones;
