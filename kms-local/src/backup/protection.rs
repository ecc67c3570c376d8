//! Whom a backup is encrypted to, and what opens it again.

use std::fmt;
use std::io::BufRead;

use age::secrecy::{ExposeSecret, SecretString};
use age::stream::StreamReader;
use age::{Decryptor, Encryptor, IdentityFile, scrypt, x25519};
use oubliette_core::{Error, ErrorKind, Result};

use crate::error;

/// The dearest work factor that is taken, to write and to read: 4 GiB of memory.
const DEAREST: u8 = 22;
/// What age itself takes: 256 MiB and about a second.
const USUAL: u8 = 18;

/// How a backup is encrypted, in the age format (<https://age-encryption.org/v1>).
pub struct Protection(Means);

enum Means {
    Recipients(Vec<String>),
    Passphrase(SecretString, u8),
}

impl Protection {
    /// To each of these recipients, `age1...`. Whoever holds the identity of one restores.
    ///
    /// `age-keygen` makes such a pair; the identity need not be where backups are taken.
    pub fn recipients(recipients: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(Means::Recipients(recipients.into_iter().map(Into::into).collect()))
    }

    /// Under a passphrase, which scrypt makes dear to guess: 256 MiB and about a second.
    pub fn passphrase(secret: impl Into<String>) -> Self {
        Self::passphrase_at(secret, USUAL)
    }

    /// Under a passphrase, at another work factor of scrypt: N is two to the power of
    /// `log_n`, from 1 to 22.
    pub fn passphrase_at(secret: impl Into<String>, log_n: u8) -> Self {
        Self(Means::Passphrase(SecretString::from(secret.into()), log_n))
    }

    pub(super) fn encryptor(&self) -> Result<Encryptor> {
        match &self.0 {
            Means::Recipients(recipients) => {
                let recipients: Vec<x25519::Recipient> = recipients
                    .iter()
                    .enumerate()
                    .map(|(n, text)| recipient(n, text))
                    .collect::<Result<_>>()?;
                if recipients.is_empty() {
                    return Err(invalid("a backup needs a recipient or a passphrase: give one"));
                }
                Encryptor::with_recipients(recipients.iter().map(|one| one as &dyn age::Recipient))
            }
            Means::Passphrase(secret, log_n) => {
                if !(1..=DEAREST).contains(log_n) {
                    return Err(invalid("this work factor is not one of scrypt: it goes from 1 to 22")
                        .with("log_n", log_n));
                }
                let mut recipient = scrypt::Recipient::new(given(secret)?);
                recipient.set_work_factor(*log_n);
                Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            }
        }
        .map_err(error::refused("backup"))
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Means::Recipients(_) => "Protection(recipients)",
            Means::Passphrase(..) => "Protection(passphrase)",
        })
    }
}

/// What opens a backup.
pub struct Unlock(Key);

enum Key {
    Identity(SecretString),
    Passphrase(SecretString),
}

impl Unlock {
    /// An identity, `AGE-SECRET-KEY-1...`, or the content of a file that holds some.
    pub fn identity(text: impl Into<String>) -> Self {
        Self(Key::Identity(SecretString::from(text.into())))
    }

    /// The passphrase.
    pub fn passphrase(secret: impl Into<String>) -> Self {
        Self(Key::Passphrase(SecretString::from(secret.into())))
    }

    pub(super) fn open<R: BufRead>(self, input: R) -> Result<StreamReader<R>> {
        let sealed = Decryptor::new_buffered(input).map_err(error::age)?;
        match (self.0, sealed.is_scrypt()) {
            (Key::Identity(text), false) => {
                let identities = IdentityFile::from_buffer(text.expose_secret().trim().as_bytes())
                    .ok()
                    .and_then(|file| file.into_identities().ok())
                    .filter(|identities| !identities.is_empty())
                    .ok_or_else(|| {
                        invalid("this is no age identity: give one that begins with AGE-SECRET-KEY-1")
                    })?;
                sealed.decrypt(identities.iter().map(|one| &**one as &dyn age::Identity)).map_err(error::age)
            }
            (Key::Passphrase(secret), true) => {
                let mut identity = scrypt::Identity::new(given(&secret)?);
                identity.set_max_work_factor(DEAREST);
                sealed.decrypt(std::iter::once(&identity as &dyn age::Identity)).map_err(error::age)
            }
            (Key::Identity(_), true) => Err(wrong("this backup is under a passphrase: give that passphrase")),
            (Key::Passphrase(_), false) => {
                Err(wrong("this backup is encrypted to recipients: give the identity of one of them"))
            }
        }
    }
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unlock(..)")
    }
}

fn recipient(n: usize, text: &str) -> Result<x25519::Recipient> {
    // It is not repeated: somebody may have pasted the identity instead.
    text.trim().parse().map_err(|_| {
        invalid("this is no age recipient: give one that begins with age1, as `age-keygen` prints it")
            .with("recipient", n + 1)
    })
}

fn given(secret: &SecretString) -> Result<SecretString> {
    match secret.expose_secret().is_empty() {
        true => Err(invalid("the passphrase is empty: give one")),
        false => Ok(secret.clone()),
    }
}

fn invalid(text: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, "backup", text)
}

fn wrong(text: &'static str) -> Error {
    Error::new(ErrorKind::WrongVault, "restore", text)
}
