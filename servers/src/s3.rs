//! The S3 server that the tests of a process share.

use std::env;

use crate::localstack::LocalStack;
use crate::ministack::Ministack;

/// The variable that names another server than ministack.
const ASKED: &str = "OUBLIETTE_S3";

/// Where it answers: a ministack, or a LocalStack when the environment says `OUBLIETTE_S3=localstack`. It is started
/// when it is first asked for. Who needs a store of their own makes a bucket.
///
/// # Panics
/// When it is not installed, or does not start; and for another server.
pub fn s3_url() -> String {
    match env::var(ASKED).as_deref() {
        Err(_) | Ok("" | "ministack") => Ministack::shared().url(),
        Ok("localstack") => LocalStack::shared().url(),
        Ok(_) => panic!("{ASKED} is `ministack` or `localstack`"),
    }
}
