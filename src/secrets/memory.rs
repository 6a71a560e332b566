//! Keeps this process's memory out of core files and other programs' hands, as far as the system lets a process.

/// What was achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guarded {
    /// A crash leaves no core file, even where the limit of the shell would allow one.
    pub no_core: bool,
    /// Other programs of the same user can neither attach nor read our memory and environment (root still can).
    pub no_attach: bool,
}

/// Forbids core files and attaching. To be called first thing; what fails is told by the result and stops nothing.
pub fn guard() -> Guarded {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let no_core = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).is_ok();
    #[cfg(target_os = "linux")]
    let no_attach = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).is_ok();
    #[cfg(not(target_os = "linux"))]
    let no_attach = false;
    Guarded { no_core, no_attach }
}
