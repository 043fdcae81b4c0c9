//! Who waits for whom.

use super::*;
use std::sync::mpsc::channel;

#[test]
fn whoever_comes_again_and_again_waits_for_all_who_go_first() {
    let turns = Turns::default();
    turns.let_pass();
    turns.begin();
    turns.begin();
    let order = Mutex::new(Vec::new());
    let (here, comes) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            here.send(()).unwrap();
            turns.let_pass();
            order.lock().unwrap().push("passed");
        });
        comes.recv().unwrap();
        for ended in ["the first ended", "the second ended"] {
            // Time enough to pass for who does not wait.
            (0..2_000).for_each(|_| std::thread::yield_now());
            order.lock().unwrap().push(ended);
            turns.end();
        }
    });
    let order = order.into_inner().unwrap();
    assert_eq!(order, ["the first ended", "the second ended", "passed"]);
    assert!(turns.is_free());
    turns.let_pass();
}
