//! The fuzzer's way into `lampboard_fuzz::vault`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| lampboard_fuzz::vault::run(data));
