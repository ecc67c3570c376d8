//! What can be opened from all that is held: from roots over bucket keys to data keys and texts.

use std::collections::BTreeSet;
use std::time::Instant;

use oubliette_core::{KeyId, SubjectId};

use super::held::Ground;
use crate::keyring::Keyring;
use crate::records::{Kind, Place};
use crate::roots::{Blob, Epoch, Opened, RootHolder};
use crate::sealing::Secret;
use crate::secrets::Secrets;
use crate::wire::{KeyRow, Life, Page, Record, Text};

/// What somebody opens.
#[derive(Debug, Default)]
pub(super) struct Disclosed {
    pub(super) keys: BTreeSet<KeyId>,
    pub(super) texts: BTreeSet<SubjectId>,
}

impl Ground {
    /// Every path that there is, from every root that lives, over every record that ever was.
    pub(super) async fn disclosed(&self) -> Disclosed {
        let ever = self.ever.lock().unwrap().clone();
        let vault = crate::Vault::name_in(&self.records).await.unwrap();
        let mut disclosed = Disclosed::default();
        for epoch in self.roots.live() {
            let Opened::Root(root) = self.roots.open(vault, epoch, &Blob::default()).await.unwrap() else {
                panic!("a root that lives opens");
            };
            // A root that was made a moment ago has nothing under it yet.
            let Some(secrets) = secrets_under(&ever, vault, epoch, &root) else { continue };
            let mut keyring = Keyring::new(vault, epoch, &root, Instant::now()).unwrap();
            let decode = |place: &Place, bytes: &[u8]| secrets.records.decode::<Page>(place, bytes).ok();
            // Whatever epoch a page says that it is of: what opens, opens.
            for page in of_kind(&ever, Kind::Ring).filter_map(|(place, bytes)| decode(place, bytes)) {
                page.0.into_iter().for_each(|one| drop(keyring.take(&Page(vec![one]))));
            }
            for (place, bytes) in of_kind(&ever, Kind::Key) {
                let id = KeyId::try_from(place.name.as_slice()).unwrap();
                let row: KeyRow = secrets.records.decode(&KeyRow::place(&id), bytes).unwrap();
                if let Life::Live(wraps) = row.life()
                    && keyring.unwrap(id, row.scope(), row.fingerprint(), wraps).is_ok()
                {
                    disclosed.keys.insert(id);
                }
            }
            for (place, bytes) in of_kind(&ever, Kind::Text) {
                let pseudonym = SubjectId::new(std::str::from_utf8(&place.name).unwrap()).unwrap();
                let Text(wraps) = secrets.records.decode(&Text::place(&pseudonym), bytes).unwrap();
                if keyring.open_text(&pseudonym, &wraps).is_ok() {
                    disclosed.texts.insert(pseudonym);
                }
            }
        }
        disclosed
    }
}

fn of_kind(ever: &[(Place, Vec<u8>)], kind: Kind) -> impl Iterator<Item = (&Place, &[u8])> {
    ever.iter().filter(move |(place, _)| place.kind == kind).map(|(place, bytes)| (place, bytes.as_slice()))
}

fn secrets_under(
    ever: &[(Place, Vec<u8>)],
    vault: oubliette_core::VaultId,
    epoch: Epoch,
    root: &Secret,
) -> Option<Secrets> {
    let mut opened =
        of_kind(ever, Kind::Secrets).filter_map(|(_, bytes)| Secrets::unwrap(vault, root, epoch, bytes).ok());
    opened.next()
}
