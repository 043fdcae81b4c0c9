//! What a start makes of a store whose last writer stopped anywhere.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;

use bed::truth::is_clean;
use bed::{Bed, verify};

#[test]
fn a_store_in_which_nothing_was_ever_recorded_is_not_damaged() {
    let bed = Bed::new();
    is_clean(&verify(&*bed.reader()));
    let store = bed.store();
    store.acquire([9; 16]).unwrap();
    store.open_tail(None).unwrap();
    drop(store);
    is_clean(&verify(&*bed.reader()));
    bed.open().close("test").unwrap();
    is_clean(&verify(&*bed.reader()));
}
