//! The demo: real HTTP servers on loopback that answer with the definitions' own examples, and a throw-away home
//! whose configuration points at them. The ordinary engine does the rest.

pub mod home;
pub mod script;
pub mod server;

pub use home::DemoHome;
