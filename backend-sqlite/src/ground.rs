//! What a file lies on: whether overwriting it in place leaves the old bytes somewhere.

use std::path::Path;

/// A filesystem, as far as its overwriting is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ground {
    /// Its name.
    pub(crate) name: String,
    /// Why bytes may outlive their being overwritten; `None` where they do not.
    pub(crate) keeps: Option<&'static str>,
}

const ELSEWHERE: &str = "it writes changed blocks elsewhere and keeps the old ones until it reuses them";
const REMOTE: &str = "another machine keeps the blocks, and does not tell what it does with old ones";
const BENEATH: &str = "what lies beneath it is not told: put the file on a volume of its own";
const UNKNOWN: &str = "how it overwrites is not known here";

/// Magic numbers of filesystems: linux/magic.h, and the manual page of statfs(2).
const KNOWN: &[(u32, &str, Option<&str>)] = &[
    (0x0000_ef53, "ext2/3/4", None),
    (0x5846_5342, "xfs", None),
    (0x0102_1994, "tmpfs", None),
    (0x9123_683e, "btrfs", Some(ELSEWHERE)),
    (0x2fc1_2fc1, "zfs", Some(ELSEWHERE)),
    (0xca45_1a4e, "bcachefs", Some(ELSEWHERE)),
    (0xf2f5_2010, "f2fs", Some(ELSEWHERE)),
    (0x0000_6969, "nfs", Some(REMOTE)),
    (0xff53_4d42, "cifs", Some(REMOTE)),
    (0xfe53_4d42, "smb2", Some(REMOTE)),
    (0x6573_5546, "fuse", Some(BENEATH)),
    (0x794c_7630, "overlayfs", Some(BENEATH)),
];

impl Ground {
    /// What the folder of this file lies on.
    pub(crate) fn of(path: &Path) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        magic(folder).map_or_else(|| Self { name: "unknown".to_owned(), keeps: Some(UNKNOWN) }, Self::known)
    }

    fn known(magic: u32) -> Self {
        match KNOWN.iter().find(|(known, ..)| *known == magic) {
            Some((_, name, keeps)) => Self { name: (*name).to_owned(), keeps: *keeps },
            None => Self { name: format!("unknown (0x{magic:x})"), keeps: Some(UNKNOWN) },
        }
    }
}

#[cfg(target_os = "linux")]
fn magic(folder: &Path) -> Option<u32> {
    // Magic numbers are of 32 bits, and the field is wider or signed on some machines.
    rustix::fs::statfs(folder).ok().and_then(|status| u32::try_from(status.f_type & 0xffff_ffff).ok())
}

#[cfg(not(target_os = "linux"))]
fn magic(_folder: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_writes_elsewhere_is_told_from_who_overwrites() {
        assert_eq!(Ground::known(0xef53).keeps, None);
        assert_eq!(Ground::known(0x9123_683e), Ground { name: "btrfs".into(), keeps: Some(ELSEWHERE) });
    }

    #[test]
    fn what_is_not_known_is_not_trusted() {
        assert_eq!(Ground::known(0x1234), Ground { name: "unknown (0x1234)".into(), keeps: Some(UNKNOWN) });
        assert!(Ground::of(Path::new("/no/such/folder/log.db")).keeps.is_some());
    }
}
