//! The fuzzer's way into `lampboard_fuzz::paste`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| lampboard_fuzz::paste::run(data));
