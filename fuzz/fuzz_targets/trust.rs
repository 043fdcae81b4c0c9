//! Policies, trust files and memories: none stops a reader, a memory has one form, and no quorum is met by nobody.

#![no_main]

use indelible_proof::memory::Memory;
use indelible_proof::policy::Policy;
use indelible_proof::trust::Trust;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(memory) = Memory::parse(input) {
        assert_eq!(memory.encode(), input);
    }
    if let Ok(trust) = Trust::parse(input) {
        assert_eq!(trust.pin.key().name(), trust.pin.origin());
    }
    let Ok(policy) = Policy::parse(input) else {
        return;
    };
    assert!(policy.is_met(|_| true), "all there are meet every quorum");
    assert_eq!(policy.is_met(|_| false), !policy.asks_for_witnesses());
});
