//! The document that says what the wire looks like, and the listeners, say the same.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;

use bed::{Answer, Bed, Client};
use http_body_util::Full;
use hyper::Request;
use indelible_api::{Code, openapi};
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

/// Every path of the document that this listener serves takes its methods and refuses others with `Allow`.
#[tokio::test(flavor = "multi_thread")]
async fn each_path_takes_the_methods_that_stand_there_and_no_other() {
    let bed = Bed::new().await;
    let mut client = bed.producer().await;
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let tags = item
            .as_object()
            .unwrap()
            .values()
            .flat_map(|operation| operation["tags"].as_array().unwrap());
        if !tags.clone().any(|tag| tag == "ingest" || tag == "any") {
            continue;
        }
        let concrete = path.replace("{log}", "payments").replace("{code}", "full");
        for method in ["get", "put", "delete", "post", "patch"] {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(format!("https://localhost{concrete}"));
            let answer = client.send(request.body(Full::default()).unwrap()).await;
            let is_there = item.get(method).is_some();
            assert_eq!(
                answer.status != 405,
                is_there,
                "{method} {path}: {answer:?}"
            );
            if is_there {
                let status = answer.status.as_u16().to_string();
                assert!(
                    item[method]["responses"].get(&status).is_some(),
                    "{method} {path} answered {status}"
                );
            } else {
                assert!(answer.headers.contains_key("allow"));
            }
        }
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
