//! What a folder and a register leave on the disk.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use oubliette_backup::FolderTarget;
use oubliette_core::{BackupTarget, ErrorKind};

use crate::support::{World, small};

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[cfg(unix)]
#[tokio::test]
async fn only_their_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with_history().await;
    let place = world.folder.path().join("new").join("backups");
    let target: Arc<dyn BackupTarget> = Arc::new(FolderTarget::open(&place).await.unwrap());
    world.backups_in(target).create(&world.log, &world.vault, &small(), &|_| {}).await.unwrap();
    let files = files(&place);
    assert!(files.len() > 3);
    for file in files.into_iter().chain([world.register_path()]) {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "{}", file.display());
    }
    assert_eq!(fs::metadata(place.join("backups")).unwrap().permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn what_a_killed_program_left_is_no_object_and_is_tidied_away() {
    let place = tempfile::tempdir().unwrap();
    let target = FolderTarget::open(place.path()).await.unwrap();
    target.put("backups/one", b"whole").await.unwrap();
    for part in ["~part-AbCdEf", "backups/~part-xyz123"] {
        fs::write(place.path().join(part), b"half of it").unwrap();
    }
    fs::write(place.path().join("backups/README"), b"somebody's own file").unwrap();
    assert_eq!(target.list("").await.unwrap(), ["backups/one"]);
    target.tidy().await.unwrap();
    let left: Vec<_> = files(place.path()).iter().map(|file| file.file_name().unwrap().to_owned()).collect();
    assert_eq!(left, ["README", "one"]);
}

#[tokio::test]
async fn what_a_killed_program_left_of_a_register_goes() {
    let world = World::with_history().await;
    let part = world.folder.path().join("register.json~AbCdEf");
    fs::write(&part, b"{").unwrap();
    world.take().await;
    assert!(!part.exists());
    assert_eq!(files(world.folder.path()).len(), 2, "the register and its lock");
}

#[tokio::test]
async fn a_folder_where_a_file_stands_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, b"").unwrap();
    assert_eq!(FolderTarget::open(&file).await.unwrap_err().kind(), ErrorKind::Conflict);
    let target = FolderTarget::open(place.path()).await.unwrap();
    target.put("a", b"an object").await.unwrap();
    assert_eq!(target.put("a/b", b"below it").await.unwrap_err().kind(), ErrorKind::Conflict);
    let error = target.put("a", b"others").await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("others"));
}
