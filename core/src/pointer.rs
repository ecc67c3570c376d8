//! RFC 6901 pointers, while JSON is walked.

/// Runs `work` with `path` one step longer.
pub(crate) fn under<T>(path: &mut String, step: &str, work: impl FnOnce(&mut String) -> T) -> T {
    let len = path.len();
    path.push('/');
    if step.contains(['~', '/']) {
        path.push_str(&step.replace('~', "~0").replace('/', "~1"));
    } else {
        path.push_str(step);
    }
    let done = work(path);
    path.truncate(len);
    done
}
