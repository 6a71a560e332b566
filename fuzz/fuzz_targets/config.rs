//! The fuzzer's way into `lampboard_fuzz::config`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| lampboard_fuzz::config::run(data));
