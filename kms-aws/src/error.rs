//! From what KMS says to the kinds of the house, without a word of what was sent.

use aws_sdk_kms::config::http::HttpResponse;
use aws_sdk_kms::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use oubliette_core::{Error, ErrorKind};

/// Why a call was not answered as asked.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// None when no answer came.
    status: Option<u16>,
    code: String,
    cause: Cause,
}

/// What is told apart in what KMS says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There is no such key.
    Absent,
    /// The key is disabled.
    Disabled,
    /// The key is in a state that does not allow it, as pending deletion.
    State,
    /// The ciphertext or its context is not what this key has wrapped.
    Ciphertext,
    /// These credentials may not do that.
    Denied,
    /// These credentials are none, or not accepted.
    Credentials,
    /// The clocks differ.
    Clock,
    /// The account has as many keys or aliases as it may.
    Quota,
    /// There is an alias of this name.
    Taken,
    /// No answer, or one that may be another later.
    Passing,
    /// None of these.
    Other,
}

impl Failure {
    pub(crate) fn cause(&self) -> Cause {
        self.cause
    }

    /// The error for whoever called, and which permission the call needs.
    pub(crate) fn into_error(self, op: &'static str, needs: &'static str) -> Error {
        let (kind, text) = match self.cause {
            Cause::Absent => (ErrorKind::NotFound, "KMS has no such key: check account, region and endpoint"),
            Cause::Disabled => (
                ErrorKind::Unavailable,
                "the KMS key of the root is disabled: enable it, unless the vault is being rolled",
            ),
            Cause::State => (
                ErrorKind::Unavailable,
                "the KMS key of the root is in no state that allows it: look at it with `aws kms describe-key`",
            ),
            Cause::Ciphertext => (
                ErrorKind::Corrupt,
                "what is kept for a root is not what KMS has wrapped: restore the records from the newest backup",
            ),
            Cause::Denied => {
                (ErrorKind::Denied, "these credentials may not do that in KMS: allow what it needs")
            }
            Cause::Credentials => {
                (ErrorKind::Denied, "there are no credentials that AWS accepts: give the process others")
            }
            Cause::Clock => (
                ErrorKind::Unavailable,
                "the clock of this machine differs from that of AWS by minutes: set it, then try again",
            ),
            Cause::Quota => (
                ErrorKind::LimitExceeded,
                "the account has as many KMS keys or aliases as it may: ask AWS for a higher quota",
            ),
            Cause::Taken | Cause::Other => {
                (ErrorKind::Unexpected, "KMS gave an answer that this release does not know")
            }
            Cause::Passing => (ErrorKind::Unavailable, "KMS does not answer, or is too busy: try again"),
        };
        let is_denied = self.cause == Cause::Denied;
        let mut error = Error::new(kind, op, text).with("code", self.code);
        if let Some(status) = self.status {
            error = error.with("status", status);
        }
        if is_denied { error.with("needs", needs) } else { error }
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let (code, cause) = match &error {
            SdkError::ServiceError(told) => {
                let code = told.err().code().unwrap_or("none");
                (code, cause(status, code, told.err().message().unwrap_or_default()))
            }
            SdkError::TimeoutError(_) => ("Timeout", Cause::Passing),
            SdkError::ResponseError(_) => ("Response", Cause::Passing),
            SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
                ("Dispatch", Cause::Passing)
            }
            // Without credentials nothing is sent: the SDK has no kind of its own for that.
            SdkError::DispatchFailure(_) if without_credentials(&error) => {
                ("NoCredentials", Cause::Credentials)
            }
            SdkError::DispatchFailure(_) => ("Dispatch", Cause::Passing),
            // What could not be built is none of the network's faults: it would fail again.
            _ => ("Request", Cause::Other),
        };
        Self { status, code: code.to_owned(), cause }
    }
}

fn without_credentials<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: std::error::Error + 'static,
{
    // Looked at, and never told: it may name files and roles.
    format!("{}", DisplayErrorContext(error)).contains("credentials")
}

fn cause(status: Option<u16>, code: &str, message: &str) -> Cause {
    let by_clock =
        message.starts_with("Signature expired") || message.starts_with("Signature not yet current");
    match code {
        "NotFoundException" => Cause::Absent,
        "DisabledException" => Cause::Disabled,
        "KMSInvalidStateException" => Cause::State,
        "InvalidCiphertextException" | "IncorrectKeyException" => Cause::Ciphertext,
        "RequestExpired" | "RequestTimeTooSkewed" => Cause::Clock,
        "InvalidSignatureException" if by_clock => Cause::Clock,
        "InvalidSignatureException"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => Cause::Credentials,
        "LimitExceededException" => Cause::Quota,
        "AlreadyExistsException" => Cause::Taken,
        "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "DependencyTimeoutException"
        | "KMSInternalException"
        | "KeyUnavailableException" => Cause::Passing,
        _ if code.starts_with("AccessDenied") || status == Some(403) => Cause::Denied,
        _ if status.is_some_and(|status| status == 429 || status >= 500) => Cause::Passing,
        _ => Cause::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_differs_is_told_from_a_wrong_secret() {
        let of = |message| cause(Some(400), "InvalidSignatureException", message);
        assert_eq!(of("Signature expired: 20260101T000000Z is now earlier than ..."), Cause::Clock);
        assert_eq!(of("Signature not yet current: ..."), Cause::Clock);
        assert_eq!(of("The request signature we calculated does not match"), Cause::Credentials);
    }

    /// What passes and what is denied must never be read as a root that is gone.
    #[test]
    fn only_kms_itself_says_that_a_key_is_not_there() {
        for (status, code) in
            [(400, "ThrottlingException"), (500, "KMSInternalException"), (503, "x"), (429, "x")]
        {
            assert_eq!(cause(Some(status), code, ""), Cause::Passing, "{code}");
        }
        for (status, code) in [(400, "AccessDeniedException"), (403, "x")] {
            assert_eq!(cause(Some(status), code, ""), Cause::Denied, "{code}");
        }
        for (status, code) in [(404, "x"), (404, "UnknownOperationException"), (400, "ValidationException")] {
            assert_eq!(cause(Some(status), code, ""), Cause::Other, "{code}");
        }
    }
}
