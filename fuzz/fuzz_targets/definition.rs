//! The fuzzer's way into `lampboard_fuzz::definition`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| lampboard_fuzz::definition::run(data));
