//! What a run's sections *keys*, *streams* and *places* say, against what its records claim.

use super::{PackCheck, cut, len, len64};
use crate::format::pack::{ClaimsData, ClaimsView, KEY_BYTES, PLACE_BYTES, Run};
use crate::resend::collect::GAP;
use crate::verify::LogName;
use crate::verify::finding::{Damage, Finding};
use crate::verify::records::RecordChecker;
use crate::verify::sections::{KEYS, PLACES, STREAMS, Sections};

impl PackCheck<'_> {
    /// Compares them where all three sections are sound and all records of the run were seen.
    pub(super) fn claims(
        &mut self,
        sections: &Sections,
        run: &Run,
        log: &LogName,
        at: &[usize; super::SECTIONS],
        records: &mut RecordChecker<'_>,
    ) {
        let Some((first, collected)) = records.claims.take() else {
            return;
        };
        let sound = [KEYS, STREAMS, PLACES].iter().all(|at| sections.sound[*at]);
        if !sound {
            return; // Their digests are wrong, which is said already.
        }
        let lengths = [
            len(u64::from(run.keys)) * KEY_BYTES,
            len(u64::from(run.streams_len)),
            len(u64::from(run.places)) * PLACE_BYTES,
        ];
        let part = |index: usize| {
            cut(
                sections.section(KEYS + index),
                at[KEYS + index],
                lengths[index],
            )
        };
        let mut name = |index: usize, what: &str| {
            let offset = sections.offset(index) + len64(at[index]);
            // What is wrong is the list. The records it is of are read, and none of them is lost.
            let finding = Finding::new(Damage::Unreadable, &self.ent, offset, what);
            self.seen.findings.push(finding.of_log(&log.name));
        };
        let view = match ClaimsView::read(run, [part(0), part(1), part(2)]) {
            Ok(view) => view,
            Err(error) => return name(KEYS, &error.to_string()),
        };
        let whole = self.has_records
            && records.findings.is_empty()
            && records.checked.records == u64::from(run.count);
        if !whole {
            return;
        }
        if let Some(place) = collected.gap() {
            let seq = first + u64::from(place);
            let finding = Finding::new(Damage::Unreadable, &self.rec, run.rec_at, GAP);
            self.seen
                .findings
                .push(finding.of_range(&log.name, seq..seq + 1));
            return;
        }
        let claimed = collected.finish();
        if !view.keys().eq(claimed.keys.iter().copied()) {
            name(KEYS, "the key tags are not those of the run's records");
        }
        if !streams_agree(&view, &claimed) {
            name(STREAMS, "the streams are not those of the run's records");
        } else if !places_agree(&view, &claimed) {
            name(PLACES, "a number of a stream lies elsewhere than it says");
        }
    }
}

fn streams_agree(view: &ClaimsView<'_>, claimed: &ClaimsData) -> bool {
    view.streams.len() == claimed.streams.len()
        && view.streams.iter().zip(&claimed.streams).all(|(row, own)| {
            (row.by, row.src, row.epoch, row.first) == (&*own.by, &*own.src, own.epoch, own.first)
                && usize::try_from(row.count) == Ok(own.places.len())
        })
}

fn places_agree(view: &ClaimsView<'_>, claimed: &ClaimsData) -> bool {
    let numbers = view.numbers().zip(&claimed.streams);
    numbers
        .into_iter()
        .all(|((_, places), own)| places.eq(own.places.iter().copied()))
        && view.records().eq(claimed.records.iter().copied())
}
