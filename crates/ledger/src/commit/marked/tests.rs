//! Logs met once and again.

use super::*;

#[test]
fn a_log_is_new_once_in_each_round_whatever_came_before_it() {
    let mut seen = Seen::default();
    for _ in 0..3 {
        seen.begin();
        for index in [4, 0, 9] {
            assert!(seen.is_new(index), "{index}");
            assert!(!seen.is_new(index), "{index}");
        }
        // Between others that were met, and behind them all.
        assert!(seen.is_new(5) && seen.is_new(10));
        assert!(!seen.is_new(4) && !seen.is_new(5));
    }
}

#[test]
fn logs_are_taken_each_once_in_the_order_in_which_they_came_first() {
    let log = |index| Arc::new(Log::new(index, format!("audit.example/log{index}/00")));
    let logs: Vec<Arc<Log>> = (0..4).map(log).collect();
    let mut grown = Grown::default();
    for _ in 0..2 {
        assert!(grown.is_empty());
        for index in [2, 0, 2, 3, 0] {
            grown.insert(&logs[index]);
            assert!(!grown.is_empty());
        }
        let taken: Vec<usize> = grown.take().iter().map(|log| log.index()).collect();
        assert_eq!(taken, [2, 0, 3]);
    }
    assert!(grown.is_empty() && grown.take().is_empty());
}
