//! An array is cut where serde_json ends its elements, and put together again it is what came.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

#[path = "../../crates/server/src/array.rs"]
mod array;

const MOST: usize = 16;

fuzz_target!(|input: &[u8]| {
    let cut = array::elements(input, MOST);
    let read = serde_json::from_slice::<Vec<&RawValue>>(input).ok();
    if let Ok(pieces) = &cut {
        let inside = pieces.join(&b","[..]);
        let whole = [b"[", &inside[..], b"]"].concat();
        match pieces[..] {
            [] => assert!(input.trim_ascii().starts_with(b"[")),
            _ => assert_eq!(whole, input.trim_ascii(), "nothing is lost or added"),
        }
        // Each piece is judged by itself: the whole must then be what its pieces say.
        let alone: Vec<Option<&RawValue>> = pieces
            .iter()
            .map(|piece| serde_json::from_slice(piece).ok())
            .collect();
        assert_eq!(
            alone.iter().all(Option::is_some),
            read.is_some(),
            "pieces that are JSON make an array, and only they do"
        );
        let texts = |of: Vec<&RawValue>| -> Vec<String> {
            of.into_iter().map(|value| value.get().to_owned()).collect()
        };
        if let Some(read) = read {
            let alone = alone.into_iter().flatten().collect();
            assert_eq!(texts(alone), texts(read));
        }
    } else if let Some(read) = read {
        assert!(
            read.len() > MOST,
            "an array is refused for its length alone"
        );
    }
});
