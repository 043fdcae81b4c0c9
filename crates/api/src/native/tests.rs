use super::*;

/// An event, and what is wrong with it: pointers of errors.
const CASES: [(&str, &[&str]); 22] = [
    (
        r#"{"actor":"ann","action":"order.refund","outcome":"success"}"#,
        &[],
    ),
    (
        r#"{"actor":{"id":"ann","type":"user","name":"Ann"},"action":"a","target":{"id":"o1"},"outcome":"denied","occurred":"2026-11-27T10:00:00+01:00","source":{"ip":"10.0.0.1","host":"h","agent":"a"},"trace":"0af7651916cd43dd8448eb211c80319c","reason":"because","before":null,"after":[1]}"#,
        &[],
    ),
    (
        r#"{"actor":"ann","action":"a","outcome":"success","more":1}"#,
        &[],
    ),
    (
        r#"{"actor":"ann","action":"a","outcome":"success","source":"cron"}"#,
        &[],
    ),
    ("{}", &["/actor", "/action", "/outcome"]),
    ("[]", &[""]),
    ("7", &[""]),
    (
        r#"{"actor":"","action":"a","outcome":"success"}"#,
        &["/actor"],
    ),
    (
        r#"{"actor":7,"action":"a","outcome":"success"}"#,
        &["/actor"],
    ),
    (
        r#"{"actor":{},"action":"a","outcome":"success"}"#,
        &["/actor/id"],
    ),
    (
        r#"{"actor":{"id":7},"action":"a","outcome":"success"}"#,
        &["/actor/id"],
    ),
    (
        r#"{"actor":{"id":"a","type":7},"action":"a","outcome":"success"}"#,
        &["/actor/type"],
    ),
    (
        r#"{"actor":"a","action":"","outcome":"success"}"#,
        &["/action"],
    ),
    (
        r#"{"actor":"a","action":7,"outcome":"success"}"#,
        &["/action"],
    ),
    (
        r#"{"actor":"a","action":"a","outcome":"ok"}"#,
        &["/outcome"],
    ),
    (
        r#"{"actor":"a","action":"a","outcome":"success","target":null}"#,
        &["/target"],
    ),
    (
        r#"{"actor":"a","action":"a","outcome":"success","occurred":"yesterday"}"#,
        &["/occurred"],
    ),
    (
        r#"{"actor":"a","action":"a","outcome":"success","occurred":7}"#,
        &["/occurred"],
    ),
    (
        r#"{"actor":"a","action":"a","outcome":"success","source":{"ip":7}}"#,
        &["/source/ip"],
    ),
    (
        r#"{"actor":"a","action":"a","outcome":"success","source":7}"#,
        &["/source"],
    ),
    (
        r#"{"actor":"a","action":"a","outcome":"success","trace":"00000000000000000000000000000000"}"#,
        &["/trace"],
    ),
    (
        r#"{"actor":"a","action":"a","outcome":"success","reason":7}"#,
        &["/reason"],
    ),
];

#[test]
fn what_is_not_native_is_named_with_its_place() {
    for (event, places) in CASES {
        let event: Value = serde_json::from_str(event).expect("a case is JSON");
        let found = check(&event);
        let errors: Vec<&str> = found
            .iter()
            .filter(|finding| finding.is_error)
            .map(|finding| finding.at.as_str())
            .collect();
        assert_eq!(errors, places, "{event}");
    }
}

#[test]
fn a_member_of_another_name_is_a_hint() {
    let event = serde_json::json!({"actor": "a", "action": "a", "outcome": "success", "a/b": 1});
    let found = check(&event);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].at.as_str(), found[0].is_error), ("/a~1b", false));
}

/// As much of JSON Schema as the schema uses. Another reading of it than [`check`]'s, so that the two can't drift apart.
fn is_valid(schema: &Value, root: &Value, value: &Value) -> bool {
    let Value::Object(rules) = schema else {
        return schema == &Value::Bool(true);
    };
    rules.iter().all(|(rule, wanted)| match rule.as_str() {
        "$ref" => {
            let pointer = wanted.as_str().and_then(|text| text.strip_prefix('#'));
            is_valid(
                pointer
                    .and_then(|pointer| root.pointer(pointer))
                    .expect("a place in the schema"),
                root,
                value,
            )
        }
        "type" => match wanted.as_str().expect("one type") {
            "object" => value.is_object(),
            "string" => value.is_string(),
            other => panic!("no rule for type {other}"),
        },
        "required" => {
            let names = wanted.as_array().expect("names");
            value.as_object().is_none_or(|object| {
                names
                    .iter()
                    .all(|name| object.contains_key(name.as_str().unwrap_or_default()))
            })
        }
        "properties" => {
            let rules = wanted.as_object().expect("properties");
            let object = value.as_object();
            object.is_none_or(|object| {
                rules.iter().all(|(name, schema)| {
                    object
                        .get(name)
                        .is_none_or(|value| is_valid(schema, root, value))
                })
            })
        }
        "minLength" => value
            .as_str()
            .is_none_or(|text| u64::try_from(text.chars().count()).ok() >= wanted.as_u64()),
        "enum" => wanted.as_array().expect("values").contains(value),
        "anyOf" => wanted
            .as_array()
            .expect("schemas")
            .iter()
            .any(|schema| is_valid(schema, root, value)),
        "pattern" => value
            .as_str()
            .is_none_or(|text| match wanted.as_str().expect("a pattern") {
                pattern if pattern.contains("{32}") => is_trace(text),
                _ => occurred::time(text).is_some(),
            }),
        "$schema" | "title" | "description" | "$defs" => true,
        other => panic!("no rule for {other}"),
    })
}

#[test]
fn the_schema_and_the_check_refuse_the_same() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    for (event, places) in CASES {
        let value: Value = serde_json::from_str(event).expect("a case is JSON");
        assert_eq!(
            is_valid(&schema, &schema, &value),
            places.is_empty(),
            "{event}"
        );
    }
    let properties = schema["properties"].as_object().expect("properties");
    let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
    let mut members = MEMBERS.to_vec();
    names.sort_unstable();
    members.sort_unstable();
    assert_eq!(names, members);
}
