//! Cases of `vectors/`, and their inputs in the forms that `vectors/README.md` tells.

use anyhow::{Context as _, Result, anyhow};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use crate::workspace::Workspace;

/// A file of the vectors.
pub fn read(workspace: &Workspace, name: &str) -> Result<Value> {
    let text = workspace.read(&format!("vectors/{name}.json"))?;
    serde_json::from_str(&text).with_context(|| name.to_owned())
}

/// The case of this name.
pub fn named<'a>(cases: &'a [Value], name: &str) -> Result<&'a Value> {
    let mut all = cases.iter();
    all.find(|case| case["name"] == name)
        .with_context(|| format!("no case {name}"))
}

/// What goes in: text, base64, a part repeated between two others, or the changed input of another case.
pub fn input(cases: &[Value], case: &Value, member: &str) -> Result<Vec<u8>> {
    if let Some(base) = case["base"].as_str() {
        return edited(input(cases, named(cases, base)?, member)?, &case["edits"]);
    }
    let Some(count) = case["count"].as_u64() else {
        return part(case, member);
    };
    let repeated = part(case, "repeat")?.repeat(usize::try_from(count)?);
    Ok([part(case, "prefix")?, repeated, part(case, "suffix")?].concat())
}

/// A member as text or in base64.
pub fn part(case: &Value, member: &str) -> Result<Vec<u8>> {
    if let Some(text) = case[member].as_str() {
        return Ok(text.as_bytes().to_vec());
    }
    let base64 = case[format!("{member}_b64")].as_str();
    of_base64(base64.with_context(|| format!("no {member}: {}", case["name"]))?)
}

/// The bytes of a text in base64.
pub fn of_base64(text: &str) -> Result<Vec<u8>> {
    BASE64_STANDARD
        .decode(text)
        .map_err(|error| anyhow!("{error}: {text}"))
}

/// Applies `[offset, removed, inserted]`, the highest offset first.
pub fn edited(bytes: Vec<u8>, edits: &Value) -> Result<Vec<u8>> {
    let edits: Vec<(usize, usize, String)> = serde_json::from_value(edits.clone())?;
    let edits = edits.into_iter();
    apply(
        bytes,
        edits
            .map(|(offset, removed, text)| (offset, removed, text.into_bytes()))
            .collect(),
    )
}

/// The same with what is inserted in base64.
pub fn edited_base64(bytes: Vec<u8>, edits: &Value) -> Result<Vec<u8>> {
    let edits: Vec<(usize, usize, String)> = serde_json::from_value(edits.clone())?;
    let edits = edits.into_iter();
    let decoded = edits.map(|(offset, removed, text)| Ok((offset, removed, of_base64(&text)?)));
    apply(bytes, decoded.collect::<Result<_>>()?)
}

fn apply(mut bytes: Vec<u8>, mut edits: Vec<(usize, usize, Vec<u8>)>) -> Result<Vec<u8>> {
    edits.sort();
    for (offset, removed, inserted) in edits.into_iter().rev() {
        let end = offset
            .checked_add(removed)
            .filter(|end| *end <= bytes.len())
            .context("an edit beyond its base")?;
        bytes.splice(offset..end, inserted);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn inputs_are_read_in_all_their_forms() {
        let cases = [
            json!({"name": "text", "export": "abcdef"}),
            json!({"name": "bytes", "export_b64": "/w=="}),
            json!({"name": "long", "prefix": "a", "repeat": "bc", "count": 2, "suffix": "d"}),
            json!({"name": "long bytes", "prefix_b64": "YQ==", "repeat_b64": "/w==", "count": 2, "suffix_b64": ""}),
            json!({"name": "edited", "base": "text", "edits": [[1, 1, "XY"], [4, 2, ""]]}),
        ];
        let inputs: Vec<Vec<u8>> = cases
            .iter()
            .map(|case| input(&cases, case, "export").unwrap())
            .collect();
        assert_eq!(
            inputs,
            [&b"abcdef"[..], b"\xff", b"abcbcd", b"a\xff\xff", b"aXYcd"]
        );
        assert_eq!(
            edited_base64(b"abc".to_vec(), &json!([[1, 2, "/w=="]])).unwrap(),
            b"a\xff"
        );
        assert!(edited(b"abc".to_vec(), &json!([[2, 2, ""]])).is_err());
        assert!(input(&cases, &json!({"name": "none"}), "export").is_err());
    }
}
