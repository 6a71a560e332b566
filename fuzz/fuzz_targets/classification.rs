//! The fuzzer's way into `lampboard_fuzz::classification`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| lampboard_fuzz::classification::run(data));
