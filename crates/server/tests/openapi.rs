//! The document that says what the wire looks like, and the listeners, say the same.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;

use bed::{Answer, Bed, Client};
use http_body_util::Full;
use hyper::Request;
use indelible_api::{Code, openapi};
use indelible_server::http::Purpose;
use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(openapi::DOCUMENT).unwrap()
}

async fn get(client: &mut Client, path: &str) -> Answer {
    let request = Request::get(format!("https://localhost{path}"));
    client.send(request.body(Full::default()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_serves_the_document_and_what_it_names() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let answer = get(&mut client, "/v1/openapi.json").await;
    assert_eq!(answer.json::<Value>(), document());
    let schema: Value = get(&mut client, "/v1/event.schema.json").await.json();
    assert_eq!(schema["title"], "Native audit event");
    for code in Code::ALL {
        let answer = get(&mut client, &format!("/v1/problems/{}", code.word())).await;
        assert!(answer.status.is_success(), "{code:?}");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(text.starts_with(&code.word()), "{text}");
    }
    assert_eq!(
        get(&mut client, "/v1/problems/nothing")
            .await
            .problem()
            .code,
        Code::NotFound
    );
}

#[test]
fn every_code_stands_in_the_document_and_no_other() {
    let document = document();
    let listed = |pointer: &str| -> Vec<String> {
        let list = document
            .pointer(pointer)
            .unwrap()
            .as_array()
            .unwrap()
            .clone();
        list.into_iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    };
    let codes: Vec<String> = Code::ALL.iter().map(|code| code.word()).collect();
    assert_eq!(
        listed("/components/schemas/Problem/properties/code/enum"),
        codes
    );
    assert_eq!(
        listed("/paths/~1v1~1problems~1{code}/get/parameters/0/schema/enum"),
        codes
    );
}

/// Whether an operation is one of a listener for this.
fn is_of(operation: &Value, purpose: &str) -> bool {
    let tags = operation["tags"].as_array().unwrap();
    tags.iter().any(|tag| tag == purpose || tag == "any")
}

/// Every path of the document that a listener serves takes the methods that stand there and refuses others with `Allow`. Whoever asks
/// has no right to any of it, which is how a path that is served is told from one that is not: denied, and not *no such path*.
async fn paths_of(bed: &Bed, client: &mut Client, purpose: &str) {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let mut operations = item.as_object().unwrap().values();
        if !operations.any(|operation| is_of(operation, purpose)) {
            continue;
        }
        let concrete = path
            .replace("{log}", bed.log.name())
            .replace("{code}", "full")
            .replace("{seq}", "0")
            .replace("{level}", "0")
            .replace("{index}", "000");
        for method in ["get", "put", "delete", "post", "patch"] {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(format!("https://localhost{concrete}"));
            let answer = client.send(request.body(Full::default()).unwrap()).await;
            let operation = item
                .get(method)
                .filter(|operation| is_of(operation, purpose));
            assert_eq!(
                answer.status != 405,
                operation.is_some(),
                "{purpose}: {method} {path}: {answer:?}"
            );
            match operation {
                Some(operation) => {
                    let status = answer.status.as_u16().to_string();
                    assert_ne!(status, "404", "{purpose}: {method} {path}: {answer:?}");
                    let described = operation["responses"].get(&status);
                    assert!(
                        described.is_some(),
                        "{purpose}: {method} {path} answered {status}"
                    );
                }
                None => assert!(
                    answer.headers.contains_key("allow"),
                    "{purpose}: {method} {path}"
                ),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_path_takes_the_methods_that_stand_there_and_no_other() {
    let bed = Bed::new().await;
    let mut stranger = bed.client("spiffe://example.org/stranger").await;
    paths_of(&bed, &mut stranger, "ingest").await;
    for (purpose, word) in [(Purpose::Query, "query"), (Purpose::Verify, "verify")] {
        let address = bed.listen(purpose).await;
        let mut stranger = bed
            .client_at("spiffe://example.org/stranger", address)
            .await;
        paths_of(&bed, &mut stranger, word).await;
    }
}

/// References lead somewhere.
#[test]
fn nothing_the_document_refers_to_is_missing() {
    fn walk(value: &Value, root: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(reference) = object.get("$ref") {
                    let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
                    assert!(root.pointer(pointer).is_some(), "{reference}");
                }
                object.values().for_each(|value| walk(value, root));
            }
            Value::Array(array) => array.iter().for_each(|value| walk(value, root)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}
