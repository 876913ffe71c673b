//! Lists as people and spreadsheets spoil them, and files that do not come to their end.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::VecDeque;

use axum::body::Bytes;

use super::*;

/// A body whose connection breaks after its last piece.
struct Cut(VecDeque<&'static [u8]>);

impl futures_core::Stream for Cut {
    type Item = Result<Bytes, std::io::Error>;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = self.0.pop_front().map(Bytes::from_static);
        Poll::Ready(Some(piece.ok_or_else(|| std::io::ErrorKind::ConnectionReset.into())))
    }
}

/// A body that comes as it is fed.
struct Fed(tokio::sync::mpsc::Receiver<Bytes>);

impl futures_core::Stream for Fed {
    type Item = Result<Bytes, std::io::Error>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|piece| piece.map(Ok))
    }
}

async fn open() -> (House, Page, i64) {
    let house = House::open("");
    let page = house.person(Role::Administrator).await;
    let id = house.campaign(&page, "Autumn").await;
    (house, page, id)
}

fn codes(report: &Value) -> Vec<(u64, String, Value)> {
    let rows = report["details"].as_array().unwrap().iter();
    let told = |row: &Value| {
        let code = row["code"].as_str().unwrap().to_owned();
        (row["row"].as_u64().unwrap(), code, row["params"].clone())
    };
    rows.map(told).collect()
}

async fn leads(house: &House, page: &Page, id: i64) -> Vec<Value> {
    let path = format!("/api/v1/campaigns/{id}/leads?limit=500");
    house.get(page, &path).await.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_quote_that_nobody_closes_costs_one_row_and_not_the_rest_of_the_list() {
    let (house, page, id) = open().await;
    let mut list = "phone,name\n13800000001,Ada\n13800000002,\"Eve\n".to_owned();
    for n in 3..900 {
        list.push_str(&format!("1380000{n:04},\"B, {n}\"\n"));
    }
    let got = house.upload(&page, id, list).await.json();
    assert_eq!((got["rows"].as_u64(), got["accepted"].as_u64()), (Some(899), Some(898)), "{got}");
    assert_eq!(codes(&got), [(2, "quote_open".to_owned(), json!({}))]);
}

#[tokio::test]
async fn every_row_that_did_not_go_in_says_why_by_a_word_and_what_it_speaks_of() {
    let (house, page, id) = open().await;
    let long = "x".repeat(dialer::limits::FIELD_BYTES_MAX + 1);
    // Row 3 is empty: a spreadsheet counts it, and so do we.
    let list = format!(
        "姓名;手机;备注;备注\nA;138-0000-0001;one;two\nB;13800000001;;\n\nC;110;;\nD;{long};;\n;;;\n\
         E;1.38E+10;;\n"
    );
    let got = house.upload(&page, id, list).await.json();
    assert_eq!((got["rows"].as_u64(), got["repaired"].as_u64()), (Some(6), Some(1)), "{got}");
    let most = dialer::limits::FIELD_BYTES_MAX;
    let expected = [
        (1, "repaired".to_owned(), json!({ "how": ["separators"] })),
        (2, "in_file".to_owned(), json!({ "row": 1 })),
        (4, "emergency".to_owned(), json!({})),
        (5, "field_too_long".to_owned(), json!({ "max": most })),
        (6, "empty".to_owned(), json!({})),
        (7, "rounded".to_owned(), json!({})),
    ];
    assert_eq!(codes(&got), expected);
    // Two columns of one title are both kept.
    let lead = &leads(&house, &page, id).await[0];
    assert_eq!(lead["fields"], json!({ "备注": "one", "备注 (2)": "two" }));
    let again = house.upload(&page, id, "phone\n13800000001\n").await.json();
    assert_eq!(codes(&again)[0].1, "in_campaign");
    assert_eq!(again["details"][0]["reason"], "already in this campaign");
}

#[tokio::test]
async fn a_list_whose_connection_breaks_is_not_taken_for_one_that_ended() {
    let (house, page, id) = open().await;
    let cut = Cut([&b"phone\n13800000001\n138000"[..]].into());
    let got = house.upload(&page, id, Body::from_stream(cut)).await;
    assert_eq!((got.status, got.code().as_str()), (StatusCode::BAD_REQUEST, "malformed"));
    // The half number is no row, and the file is open still.
    let path = format!("/api/v1/campaigns/{id}/batches");
    let file = house.get(&page, &path).await.json()["items"][0].clone();
    assert_eq!((file["finished"].clone(), file["refused"].as_u64()), (Value::Null, Some(0)));
    // What was written before is said.
    let rows: String = (0..2_000).map(|n| format!("1390000{n:04}\n")).collect();
    let rows: &'static str = Box::leak(rows.into_boxed_str());
    let cut = Cut([&b"phone\n"[..], rows.as_bytes(), b"138"].into());
    let got = house.upload(&page, id, Body::from_stream(cut)).await.json();
    assert!(got["error"]["message"].as_str().unwrap().contains("rows up to 2000 are in"), "{got}");
    assert_eq!(leads(&house, &page, id).await.len(), 500);
}

#[tokio::test]
async fn who_goes_away_during_an_import_finds_it_done() {
    let (house, page, id) = open().await;
    let (pieces, body) = tokio::sync::mpsc::channel(4);
    let request = Request::post(format!("/api/v1/campaigns/{id}/leads"))
        .header(COOKIE, &page.cookie)
        .header("x-linebox", "1")
        .header(CONTENT_TYPE, "text/csv");
    let request = request.body(Body::from_stream(Fed(body))).unwrap();
    let asking = tokio::spawn(house.router.clone().oneshot(request));
    pieces.send(Bytes::from_static(b"phone\n13900000001\n")).await.unwrap();
    let path = format!("/api/v1/campaigns/{id}/batches");
    let file = async |wanted: &str| {
        for _ in 0..1_200 {
            let files = house.get(&page, &path).await.json();
            if files["items"][0][wanted].is_i64() {
                return files["items"][0].clone();
            }
            tokio::time::sleep(core::time::Duration::from_millis(25)).await;
        }
        panic!("no file is {wanted}");
    };
    file("started").await;
    asking.abort();
    assert!(asking.await.is_err());
    pieces.send(Bytes::from_static(b"13900000002\n")).await.unwrap();
    drop(pieces);
    assert_eq!(file("finished").await["accepted"], 2);
}

#[tokio::test]
async fn a_form_is_told_how_a_list_is_sent() {
    let (house, page, id) = open().await;
    for kind in ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"] {
        for path in [format!("/api/v1/campaigns/{id}/leads"), "/api/v1/dnc/import".to_owned()] {
            let request = Request::post(&path)
                .header(COOKIE, &page.cookie)
                .header("x-linebox", "1")
                .header(CONTENT_TYPE, kind);
            let got = house.send(request.body(Body::from("--x\r\n")).unwrap()).await;
            assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path}");
            let told = got.json()["error"]["message"].as_str().unwrap().to_owned();
            assert!(told.contains("--data-binary"), "{told}");
        }
    }
}

#[tokio::test]
async fn a_do_not_call_file_is_accounted_for_row_by_row() {
    let (house, page, _) = open().await;
    let import = |list: &'static str| {
        let request = Request::post("/api/v1/dnc/import")
            .header(COOKIE, &page.cookie)
            .header("x-linebox", "1")
            .header(CONTENT_TYPE, "text/csv");
        house.send(request.body(Body::from(list)).unwrap())
    };
    let got = import("\u{feff}\"电话\"\n13800000001\n\"13800000002\n12\n+8613800000001\n").await;
    let got = got.json();
    assert_eq!(got["rows"], 4, "{got}");
    for (count, expected) in [("accepted", 1), ("duplicate", 1), ("refused", 2)] {
        assert_eq!(got[count], expected, "{count}: {got}");
    }
    let expected = [
        (2, "quote_open".to_owned(), json!({})),
        (3, "too_short".to_owned(), json!({})),
        (4, "in_file".to_owned(), json!({ "row": 1 })),
    ];
    assert_eq!(codes(&got), expected);
    // A first row that holds a number gone wrong is a row, not a header.
    let got = import("1380000\n13800000003\n").await.json();
    assert_eq!((got["rows"].as_u64(), got["refused"].as_u64()), (Some(2), Some(1)), "{got}");
}
