//! Tokens, and signed requests that may come again.

use super::*;
use crate::domain::{Role, Token};

fn token(id: &str, second: u64) -> Token {
    Token {
        id: id.to_owned(),
        name: "ci".to_owned(),
        role: Role::Builder,
        created: at(second),
        expires: None,
        last_used: None,
    }
}

#[tokio::test]
async fn tokens_are_kept_until_they_are_revoked() {
    let store = Scratch::new().await;
    let first = Token { expires: Some(at(9)), ..token("b", 1) };
    store.insert_token(&first, [7; 32]).await.unwrap();
    store.insert_token(&token("a", 2), [8; 32]).await.unwrap();
    assert!(store.insert_token(&token("a", 3), [9; 32]).await.is_err());
    assert_eq!(store.token("b").await.unwrap(), Some((first.clone(), [7; 32])));

    store.touch_token("a", at(5)).await.unwrap();
    let used = Token { last_used: Some(at(5)), ..token("a", 2) };
    let other = store.again().await;
    assert_eq!(other.tokens().await.unwrap(), [first, used]);

    assert!(other.delete_token("b").await.unwrap());
    assert!(!other.delete_token("b").await.unwrap());
    assert_eq!(store.token("b").await.unwrap(), None, "revoked for all processes");
}

#[tokio::test]
async fn requests_signed_ahead_are_remembered_until_they_are_old() {
    let store = Scratch::new().await;
    let nonce = |second| ("ci".to_owned(), second, [second as u8; 16]);
    for _ in 0..2 {
        store.remember_signed_ahead(&nonce(10), 0).await.unwrap();
    }
    store.remember_signed_ahead(&nonce(20), 0).await.unwrap();
    assert_eq!(store.signed_ahead(0).await.unwrap(), [nonce(10), nonce(20)]);
    assert_eq!(store.signed_ahead(11).await.unwrap(), [nonce(20)]);
    store.remember_signed_ahead(&nonce(30), 20).await.unwrap();
    assert_eq!(store.signed_ahead(0).await.unwrap(), [nonce(20), nonce(30)]);
}
