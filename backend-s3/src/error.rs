//! From what S3 says to the kinds of the house, without a word of what was sent.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use oubliette_core::{Error, ErrorKind};

/// Why a request was not answered as asked.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// None when no answer came.
    status: Option<u16>,
    code: String,
}

impl Failure {
    /// The answer broke off: a body that did not come whole.
    pub(crate) fn broken_off() -> Self {
        Self { status: None, code: "BrokenOff".to_owned() }
    }

    /// Whether the condition of the request did not hold.
    pub(crate) fn is_lost(&self) -> bool {
        self.status == Some(412)
    }

    /// Whether there is no such object, or nothing configured.
    pub(crate) fn is_absent(&self) -> bool {
        self.status == Some(404) && self.code != "NoSuchBucket"
    }

    /// Whether the same request may succeed later: no answer, too many requests, another writer at
    /// the same object at this moment, or a fault of the server.
    pub(crate) fn is_passing(&self) -> bool {
        self.status.is_none_or(|status| matches!(status, 408 | 409 | 429 | 500..))
            && self.code != "NotImplemented"
    }

    /// Whether the answer is about the object, its versions or its uploads, and not about who asks: what was
    /// asked for is not there, or not as the request wants it.
    pub(crate) fn is_of_an_object(&self) -> bool {
        self.is_lost() || self.is_absent() || (self.status == Some(400) && self.code.starts_with("Invalid"))
    }

    /// Whether these credentials may not do that.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self.status, Some(401 | 403))
    }

    /// Whether the store does not know such a request.
    pub(crate) fn is_unknown(&self) -> bool {
        self.status == Some(501) || self.code == "NotImplemented"
    }

    /// The error for whoever called, and which permissions the request needs.
    pub(crate) fn into_error(self, op: &'static str, needs: &'static str) -> Error {
        let (kind, text) = match self.status {
            _ if self.code == "NoSuchBucket" => {
                (ErrorKind::NotFound, "there is no such bucket: make it, or check its name")
            }
            _ if self.is_denied() => {
                (ErrorKind::Denied, "these credentials may not do that in this bucket: allow what it needs")
            }
            _ if self.is_passing() => {
                (ErrorKind::Unavailable, "S3 does not answer, or is too busy: try again")
            }
            _ => (ErrorKind::Unexpected, "S3 gave an answer that this release does not know"),
        };
        let is_denied = self.is_denied();
        let mut error = Error::new(kind, op, text).with("code", self.code);
        if let Some(status) = self.status {
            error = error.with("status", status);
        }
        if is_denied { error.with("needs", needs) } else { error }
    }
}

impl<E: ProvideErrorMetadata> From<SdkError<E, HttpResponse>> for Failure {
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = match &error {
            SdkError::ServiceError(told) => told.err().code().unwrap_or("none"),
            SdkError::TimeoutError(_) => "Timeout",
            SdkError::DispatchFailure(_) => "Dispatch",
            SdkError::ResponseError(_) => "Response",
            // What could not be built is none of the network's faults: it would fail again.
            _ => return Self { status: Some(0), code: "Request".to_owned() },
        };
        Self { status, code: code.to_owned() }
    }
}

/// What this process can do nothing more about: the runtime that did it is gone.
pub(crate) fn closed(op: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, op, "the log was closed: open it again")
}

/// Something at rest is not what was put there.
pub(crate) fn corrupt(name: &str, text: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, "read", format!("{text}: restore the log from a backup"))
        .with("object", name)
}
