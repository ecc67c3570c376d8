//! `oubliette verify`

use oubliette::ErrorKind;
use oubliette::erasure::SignedCertificate;
use oubliette::erasure::certificate::Claim;
use serde_json::json;

use crate::args::Verify;
use crate::exit::{DISPROVED, Exit, NOT_FOUND};
use crate::output::Output;

pub(crate) fn run(args: &Verify, output: &Output) -> Result<(), Exit> {
    let json = std::fs::read(&args.file).map_err(|error| {
        Exit::new(NOT_FOUND, format!("cannot read {}: {error}", args.file.display()))
            .next("name a certificate's file")
    })?;
    let signed = SignedCertificate::verify(&json).map_err(|error| match error.kind() {
        ErrorKind::Corrupt => Exit::new(DISPROVED, error.to_string())
            .next("do not rely on it: ask its issuer for the certificate as it was signed"),
        _ => Exit::from(error).next("name the file of a certificate, as `forget` wrote it"),
    })?;
    if let Some(key) = &args.key
        && !key.eq_ignore_ascii_case(signed.public_key())
    {
        return Err(Exit::new(DISPROVED, "the certificate was signed by another key than the one given")
            .details(vec![format!("signed by {}", signed.public_key())])
            .next("do not rely on it, unless you trust that key too"));
    }
    let result = json!({ "valid": true, "pinned": args.key.is_some(), "public_key": signed.public_key(),
                         "certificate": signed.certificate() });
    output.result(&result, || describe(&signed, args.key.is_some()))
}

/// What a certificate says, for people.
pub(crate) fn describe(signed: &SignedCertificate, pinned: bool) -> String {
    let certificate = signed.certificate();
    let what = certificate.purpose.as_ref().map_or_else(
        || "everything about one person".to_owned(),
        |purpose| format!("what was held about one person for {purpose}"),
    );
    let mut text = format!(
        "Valid: erasure {}\n  erased       {what}\n  requested    {}\n  destroyed    {} ({} keys)\n  \
         swept        {} sealed parts\n  verified     {} keys destroyed, {} alive, {} parts left, \
         {} parts of others still open\n",
        certificate.erasure,
        certificate.requested_at,
        certificate.destroyed_at,
        certificate.keys.len(),
        certificate.parts_swept,
        certificate.verification.keys_destroyed,
        certificate.verification.keys_alive,
        certificate.verification.parts_left,
        certificate.verification.neighbours_opened,
    );
    for (store, levels) in &certificate.stores {
        for (level, claim) in [("A", &levels.a), ("B", &levels.b), ("C", &levels.c), ("D", &levels.d)] {
            let claim = match claim {
                Claim::Holds { since } => format!("holds since {since}"),
                Claim::Pending { until, why } => format!("pending until {until}: {why}"),
                Claim::NotClaimed { why } => format!("not claimed: {why}"),
            };
            text.push_str(&format!("  {store:6} {level}     {claim}\n"));
        }
    }
    text.push_str(&format!("  signed by    {}", signed.public_key()));
    if !pinned {
        text.push_str(
            "\n               compare it with the key that the issuer published, or pass it as --key",
        );
    }
    text
}
