//! After every commit comes silence, and in it a mark and the register.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::single_range_in_vec_init,
    reason = "a test stops at the first surprise, and damages files itself"
)]

mod bed;

use bed::hooked::Hooked;
use bed::{Hands, append, caller, create, memory, open, settings, verify};
use std::sync::Arc;

#[test]
fn a_record_committed_while_a_mark_is_registered_gets_its_own_mark() {
    let (disk, clock) = (memory(), Hands::at(1_790_000_000));
    let hooked = Hooked::new(Arc::new(disk.open()));
    let ledger = open(hooked.clone(), &clock, 1, settings()).unwrap();
    let log = create(&ledger, "payments", 1);
    let mut caller = caller(&ledger, &log, 5);
    for number in 0..20 {
        append(&ledger, &log, &mut caller, number..number + 1);
        // Returns while the keeper is still about to say that it has registered the mark.
        hooked.wait_quiet();
        let report = verify(&disk.open());
        assert_eq!(report.verdict.integrity.to_string(), "ok");
    }
    ledger.close("test").unwrap();
}
