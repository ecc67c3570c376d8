//! Names and numbers that cross a trait, each its own type.

mod name;
mod number;
mod purpose;
mod random;

pub use self::name::{DocumentKey, EventType, MAX_NAME, ProjectionName, StreamId, SubjectId};
pub(crate) use self::name::{ERASURES, FOUNDING};
pub use self::number::{BuildId, Position, Sequence, Version};
pub use self::purpose::Purpose;
pub use self::random::{BackupId, ErasureId, EventId, KeyId, VaultId};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_address_cannot_be_a_subject_id() {
        for name in ["ada@example.org", "Ada Lovelace", "", "a\nb"] {
            assert_eq!(SubjectId::new(name).unwrap_err().kind(), ErrorKind::Invalid);
        }
        assert_eq!(SubjectId::new("c-42").unwrap().as_str(), "c-42");
    }

    #[test]
    fn an_error_about_a_name_does_not_repeat_it() {
        let error = SubjectId::new("ada@example.org").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("ada"));
    }

    #[test]
    fn a_random_id_survives_its_text() {
        let id = KeyId::random().unwrap();
        assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        assert_eq!(KeyId::try_from(id.as_bytes().as_slice()).unwrap(), id);
    }

    #[test]
    fn a_number_in_quotes_is_not_a_version() {
        assert!(serde_json::from_str::<Version>("\"1\"").is_err());
        assert_eq!(serde_json::from_str::<Version>("1").unwrap(), Version(1));
    }
}
